//! Errors inside Lua: where they happened, and the table that carries them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mlua::{Lua, LuaString, Table, Value};

/// The name of the chunk that holds the sandbox's own functions.
pub(super) const OWN_CHUNK: &str = "=respq";

/// The names of fields, interned once.
#[derive(Debug)]
pub(crate) struct Names {
    pub(super) big_number: LuaString,
    pub(super) double: LuaString,
    pub(super) err: LuaString,
    pub(super) format: LuaString,
    pub(super) ignore: LuaString,
    pub(super) line: LuaString,
    pub(super) map: LuaString,
    pub(super) ok: LuaString,
    pub(super) set: LuaString,
    pub(super) source: LuaString,
    pub(super) string: LuaString,
    pub(super) verbatim_string: LuaString,
    /// The line to blame where a tail call has left no trace, and whether it is a function's.
    pub(super) tail_line: AtomicUsize,
    pub(super) tail_of_function: AtomicBool,
}

impl Names {
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            big_number: lua.create_string("big_number")?,
            double: lua.create_string("double")?,
            err: lua.create_string("err")?,
            format: lua.create_string("format")?,
            ignore: lua.create_string("ignore_error_stats_update")?,
            line: lua.create_string("line")?,
            map: lua.create_string("map")?,
            ok: lua.create_string("ok")?,
            set: lua.create_string("set")?,
            source: lua.create_string("source")?,
            string: lua.create_string("string")?,
            verbatim_string: lua.create_string("verbatim_string")?,
            tail_line: AtomicUsize::new(1),
            tail_of_function: AtomicBool::new(false),
        })
    }

    /// A table with the field `err`.
    pub(super) fn error(&self, lua: &Lua, text: impl AsRef<[u8]>) -> mlua::Result<Value> {
        let table = lua.create_table_with_capacity(0, 1)?;
        table.raw_set(&self.err, lua.create_string(text)?)?;
        Ok(Value::Table(table))
    }

    /// Where a call was that has left no trace, as far as that can be told.
    fn tail_place(&self) -> (String, usize) {
        let of_function = self.tail_of_function.load(Ordering::Relaxed);
        let source = if of_function { "@user_function" } else { "@user_script" };
        (source.to_owned(), self.tail_line.load(Ordering::Relaxed))
    }

    /// Is this the error of a command, which was counted when that failed?
    pub(super) fn is_counted(&self, table: &Table) -> bool {
        table.raw_get(&self.ignore).unwrap_or(false)
    }

    /// The text of the field `err`, if this is an error table.
    pub(super) fn text_of(&self, table: &Table) -> mlua::Result<Option<LuaString>> {
        match table.raw_get(&self.err)? {
            Value::String(text) => Ok(Some(text)),
            _ => Ok(None),
        }
    }
}

/// The last line of code that returns something, from line `first` to line `last`.
pub(super) fn tail_line(code: &[u8], first: usize, last: usize) -> usize {
    let returns = |line: &[u8]| {
        line.trim_ascii_start().starts_with(b"return")
            || memchr::memmem::find(line, b" return ").is_some()
    };
    let lines = code.split(|&byte| byte == b'\n').enumerate();
    let lines = lines.skip(first.saturating_sub(1)).take_while(|(at, _)| *at < last);
    lines.filter(|(_, line)| returns(line)).last().map_or(first, |(at, _)| at + 1)
}

/// Where a script is.
pub(super) struct Place {
    /// As the chunk is named: `@user_script`.
    source: String,
    line: usize,
}

/// The innermost function of the script on the stack. `stop_at_c`: only if no function of a
/// library stands in between.
fn place(lua: &Lua, stop_at_c: bool) -> Option<Place> {
    for level in 1.. {
        let found = lua.inspect_stack(level, |debug| {
            let source = debug.source();
            if source.what == "C" {
                return (stop_at_c, None);
            }
            let source = source.source.map(std::borrow::Cow::into_owned).unwrap_or_default();
            if source == OWN_CHUNK || source.starts_with("=[") {
                return (false, None);
            }
            let line = debug.current_line().unwrap_or(0);
            (true, Some(Place { source, line }))
        });
        match found {
            None => return None,
            Some((true, place)) => return place,
            Some((false, _)) => {}
        }
    }
    None
}

/// `text` behind the place of the script's call, as errors of Lua's own libraries have it.
pub(super) fn positioned(lua: &Lua, text: &str) -> String {
    match place(lua, true) {
        Some(place) => format!("{}:{}: {text}", place.source.trim_start_matches('@'), place.line),
        None => text.to_owned(),
    }
}

/// Makes an error table of whatever was raised, and notes where. Called before the stack unwinds.
pub(super) fn note_place(lua: &Lua, names: &Names, error: Value) -> mlua::Result<Value> {
    let table = match error {
        Value::Table(table) => table,
        other => {
            let text = match &other {
                Value::String(text) => text.to_string_lossy(),
                Value::Error(error) => error_text(error),
                other => other.to_string().unwrap_or_default(),
            };
            let Value::Table(table) = names.error(lua, format!("ERR {text}"))? else {
                return Ok(other);
            };
            table
        }
    };
    let (source, line) = match place(lua, false) {
        Some(place) => (place.source, place.line),
        None => names.tail_place(),
    };
    table.raw_set(&names.source, source)?;
    table.raw_set(&names.line, line)?;
    Ok(Value::Table(table))
}

/// The text of an error that came from Rust.
pub(super) fn error_text(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => error_text(cause),
        // What the interpreter itself raises within a function of ours has a trace behind it.
        mlua::Error::RuntimeError(text) => {
            text.split("\nstack traceback:").next().unwrap_or_default().to_owned()
        }
        mlua::Error::MemoryError(_) => "not enough memory".to_owned(),
        other => other.to_string(),
    }
}
