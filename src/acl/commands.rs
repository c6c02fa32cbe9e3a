//! Which commands a selector allows, and the rules that say so.

use std::collections::BTreeMap;

use super::catalog::category_bit;
use super::rule::{has_spaces, is};
use super::{Catalog, RuleError};

const WORD_BITS: usize = u64::BITS as usize;

/// `+name` or `-name`; a name in lower case: of a command, or of a category behind `@`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allows: bool,
    name: Box<[u8]>,
}

/// The commands that a selector allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commands {
    /// A bit for each command of the catalog.
    allowed: Vec<u64>,
    /// Do the rules start from everything, or from nothing?
    from_all: bool,
    /// Commands allowed with these first arguments only, in lower case.
    first_arguments: BTreeMap<usize, Vec<Box<[u8]>>>,
    /// What was said since everything or nothing was, but for what was overridden.
    rules: Vec<Rule>,
}

impl Commands {
    /// No commands.
    pub(super) fn none(catalog: &Catalog) -> Self {
        Self {
            allowed: vec![0; catalog.len().div_ceil(WORD_BITS)],
            from_all: false,
            first_arguments: BTreeMap::new(),
            rules: Vec::new(),
        }
    }

    /// Are all commands allowed, those that a later version brings included?
    pub(super) fn are_all(&self) -> bool {
        self.from_all && self.allowed.iter().all(|&word| word == u64::MAX)
    }

    /// Is a command with this first argument allowed?
    pub(super) fn allow(&self, command: usize, first_argument: Option<&[u8]>) -> bool {
        if self.has(command) {
            return true;
        }
        let Some(allowed) = self.first_arguments.get(&command) else { return false };
        let fits = |argument: &[u8]| allowed.iter().any(|one| one.eq_ignore_ascii_case(argument));
        first_argument.is_some_and(fits)
    }

    fn has(&self, command: usize) -> bool {
        let word = self.allowed.get(command / WORD_BITS);
        word.is_some_and(|word| word & (1 << (command % WORD_BITS)) != 0)
    }

    /// Follows a rule that starts with `+` or `-`, `allcommands` or `nocommands`.
    pub(super) fn apply(&mut self, catalog: &Catalog, rule: &[u8]) -> Result<(), RuleError> {
        let all = is(rule, "allcommands") || is(rule, "+@all");
        if all || is(rule, "nocommands") || is(rule, "-@all") {
            self.start_from(all);
            return Ok(());
        }
        let (allows, name) = match rule {
            [b'+', name @ ..] => (true, name),
            [b'-', name @ ..] => (false, name),
            _ => return Err(RuleError::Syntax),
        };
        if let Some(category) = name.strip_prefix(b"@") {
            let bit = category_bit(category).ok_or(RuleError::Unknown)?;
            catalog.in_category(bit).for_each(|command| self.set(catalog, command, allows));
            self.note(allows, name);
            return Ok(());
        }
        if let Some(command) = catalog.find(name) {
            self.set(catalog, command, allows);
            self.note(allows, catalog.name(command).as_bytes());
            return Ok(());
        }
        if !allows {
            return Err(RuleError::Unknown);
        }
        self.allow_first_argument(catalog, name)
    }

    /// `select|0`: a command that has no subcommands, with one first argument.
    fn allow_first_argument(&mut self, catalog: &Catalog, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|&byte| byte == b'|').ok_or(RuleError::Unknown)?;
        let (command, argument) = (&name[..bar], &name[bar + 1..]);
        let command = catalog.find(command).ok_or(RuleError::Unknown)?;
        if catalog.is_subcommand(command) {
            return Err(RuleError::FirstArgument);
        }
        if argument.is_empty() || has_spaces(argument) {
            return Err(RuleError::Syntax);
        }
        if !catalog.subcommands(command).is_empty() {
            return Err(RuleError::Unknown);
        }
        let argument: Box<[u8]> = argument.to_ascii_lowercase().into();
        let allowed = self.first_arguments.entry(command).or_default();
        if !allowed.contains(&argument) {
            allowed.push(argument);
        }
        self.note(true, name);
        Ok(())
    }

    fn start_from(&mut self, all: bool) {
        self.allowed.fill(if all { u64::MAX } else { 0 });
        self.from_all = all;
        self.first_arguments.clear();
        self.rules.clear();
    }

    /// Allows a command, with all its subcommands, or no longer does.
    fn set(&mut self, catalog: &Catalog, command: usize, allows: bool) {
        self.set_bit(command, allows);
        self.first_arguments.remove(&command);
        catalog.subcommands(command).iter().for_each(|&command| self.set_bit(command, allows));
    }

    fn set_bit(&mut self, command: usize, allows: bool) {
        let Some(word) = self.allowed.get_mut(command / WORD_BITS) else { return };
        let bit = 1 << (command % WORD_BITS);
        if allows {
            *word |= bit;
        } else {
            *word &= !bit;
        }
    }

    /// Keeps a rule in place of those that it overrides: of the same name, or of a subcommand.
    fn note(&mut self, allows: bool, name: &[u8]) {
        let name: Box<[u8]> = name.to_ascii_lowercase().into();
        self.rules.retain(|rule| {
            let rest = rule.name.strip_prefix(&*name);
            rest.is_none_or(|rest| !rest.is_empty() && rest.first() != Some(&b'|'))
        });
        self.rules.push(Rule { allows, name });
    }

    /// The rules that give just these commands, from `+@all` or `-@all` on.
    pub(super) fn words(&self) -> impl Iterator<Item = Vec<u8>> {
        let start = if self.from_all { b"+@all" } else { b"-@all" };
        let sign = |allows| if allows { b'+' } else { b'-' };
        let rules = self.rules.iter().map(move |rule| [&[sign(rule.allows)], &*rule.name].concat());
        std::iter::once(start.to_vec()).chain(rules)
    }
}
