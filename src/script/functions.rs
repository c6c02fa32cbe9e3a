//! Libraries of functions (FUNCTION LOAD): their sources, and what they have registered.
//!
//! They live in a virtual machine of their own. While a library is loaded, its code sees only
//! `redis.register_function`, `redis.log` and the versions; it must be done within a bounded
//! number of instructions, so that loading the log gives the same result everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mlua::{Lua, Value, Variadic};
use parking_lot::Mutex;

use super::api::as_text;
use super::failure::{Names, error_text, tail_line};
use super::run::{Run, bounded};
use super::shebang::Flags;
use super::vm::{self, Vm};
use crate::resp::inline::split_line;

/// Looks at the clock, of 20,000 instructions each, that loading a library may take.
const LOAD_TICKS_MAX: u32 = 2500;

const NAME_RULE: &str = "Library names can only contain letters, numbers, or underscores(_) and \
                         must be at least one character long";

/// A function that a library has registered.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: Box<[u8]>,
    pub(crate) description: Option<Box<[u8]>>,
    pub(crate) flags: Flags,
    callback: mlua::Function,
    /// The line to blame where a tail call has left no trace.
    tail_line: usize,
}

impl Function {
    /// Notes where it returns, in the code of its library.
    fn find_tail(&mut self, code: &[u8]) {
        let lines = self.callback.info();
        if let (Some(first), Some(last)) = (lines.line_defined, lines.last_line_defined) {
            self.tail_line = tail_line(code, first, last);
        }
    }
}

/// A library.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    /// As it was given to FUNCTION LOAD.
    pub(crate) source: Box<[u8]>,
    pub(crate) functions: Vec<Function>,
}

/// All libraries by name.
pub(crate) type Libraries = BTreeMap<Box<[u8]>, Library>;

/// What a library that is being loaded has registered so far.
#[derive(Debug, Default)]
pub(super) struct Loading(Mutex<Option<Vec<Function>>>);

