//! All commands, found by name.

use std::sync::OnceLock;

use super::names::Names;
use super::{
    CommandSpec, Flag, KeySpec, admin, bitmap, client, cluster, connection, function, geo, hash,
    hyperloglog, keys, list, monitor, persistence, pubsub, replication, script, set, sorted_set,
    stream, string, transaction,
};
use crate::config::Renamed;
use crate::error::ServerError;
use crate::resp::argv::Argv;
use crate::short;

/// The groups by the names that Redis gives them, with their rows.
pub(crate) const GROUPS: &[(&str, &[CommandSpec])] = &[
    ("bitmap", bitmap::COMMANDS),
    ("cluster", cluster::COMMANDS),
    ("connection", client::COMMANDS),
    ("connection", connection::COMMANDS),
    ("generic", keys::COMMANDS),
    ("generic", persistence::GENERIC_COMMANDS),
    ("geo", geo::COMMANDS),
    ("hash", hash::COMMANDS),
    ("hyperloglog", hyperloglog::COMMANDS),
    ("list", list::COMMANDS),
    ("pubsub", pubsub::COMMANDS),
    ("scripting", function::COMMANDS),
    ("scripting", script::COMMANDS),
    ("server", admin::COMMANDS),
    ("server", monitor::COMMANDS),
    ("server", persistence::SERVER_COMMANDS),
    ("server", replication::COMMANDS),
    ("set", set::COMMANDS),
    ("sorted-set", sorted_set::COMMANDS),
    ("stream", stream::COMMANDS),
    ("string", string::COMMANDS),
    ("transactions", transaction::COMMANDS),
];

/// A command: its row and what was derived from it.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) spec: &'static CommandSpec,
    pub(crate) group: &'static str,
    /// The row of the container, for a subcommand.
    pub(crate) container: Option<&'static CommandSpec>,
    /// `get`, or `config|get` for a subcommand.
    pub(crate) full_name: String,
    /// Its place among all commands and subcommands, for statistics.
    pub(crate) index: usize,
    /// [`Flag::bit`]s.
    pub(crate) flags: u32,
    /// Is it of scripts and functions, which run other commands?
    pub(crate) of_scripts: bool,
    /// Does its reply show data? That of INFO does not: it only counts.
    pub(crate) tells: bool,
    /// The word that is its only key, if there is one and all that it needs is the shard of it.
    pub(crate) only_key: Option<usize>,
    subcommands: Names,
    /// What its name is compared by, if it is short and has nothing but letters.
    letters: Option<[u64; 2]>,
}

impl Command {
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags & flag.bit() != 0
    }

    /// May it show how often commands were called? One that goes to a single key does not.
    pub(crate) fn may_tell_of_calls(&self) -> bool {
        self.only_key.is_none()
    }

    /// Words before the arguments: 1, or 2 for a subcommand.
    pub(crate) fn name_words(&self) -> usize {
        1 + usize::from(self.container.is_some())
    }

    /// Does the first word of a request alone name it, as its row has it?
    pub(crate) fn has_own_name(&self) -> bool {
        let renamed = self.has(Flag::Renamed) || self.has(Flag::Removed);
        !renamed && self.container.is_none() && !self.is_container()
    }

    /// Is this its name, in upper or lower case? To be asked if it [`Command::has_own_name`].
    pub(crate) fn is_called(&self, name: &[u8]) -> bool {
        debug_assert!(self.has_own_name(), "its name is that of its row");
        let own_name = self.spec.name.as_bytes();
        match self.letters {
            Some(_) => name.len() == own_name.len() && short::letters(name) == self.letters,
            None => name.eq_ignore_ascii_case(own_name),
        }
    }

    /// A request as the log has it, whatever name the settings gave the command.
    pub(crate) fn words_to_log<'a>(
        &self,
        argv: Argv<'a>,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let name = self.container.unwrap_or(self.spec).name.as_bytes();
        let words = argv.iter().enumerate();
        words.map(move |(place, word)| if place == 0 { name } else { word })
    }

    pub(crate) fn is_container(&self) -> bool {
        !self.spec.subcommands.is_empty()
    }
}

/// The commands and subcommands.
#[derive(Debug)]
pub(crate) struct Table {
    commands: Vec<Command>,
    by_name: Names,
    /// The names that commands had before they were given others.
    old_names: Names,
}

static TABLE: OnceLock<Table> = OnceLock::new();

/// The table of this server.
pub(crate) fn table() -> &'static Table {
    TABLE.get_or_init(Table::new)
}

/// `rename-command old new`
///
/// Gives commands other names, or none, before the table is first used. Differs from Redis: the log
/// keeps the old names, and one of those cannot be given to another command.
pub(crate) fn rename(renamed: &[Renamed]) -> Result<(), ServerError> {
    if renamed.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    for Renamed { place, old, new } in renamed {
        table
            .rename(old, new)
            .map_err(|error| ServerError::Usage(format!("{place}: rename-command: {error}")))?;
    }
    let first = TABLE.set(table).is_ok();
    debug_assert!(first, "the table is not used before");
    Ok(())
}

