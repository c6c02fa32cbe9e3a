//! The ACL categories of commands: those of their rows, and those that follow from their flags.

use crate::acl::CATEGORIES;
use crate::command::table::Command;
use crate::command::{Category, Flag};

fn name_of(category: Category) -> &'static str {
    match category {
        Category::Admin => "admin",
        Category::Bitmap => "bitmap",
        Category::Connection => "connection",
        Category::Dangerous => "dangerous",
        Category::Geo => "geo",
        Category::Hash => "hash",
        Category::HyperLogLog => "hyperloglog",
        Category::Keyspace => "keyspace",
        Category::List => "list",
        Category::PubSub => "pubsub",
        Category::Scripting => "scripting",
        Category::Set => "set",
        Category::SortedSet => "sortedset",
        Category::Stream => "stream",
        Category::String => "string",
        Category::Transaction => "transaction",
    }
}

/// Is a command in the category of this name, in lower case?
fn is_in(command: &Command, name: &str) -> bool {
    let is_script = command.spec.acl.contains(&Category::Scripting);
    match name {
        "read" => command.has(Flag::ReadOnly) && !is_script,
        "write" => command.has(Flag::Write),
        "admin" | "dangerous" if command.has(Flag::Admin) => true,
        "pubsub" if command.has(Flag::PubSub) => true,
        "fast" => command.has(Flag::Fast),
        "slow" => !command.has(Flag::Fast),
        "blocking" => command.has(Flag::Blocking),
        name => command.spec.acl.iter().any(|category| name_of(*category) == name),
    }
}

/// The names of a command's categories.
pub(in crate::command) fn names(command: &Command) -> Vec<&'static str> {
    CATEGORIES.iter().copied().filter(|name| is_in(command, name)).collect()
}

/// A bit for each category of a command.
pub(super) fn bits(command: &Command) -> u32 {
    let places = CATEGORIES.iter().enumerate();
    places.fold(0, |bits, (place, name)| bits | u32::from(is_in(command, name)) << place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table::table;

    #[test]
    fn categories_follow_from_flags() {
        for (name, subcommand, expected) in [
            ("lpush", None, "write list fast"),
            ("blpop", None, "write list slow blocking"),
            ("config", Some("set"), "admin slow dangerous"),
            ("get", None, "read string fast"),
        ] {
            let command = table().find(name.as_bytes()).expect("a command");
            let command = subcommand.map_or(command, |sub| {
                table().find_subcommand(command, sub.as_bytes()).expect("a subcommand")
            });
            assert_eq!(names(command).join(" "), expected);
        }
    }
}
