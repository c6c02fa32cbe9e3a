//! The commands as rules know them: full names such as `get` and `config|get`, and categories.

use std::collections::HashMap;

/// Names of the categories, in the order of Redis.
pub(crate) const CATEGORIES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// The bit of a category in a set of them; the name in upper or lower case.
pub(crate) fn category_bit(name: &[u8]) -> Option<u32> {
    let place =
        CATEGORIES.iter().position(|category| category.as_bytes().eq_ignore_ascii_case(name))?;
    Some(1 << place)
}

/// A command or subcommand.
#[derive(Debug)]
struct Entry {
    name: Box<str>,
    /// [`category_bit`]s.
    categories: u32,
    subcommands: Vec<usize>,
    is_subcommand: bool,
}

/// All commands, by number and by name.
#[derive(Debug)]
pub(crate) struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<Box<[u8]>, usize>,
}

impl Catalog {
    /// A catalog of commands by their full names in lower case, with their categories. A
    /// container stands before its subcommands.
    pub(crate) fn new(commands: impl Iterator<Item = (String, u32)>) -> Self {
        let mut catalog = Self { entries: Vec::new(), by_name: HashMap::new() };
        for (number, (name, categories)) in commands.enumerate() {
            let container = name.split_once('|').map(|(container, _)| container.as_bytes());
            let container = container.and_then(|name| catalog.by_name.get(name).copied());
            if let Some(entry) = container.and_then(|number| catalog.entries.get_mut(number)) {
                entry.subcommands.push(number);
            }
            catalog.by_name.insert(name.as_bytes().into(), number);
            catalog.entries.push(Entry {
                name: name.into(),
                categories,
                subcommands: Vec::new(),
                is_subcommand: container.is_some(),
            });
        }
        catalog
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of a command by its full name, in upper or lower case.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name.to_ascii_lowercase().as_slice()).copied()
    }

    pub(super) fn name(&self, command: usize) -> &str {
        self.entries.get(command).map_or("", |entry| &entry.name)
    }

    /// The subcommands of a container.
    pub(super) fn subcommands(&self, command: usize) -> &[usize] {
        self.entries.get(command).map_or(&[], |entry| &entry.subcommands)
    }

    pub(super) fn is_subcommand(&self, command: usize) -> bool {
        self.entries.get(command).is_some_and(|entry| entry.is_subcommand)
    }

    /// The commands and subcommands in a category.
    pub(super) fn in_category(&self, bit: u32) -> impl Iterator<Item = usize> {
        let entries = self.entries.iter().enumerate();
        entries.filter(move |(_, entry)| entry.categories & bit != 0).map(|(number, _)| number)
    }
}