/// Reads the first line of a library: its name, and the line's length.
fn header(source: &[u8]) -> Result<(Box<[u8]>, usize), String> {
    if !source.starts_with(b"#!") {
        return Err("ERR Missing library metadata".to_owned());
    }
    let invalid = "ERR Invalid library metadata";
    let len = memchr::memchr(b'\n', source).ok_or(invalid)?;
    let words = split_line(&source[..len]).filter(|words| !words.is_empty()).ok_or(invalid)?;
    let mut name: Option<&[u8]> = None;
    for word in &words[1..] {
        let is_name = word.get(..5).is_some_and(|head| head.eq_ignore_ascii_case(b"name="));
        if !is_name {
            let word = String::from_utf8_lossy(word);
            return Err(format!("ERR Invalid metadata value given: {word}"));
        }
        if name.replace(&word[5..]).is_some() {
            let text = "ERR Invalid metadata value, name argument was given multiple times";
            return Err(text.to_owned());
        }
    }
    let name = name.ok_or("ERR Library name was not given")?;
    if !is_name(name) {
        return Err(format!("ERR {NAME_RULE}"));
    }
    let engine = &words[0][2..];
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(format!("ERR Engine '{}' not found", String::from_utf8_lossy(engine)));
    }
    Ok((name.into(), len))
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Vm {
    /// The function of this name, upper or lower case.
    pub(crate) fn function(&self, name: &[u8]) -> Option<&Function> {
        let mut functions = self.libraries.values().flat_map(|library| &library.functions);
        functions.find(|function| function.name.eq_ignore_ascii_case(name))
    }

    /// Loads a library; returns its name.
    pub(crate) fn load_library(
        &mut self,
        source: &[u8],
        replace: bool,
    ) -> Result<Box<[u8]>, String> {
        let mut libraries = self.libraries.clone();
        let name = self.add_library(&mut libraries, source, replace)?;
        self.libraries = libraries;
        Ok(name)
    }

    /// Loads a library into a set of libraries; the error reply if that fails.
    pub(crate) fn add_library(
        &self,
        libraries: &mut Libraries,
        source: &[u8],
        replace: bool,
    ) -> Result<Box<[u8]>, String> {
        let (name, len) = header(source)?;
        if libraries.contains_key(&name) {
            if !replace {
                let name = String::from_utf8_lossy(&name);
                return Err(format!("ERR Library '{name}' already exists"));
            }
            libraries.remove(&name);
        }
        let functions = self.register(&source[len..])?;
        if functions.is_empty() {
            return Err("ERR No functions registered".to_owned());
        }
        let known = libraries.values().flat_map(|library| &library.functions);
        let mut known = known.map(|function| &function.name);
        if let Some(twice) =
            known.find(|known| functions.iter().any(|new| new.name.eq_ignore_ascii_case(known)))
        {
            let twice = String::from_utf8_lossy(twice);
            return Err(format!("ERR Function {twice} already exists"));
        }
        libraries.insert(name.clone(), Library { source: source.into(), functions });
        Ok(name)
    }

    /// Runs the code of a library; returns what it registers.
    fn register(&self, code: &[u8]) -> Result<Vec<Function>, String> {
        let function = self
            .chunk(code, "@user_function")
            .map_err(|error| format!("ERR Error compiling function: {error}"))?;
        let loading = &self.sandbox.loading;
        *loading.0.lock() = Some(Vec::new());
        let (switch, pcall) = (self.sandbox.switch.clone(), self.sandbox.pcall.clone());
        let result = bounded(LOAD_TICKS_MAX, move || {
            switch.call::<()>(true)?;
            let result = pcall.call::<(bool, Value)>(function);
            switch.call::<()>(false)?;
            result
        });
        let mut registered = loading.0.lock().take().unwrap_or_default();
        self.sandbox.names.tail_of_function.store(true, Ordering::Relaxed);
        for function in &mut registered {
            function.find_tail(code);
        }
        let text = match result {
            Some(Ok((true, _))) => return Ok(registered),
            Some(Ok((false, error))) => self.text_of_error(&error),
            Some(Err(error)) => format!("ERR {}", error_text(&error)),
            None => {
                self.spoiled.store(true, Ordering::Relaxed);
                "ERR FUNCTION LOAD timeout".to_owned()
            }
        };
        Err(format!("ERR Error registering functions: {text}"))
    }

    /// Renews the state if a library was given up while it was loaded.
    pub(crate) fn recover(&mut self) {
        if self.spoiled.load(Ordering::Relaxed) {
            self.renew();
        }
    }

    fn text_of_error(&self, error: &Value) -> String {
        let text = match error {
            Value::Table(table) => self.sandbox.names.text_of(table).ok().flatten(),
            _ => None,
        };
        match (text, error) {
            (Some(text), _) => text.to_string_lossy(),
            (None, Value::Error(error)) => format!("ERR {}", error_text(error)),
            (None, other) => format!("ERR {}", other.to_string().unwrap_or_default()),
        }
    }

    /// Removes a library; `false` if there is none of this name.
    pub(crate) fn delete_library(&mut self, name: &[u8]) -> bool {
        self.libraries.remove(name).is_some()
    }
}

/// Starts a function; its arguments are the tables of keys and of other arguments.
pub(crate) fn start<'a>(
    vm: &Arc<Mutex<Vm>>,
    name: &[u8],
    keys: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    args: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) -> Result<Run, String> {
    let vm = vm.lock_arc();
    let Some(function) = vm.function(name) else {
        return Err("ERR Function not found".to_owned());
    };
    vm.sandbox.names.tail_line.store(function.tail_line, Ordering::Relaxed);
    let callback = function.callback.clone();
    let words = vm.words(keys, args)?;
    let enter = vm.sandbox.enter.clone();
    let name = String::from_utf8_lossy(name).into_owned();
    vm::run(vm, move || enter.call((callback, words, true)), move || name)
}

type Words = Variadic<Value>;

/// `redis.register_function(name, callback)`, or with a table of named arguments.
pub(super) fn register(
    lua: &Lua,
    names: &Names,
    loading: &Loading,
    args: &Words,
) -> mlua::Result<Value> {
    let mut registered = loading.0.lock();
    let result = match &mut *registered {
        None => {
            Err("redis.register_function can only be called on FUNCTION LOAD command".to_owned())
        }
        Some(functions) => described(args).and_then(|function| add(functions, function)),
    };
    match result {
        Ok(()) => Ok(Value::Nil),
        Err(text) => names.error(lua, format!("ERR {text}")),
    }
}

