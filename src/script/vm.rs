//! The virtual machine: compiled scripts, and how a run is started and its result told.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use corosensei::stack::DefaultStack;
use mlua::chunk::ChunkMode;
use mlua::{Function, MultiValue, Table, Value};
use parking_lot::lock_api::ArcMutexGuard;
use parking_lot::{Mutex, RawMutex};

use super::convert;
use super::escapes;
use super::failure::{Names, error_text};
use super::functions::{Libraries, Library};
use super::run::{Failed, Run};
use super::sandbox::Sandbox;
use super::shebang::{self, Flags};
use crate::resp::{Protocol, Reply};

/// The SHA1 of a script's source.
pub(crate) type Sha = [u8; 20];

/// The digits of a SHA1.
pub(crate) fn hex(sha: Sha) -> String {
    use fmt::Write;
    sha.iter().fold(String::with_capacity(40), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes any text");
        text
    })
}

/// Reads 40 hexadecimal digits, upper or lower case.
pub(crate) fn parse_sha(text: &[u8]) -> Option<Sha> {
    let mut sha = [0; 20];
    if text.len() != 2 * sha.len() {
        return None;
    }
    for (byte, digits) in sha.iter_mut().zip(text.chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(sha)
}

/// The SHA1 of a source.
pub(crate) fn sha_of(source: &[u8]) -> Sha {
    sha1_smol::Sha1::from(source).digest().bytes()
}

/// A compiled script.
#[derive(Clone)]
pub(crate) struct Script {
    function: Function,
    pub(crate) flags: Flags,
    /// The line to blame where a tail call has left no trace.
    tail_line: usize,
    source: Box<[u8]>,
}

/// How much a virtual machine holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Number of scripts in the cache.
    pub(crate) scripts: usize,
    /// Bytes of the sources, and of what is kept beside them.
    pub(crate) source_bytes: usize,
    /// Bytes of the Lua state.
    pub(crate) state_bytes: usize,
}

/// A Lua state, and what was compiled in it.
pub(crate) struct Vm {
    pub(super) sandbox: Sandbox,
    pub(crate) libraries: Libraries,
    scripts: HashMap<Sha, Script, foldhash::fast::RandomState>,
    stack: Option<DefaultStack>,
    /// Was code in it given up half-way, so that it must be renewed?
    pub(super) spoiled: AtomicBool,
}

impl fmt::Debug for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vm").field("scripts", &self.scripts.len()).finish_non_exhaustive()
    }
}

impl Default for Vm {
    fn default() -> Self {
        let sandbox = Sandbox::new().expect("the sandbox is the same in every process");
        Self {
            sandbox,
            libraries: Libraries::new(),
            scripts: HashMap::default(),
            stack: None,
            spoiled: AtomicBool::new(false),
        }
    }
}

impl Vm {
    /// How much it holds.
    pub(crate) fn figures(&self) -> Figures {
        let scripts = self.scripts.values().map(|script| script.source.len() + size_of::<Script>());
        let libraries = self.libraries.values().map(|library| {
            library.source.len() + size_of::<Library>() + size_of_val(&*library.functions)
        });
        Figures {
            scripts: self.scripts.len(),
            source_bytes: scripts.sum::<usize>() + libraries.sum::<usize>(),
            state_bytes: self.sandbox.lua.used_memory(),
        }
    }

    /// The cached script of this SHA1.
    pub(crate) fn script(&self, sha: Sha) -> Option<&Script> {
        self.scripts.get(&sha)
    }

    /// Compiles a script, if it is not in the cache; the error reply if that fails.
    pub(crate) fn load(&mut self, sha: Sha, source: &[u8]) -> Result<&Script, String> {
        if !self.scripts.contains_key(&sha) {
            let script = self.compile(source)?;
            self.scripts.insert(sha, script);
        }
        self.scripts.get(&sha).ok_or_else(String::new)
    }

    fn compile(&self, source: &[u8]) -> Result<Script, String> {
        let (flags, skipped) = shebang::of_script(source)?;
        let code = &source[skipped..];
        let function = self
            .chunk(code, "@user_script")
            .map_err(|error| format!("ERR Error compiling script (new function): {error}"))?;
        let lines: Vec<&[u8]> = code.split(|&byte| byte == b'\n').collect();
        let returns = lines.iter().rposition(|line| {
            line.trim_ascii_start().starts_with(b"return")
                || memchr::memmem::find(line, b" return ").is_some()
        });
        let tail_line = returns.unwrap_or(0) + 1;
        Ok(Script { function, flags, tail_line, source: source.into() })
    }

