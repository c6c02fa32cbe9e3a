//! Rows of commands without keys, in short form.

use super::{Arity, Category, CommandSpec, Flag, Handler, KeySpec};

/// The version of Redis that brought a command, its arguments, and what it does.
pub(super) type About = (&'static str, &'static str, &'static str);

/// A row of a command without keys.
pub(super) const fn row(
    name: &'static str,
    arity: Arity,
    flags: &'static [Flag],
    (since, syntax, summary): About,
    handler: Handler,
) -> CommandSpec {
    CommandSpec {
        name,
        arity,
        keys: KeySpec::None,
        flags,
        acl: &[],
        since,
        syntax,
        summary,
        subcommands: &[],
        handler,
    }
}

impl CommandSpec {
    pub(super) const fn in_categories(mut self, acl: &'static [Category]) -> Self {
        self.acl = acl;
        self
    }

    pub(super) const fn containing(mut self, subcommands: &'static [Self]) -> Self {
        self.subcommands = subcommands;
        self
    }
}