fn add(functions: &mut Vec<Function>, function: Function) -> Result<(), String> {
    if !is_name(&function.name) {
        return Err(NAME_RULE.to_owned());
    }
    if functions.iter().any(|known| known.name == function.name) {
        return Err("Function already exists in the library".to_owned());
    }
    functions.push(function);
    Ok(())
}

fn described(args: &Words) -> Result<Function, String> {
    match &args[..] {
        [Value::Table(named)] => named_arguments(named),
        [_] => Err("calling redis.register_function with a single argument is only applicable \
                    to Lua table (representing named arguments)."
            .to_owned()),
        [name, callback] => {
            let name = as_text(name)
                .ok_or("first argument to redis.register_function must be a string")?;
            let Value::Function(callback) = callback else {
                let text = "second argument to redis.register_function must be a function";
                return Err(text.to_owned());
            };
            Ok(Function {
                name: name.into(),
                description: None,
                flags: Flags::default(),
                callback: callback.clone(),
                tail_line: 1,
            })
        }
        _ => Err("wrong number of arguments to redis.register_function".to_owned()),
    }
}

/// What may be given by name.
#[derive(Default)]
struct Named {
    name: Option<Box<[u8]>>,
    description: Option<Box<[u8]>>,
    callback: Option<mlua::Function>,
    flags: Flags,
}

/// More arguments than there are names.
const NAMED_MAX: usize = 8;

fn named_arguments(table: &mlua::Table) -> Result<Function, String> {
    let mut pairs = Vec::new();
    let collected = table.for_each(|key: Value, value: Value| {
        if pairs.len() >= NAMED_MAX {
            let text = "unknown argument given to redis.register_function";
            return Err(mlua::Error::runtime(text));
        }
        pairs.push((key, value));
        Ok(())
    });
    collected.map_err(|error| error_text(&error))?;
    let mut named = Named::default();
    for (key, value) in &pairs {
        let key = as_text(key)
            .ok_or("named argument key given to redis.register_function is not a string")?;
        named.set(&key.to_ascii_lowercase(), value)?;
    }
    Ok(Function {
        name: named.name.ok_or("redis.register_function must get a function name argument")?,
        description: named.description,
        flags: named.flags,
        callback: named.callback.ok_or("redis.register_function must get a callback argument")?,
        tail_line: 1,
    })
}

impl Named {
    fn set(&mut self, key: &[u8], value: &Value) -> Result<(), String> {
        let text = |what: &str| {
            let text = as_text(value).map(Vec::into_boxed_slice);
            let must =
                || format!("{what} argument given to redis.register_function must be a string");
            text.ok_or_else(must)
        };
        match (key, value) {
            (b"function_name", _) => self.name = Some(text("function_name")?),
            (b"description", _) => self.description = Some(text("description")?),
            (b"callback", Value::Function(callback)) => self.callback = Some(callback.clone()),
            (b"callback", _) => {
                let text = "callback argument given to redis.register_function must be a function";
                return Err(text.to_owned());
            }
            (b"flags", Value::Table(list)) => self.flags = flags(list)?,
            (b"flags", _) => {
                let text = "flags argument to redis.register_function must be a table \
                            representing function flags";
                return Err(text.to_owned());
            }
            _ => return Err("unknown argument given to redis.register_function".to_owned()),
        }
        Ok(())
    }
}

fn flags(list: &mlua::Table) -> Result<Flags, String> {
    let mut flags = Flags::default();
    for name in list.sequence_values::<Value>() {
        let name = name.ok().as_ref().and_then(as_text).unwrap_or_default();
        let flag = Flags::named(&name.to_ascii_lowercase());
        flags.add(flag.ok_or("unknown flag given")?);
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_name_the_library() {
        assert_eq!(header(b"#!lua name=a\nx").map(|(name, _)| name), Ok(b"a"[..].into()));
        for (source, error) in [
            ("x", "ERR Missing library metadata"),
            ("#!lua name=a", "ERR Invalid library metadata"),
            ("#!lua\n", "ERR Library name was not given"),
            (
                "#!lua name=a name=b\n",
                "ERR Invalid metadata value, name argument was given multiple times",
            ),
            ("#!lua foo=b\n", "ERR Invalid metadata value given: foo=b"),
            ("#!bad name=a\n", "ERR Engine 'bad' not found"),
        ] {
            assert_eq!(header(source.as_bytes()).map(|_| ()), Err(error.to_owned()));
        }
    }
}