impl Table {
    fn new() -> Self {
        let mut table =
            Self { commands: Vec::new(), by_name: Names::default(), old_names: Names::default() };
        for &(group, specs) in GROUPS {
            for spec in specs {
                let index = table.add(spec, group, None);
                table.by_name.insert(spec.name.as_bytes(), index);
                for subcommand in spec.subcommands {
                    let sub_index = table.add(subcommand, group, Some(spec));
                    let names = &mut table.commands[index].subcommands;
                    names.insert(subcommand.name.as_bytes(), sub_index);
                }
            }
        }
        table
    }

    fn add(
        &mut self,
        spec: &'static CommandSpec,
        group: &'static str,
        container: Option<&'static CommandSpec>,
    ) -> usize {
        let index = self.commands.len();
        let full_name = match container {
            Some(container) => format!("{}|{}", container.name, spec.name),
            None => spec.name.to_owned(),
        };
        let flags = spec.flags.iter().fold(0, |flags, flag| flags | flag.bit());
        let of_data = [Flag::ReadOnly, Flag::Write, Flag::WholeTransaction];
        let others = ["countkeysinslot", "debug", "getkeysinslot"];
        let of_scripts = group == "scripting";
        let tells = of_data.iter().any(|flag| flags & flag.bit() != 0)
            || of_scripts
            || others.contains(&spec.name);
        let of_more_shards = [Flag::AllShards, Flag::KeyPatterns, Flag::WholeTransaction];
        let subcommands = Names::default();
        let only_key = match spec.keys {
            KeySpec::Range { first, last, .. }
                if i32::try_from(first) == Ok(last)
                    && of_more_shards.iter().all(|flag| flags & flag.bit() == 0) =>
            {
                Some(first)
            }
            _ => None,
        };
        let letters = short::letters(spec.name.as_bytes())
            .filter(|_| spec.name.bytes().all(|byte| byte.is_ascii_alphabetic()));
        self.commands.push(Command {
            spec,
            group,
            container,
            full_name,
            index,
            flags,
            of_scripts,
            tells,
            only_key,
            subcommands,
            letters,
        });
        index
    }