    pub(super) fn chunk(&self, code: &[u8], name: &str) -> Result<Function, String> {
        let compile = |code: &[u8]| {
            let chunk = self.sandbox.lua.load(code).set_name(name).set_mode(ChunkMode::Text);
            chunk.into_function().map_err(|error| match error {
                mlua::Error::SyntaxError { message, .. } => message,
                other => error_text(&other),
            })
        };
        match compile(code) {
            Err(text) if text.contains("invalid escape sequence") => {
                compile(&escapes::relaxed(code))
            }
            result => result,
        }
    }

    pub(super) fn take_stack(&mut self) -> Option<DefaultStack> {
        self.stack.take()
    }

    pub(super) fn keep_stack(&mut self, stack: DefaultStack) {
        self.stack = Some(stack);
    }

    /// Writes what a script returned.
    pub(crate) fn write(&self, value: &Value, protocol: Protocol, reply: &mut Reply) {
        let start = reply.len();
        if let Err(error) = convert::to_reply(&self.sandbox, value, protocol, reply) {
            reply.truncate(start);
            reply.error(&format!("ERR {}", error_text(&error)));
        }
    }

    /// The error that a script returned as its value, if it did.
    pub(crate) fn returned_error(&self, value: &Value) -> Option<Failed> {
        let Value::Table(table) = value else { return None };
        let names = &self.sandbox.names;
        let text = names.text_of(table).ok().flatten()?.to_string_lossy();
        Some(Failed { text, is_counted: names.is_counted(table) })
    }

    /// Starts afresh with a new state, and the same scripts and libraries.
    pub(super) fn renew(&mut self) {
        let old = std::mem::take(self);
        for (sha, script) in &old.scripts {
            if let Err(error) = self.load(*sha, &script.source) {
                tracing::error!(%error, "a script that was compiled before is lost");
            }
        }
        for library in old.libraries.values() {
            if let Err(error) = self.load_library(&library.source, true) {
                tracing::error!(%error, "a library that was loaded before is lost");
            }
        }
    }

    pub(super) fn array<'a>(
        &self,
        words: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> mlua::Result<Table> {
        let lua = &self.sandbox.lua;
        let table = lua.create_table_with_capacity(words.len(), 0)?;
        for (index, word) in words.enumerate() {
            table.raw_seti(index + 1, lua.create_string(word)?)?;
        }
        Ok(table)
    }
}

/// Starts a cached script with the globals KEYS and ARGV.
pub(crate) fn start<'a>(
    vm: &Arc<Mutex<Vm>>,
    sha: Sha,
    keys: impl ExactSizeIterator<Item = &'a [u8]>,
    args: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<Run, String> {
    let vm = vm.lock_arc();
    let Some(script) = vm.scripts.get(&sha) else {
        return Err("NOSCRIPT No matching script. Please use EVAL.".to_owned());
    };
    let sandbox = &vm.sandbox;
    let set = |name: &str, table: mlua::Result<Table>| {
        table.and_then(|table| sandbox.globals.raw_set(name, table))
    };
    set("KEYS", vm.array(keys))
        .and_then(|()| set("ARGV", vm.array(args)))
        .map_err(|error| format!("ERR {}", error_text(&error)))?;
    sandbox.names.tail_line.store(script.tail_line, Ordering::Relaxed);
    let function = script.function.clone();
    run(vm, function, Vec::new(), hex(sha))
}

/// Starts a function of Lua; `name` is what its errors call it.
pub(super) fn run(
    vm: ArcMutexGuard<RawMutex, Vm>,
    function: Function,
    args: Vec<Value>,
    name: String,
) -> Result<Run, String> {
    let sandbox = &vm.sandbox;
    let (xpcall, handler) = (sandbox.xpcall.clone(), sandbox.handler.clone());
    let names = Arc::clone(&sandbox.names);
    let mut words = vec![Value::Function(function), Value::Function(handler)];
    words.extend(args);
    Run::new(vm, move || match xpcall.call(MultiValue::from_vec(words)) {
        Ok((true, value)) => Ok(value),
        Ok((false, error)) => Err(failure(&names, &name, &error)),
        Err(error) => Err(format!("ERR {}", error_text(&error)).into()),
    })
}

/// The error reply of a script that failed with this error table.
fn failure(names: &Names, script: &str, error: &Value) -> Failed {
    let table = match error {
        Value::Table(table) => table,
        Value::String(text) => return format!("ERR {}", text.to_string_lossy()).into(),
        _ => return format!("ERR Error running script {script}, execution failure").into(),
    };
    let text = match names.text_of(table) {
        Ok(Some(text)) => text.to_string_lossy(),
        _ => "ERR unknown error".to_owned(),
    };
    let source: Option<String> = table.raw_get(&names.source).unwrap_or_default();
    let line: Option<i64> = table.raw_get(&names.line).unwrap_or_default();
    let text = match (source, line) {
        (Some(source), Some(line)) => format!("{text} script: {script}, on {source}:{line}."),
        _ => text,
    };
    Failed { text, is_counted: names.is_counted(table) }
}
