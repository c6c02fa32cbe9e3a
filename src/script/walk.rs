//! How much is written of a value of Lua. A table may stand in another one many times, or in
//! itself, so a few tables can be an endless value.

use mlua::Lua;

/// Tables that a value may have in any case.
const TABLES: usize = 1 << 18;
/// Bytes that a table takes at least: a state has no more tables than this gives room for.
const TABLE_BYTES: usize = 64;
/// No longer text can be a value of a key.
const BYTES_MAX: usize = 512 << 20;

const TOO_LARGE: &str = "the value is too large";

/// A walk through a value.
#[derive(Debug)]
pub(super) struct Walk {
    tables_left: usize,
}

impl Walk {
    pub(super) fn new(lua: &Lua) -> Self {
        Self { tables_left: TABLES.max(lua.used_memory() / TABLE_BYTES) }
    }

    /// A table comes next, `written` bytes behind the start. May the walk go on?
    pub(super) fn enter(&mut self, written: usize) -> Result<(), &'static str> {
        self.tables_left = self.tables_left.checked_sub(1).ok_or(TOO_LARGE)?;
        Self::look(written)
    }

    /// Something else comes next.
    pub(super) fn look(written: usize) -> Result<(), &'static str> {
        if written > BYTES_MAX { Err(TOO_LARGE) } else { Ok(()) }
    }
}