    /// Gives a command another name, or none if that is empty.
    fn rename(&mut self, old: &str, new: &str) -> Result<(), &'static str> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        let index = self.by_name.remove(old).ok_or("No such command in rename-command")?;
        let flag = if new.is_empty() { Flag::Removed } else { Flag::Renamed };
        let subcommands: Vec<usize> = self.commands[index].subcommands.places().collect();
        for index in std::iter::once(index).chain(subcommands) {
            self.commands[index].flags |= flag.bit();
        }
        // One that the settings gave stands in no log.
        if self.commands[index].spec.name.as_bytes().eq_ignore_ascii_case(old) {
            self.old_names.insert(old, index);
        }
        if new.is_empty() {
            return Ok(());
        }
        // A name that another command had stands in the log for that one.
        let had = self.old_names.find(new).is_some_and(|other| other != index);
        if had || self.by_name.find(new).is_some() {
            return Err("Target command name already exists");
        }
        self.by_name.insert(new, index);
        Ok(())
    }

    /// All commands and subcommands; a container stands before its subcommands.
    pub(crate) fn all(&self) -> &[Command] {
        &self.commands
    }

    /// Number of commands, without subcommands.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The command of this name, in upper or lower case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Command> {
        self.by_name.find(name).map(|index| &self.commands[index])
    }

    /// The subcommand of `container` of this name.
    pub(crate) fn find_subcommand(&self, container: &Command, name: &[u8]) -> Option<&Command> {
        container.subcommands.find(name).map(|index| &self.commands[index])
    }

    /// As [`Table::resolve`], for a request that often names the same command as the one before.
    #[inline]
    pub(crate) fn resolve_again<'t>(
        &'t self,
        last: Option<&'t Command>,
        argv: Argv<'_>,
    ) -> Option<&'t Command> {
        match last {
            Some(last) if last.has_own_name() && last.is_called(argv.get(0)?) => Some(last),
            _ => self.resolve(argv),
        }
    }

    /// As [`Table::resolve`], for a request from the log, where commands have their old names.
    pub(crate) fn resolve_logged(&self, argv: Argv<'_>) -> Option<&Command> {
        let command = self.old_names.find(argv.get(0)?).map(|index| &self.commands[index])?;
        let subcommand = argv.get(1).and_then(|name| self.find_subcommand(command, name));
        Some(subcommand.unwrap_or(command))
    }

    /// The command or subcommand that a request names; a container alone, or with an unknown
    /// subcommand, is itself.
    #[inline(never)]
    pub(crate) fn resolve(&self, argv: Argv<'_>) -> Option<&Command> {
        let command = self.find(argv.get(0)?)?;
        if !command.is_container() {
            return Some(command);
        }
        let subcommand = argv.get(1).and_then(|name| self.find_subcommand(command, name));
        Some(subcommand.unwrap_or(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Arity, KeySpec};

    #[test]
    fn rows_are_sorted_and_lower_case() {
        for (group, specs) in GROUPS {
            let names: Vec<_> = specs.iter().map(|spec| spec.name).collect();
            assert!(names.is_sorted(), "{group} is not in alphabetical order");
            for spec in *specs {
                assert_eq!(spec.name, spec.name.to_lowercase());
                let subcommands: Vec<_> = spec.subcommands.iter().map(|sub| sub.name).collect();
                assert!(subcommands.is_sorted(), "subcommands of {} are not sorted", spec.name);
            }
        }
        let rows: usize = GROUPS.iter().map(|(_, specs)| specs.len()).sum();
        assert_eq!(rows, table().len(), "a name stands in two rows");
    }

    #[test]
    fn rows_make_sense() {
        for command in table().all() {
            let (spec, name) = (command.spec, &command.full_name);
            assert!(!spec.summary.is_empty(), "{name}");
            if !matches!(spec.keys, KeySpec::None) && name != "watch" {
                let both = command.has(Flag::Write) && command.has(Flag::ReadOnly);
                let one = [Flag::Write, Flag::ReadOnly, Flag::MayReplicate]
                    .iter()
                    .any(|&flag| command.has(flag));
                assert!(one && !both, "{name}: keys are read or written");
            }
            if let KeySpec::Range { first, step, .. } = spec.keys {
                let (Arity::AtLeast(words) | Arity::Exact(words)) = spec.arity;
                assert!(first < words && step > 0, "{name}: the range does not fit the arity");
            }
        }
    }

    #[test]
    fn what_sees_all_data_tells_of_them() {
        let others = table().all().iter().filter(|row| row.has(Flag::AllShards) && !row.tells);
        let names: Vec<&str> = others.map(|command| command.full_name.as_str()).collect();
        // They only count, or reply nothing of it.
        assert_eq!(names, ["info", "memory|stats", "save"]);
    }

    #[test]
    fn commands_are_renamed() {
        let mut table = Table::new();
        let long = "x".repeat(100);
        assert_eq!(table.rename("KEYS", ""), Ok(()));
        assert_eq!(table.rename("config", &long), Ok(()));
        assert_eq!(table.rename("config", "c"), Err("No such command in rename-command"));
        for taken in ["get", "keys", "config"] {
            assert_eq!(table.rename("set", taken), Err("Target command name already exists"));
            table = Table::new();
            assert_eq!(table.rename("keys", ""), Ok(()));
            assert_eq!(table.rename("config", &long), Ok(()));
        }
        assert!(table.find(b"keys").is_none() && table.find(b"config").is_none());
        let config = table.find(long.to_uppercase().as_bytes()).expect("it has that name");
        assert!(config.full_name == "config" && config.has(Flag::Renamed));
        let argv = crate::resp::argv::OwnedArgv::new([&b"KEYS"[..], b"*"]);
        let keys = table.resolve_logged(argv.as_argv()).expect("it had that name");
        assert!(keys.full_name == "keys" && keys.has(Flag::Removed));
    }

    #[test]
    fn only_names_in_the_log_are_kept_from_others() {
        let mut table = Table::new();
        for (old, new) in [("get", "one"), ("ONE", "two"), ("set", "One"), ("two", "get")] {
            assert_eq!(table.rename(old, new), Ok(()), "{old}");
        }
        let named = |name: &str| table.find(name.as_bytes()).map(|found| found.spec.name);
        assert_eq!(["get", "one", "two", "set"].map(named), [Some("get"), Some("set"), None, None]);
        assert_eq!(table.rename("one", "get"), Err("Target command name already exists"));
    }

    #[test]
    fn renamed_commands_and_containers_have_no_name_of_their_own() {
        let mut table = Table::new();
        assert_eq!(table.rename("get", "fetch"), Ok(()));
        let has_own_name = |name: &str| table.find(name.as_bytes()).map(Command::has_own_name);
        assert_eq!(
            ["set", "fetch", "config"].map(has_own_name),
            [Some(true), Some(false), Some(false)]
        );
        assert!(
            table.find(b"set").is_some_and(|set| set.is_called(b"SeT") && !set.is_called(b"SE"))
        );
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(table().find(b"LPush").map(|command| command.spec.name), Some("lpush"));
        assert!(table().find(b"nope").is_none());
        assert!(table().find(b"get\0").is_none());
        assert!(table().find(&[b'x'; 100]).is_none());
    }
}
