//! The virtual machine: compiled scripts, and how a run is started and its result told.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use corosensei::stack::DefaultStack;
use mlua::chunk::ChunkMode;
use mlua::{BString, Function, Value};
use parking_lot::lock_api::ArcMutexGuard;
use parking_lot::{Mutex, RawMutex};

use super::convert;
use super::escapes;
use super::failure::{Names, error_text, tail_line};
use super::functions::{Libraries, Library};
use super::globals;
use super::packed::{self, Packer, Text};
use super::run::{Failed, Returned, Run};
use super::sandbox::Sandbox;
use super::shebang::{self, Flags};
use super::straight::is_straight;
use crate::resp::{Protocol, Reply};

/// Room for the heads of the tables in which the words of a script are packed.
const WORDS_BYTES: usize = 32;

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
    let mut wrong = 0;
    for (byte, digits) in sha.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = [digits[0], digits[1]].map(|digit| VALUES[usize::from(digit)]);
        wrong |= high | low;
        *byte = (high << 4) | (low & 0xf);
    }
    (wrong & NO_DIGIT == 0).then_some(sha)
}

/// What stands for the value of something that is no digit.
const NO_DIGIT: u8 = 0x80;

/// The values of hexadecimal digits.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value: u8 = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// The SHA1 of a source.
pub(crate) fn sha_of(source: &[u8]) -> Sha {
    sha1_smol::Sha1::from(source).digest().bytes()
}

/// A compiled script.
pub(crate) struct Script {
    sha: Sha,
    /// Calls `function`.
    enter: Function,
    function: Function,
    pub(crate) flags: Flags,
    /// Does it need no look at the clock?
    is_straight: bool,
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
    scripts: HashMap<Sha, Arc<Script>, foldhash::fast::RandomState>,
    /// The script that was called last, by the digits of its SHA1.
    last: Option<([u8; 40], Arc<Script>)>,
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
            last: None,
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
    pub(crate) fn script(&self, sha: Sha) -> Option<&Arc<Script>> {
        self.scripts.get(&sha)
    }

    /// The cached script of the SHA1 with these digits: often that of the last call.
    pub(crate) fn called(&mut self, digits: &[u8]) -> Option<Arc<Script>> {
        if let Some((last, script)) = &self.last
            && last == digits
        {
            return Some(Arc::clone(script));
        }
        let script = Arc::clone(self.scripts.get(&parse_sha(digits)?)?);
        self.last = Some((digits.try_into().ok()?, Arc::clone(&script)));
        Some(script)
    }

    /// Compiles a script, if it is not in the cache; the error reply if that fails.
    pub(crate) fn load(&mut self, sha: Sha, source: &[u8]) -> Result<Arc<Script>, String> {
        if let Some(script) = self.scripts.get(&sha) {
            return Ok(Arc::clone(script));
        }
        let script = Arc::new(self.compile(sha, source)?);
        self.scripts.insert(sha, Arc::clone(&script));
        Ok(script)
    }

    fn compile(&self, sha: Sha, source: &[u8]) -> Result<Script, String> {
        let (flags, skipped) = shebang::of_script(source)?;
        let code = &source[skipped..];
        let function = self
            .chunk(code, "@user_script")
            .map_err(|error| format!("ERR Error compiling script (new function): {error}"))?;
        if !globals::may_assign_hot(code) {
            function
                .set_environment(self.sandbox.hot.clone())
                .map_err(|error| error_text(&error))?;
        }
        Ok(Script {
            sha,
            enter: self.sandbox.enter.clone(),
            function,
            flags,
            is_straight: is_straight(code),
            tail_line: tail_line(code, 1, usize::MAX),
            source: source.into(),
        })
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
    pub(crate) fn write(&self, returned: &Returned, protocol: Protocol, reply: &mut Reply) {
        let start = reply.len();
        if let Some(packed) = &returned.packed {
            if packed::write(packed, protocol, reply).is_some() {
                return;
            }
            reply.truncate(start);
        }
        if let Err(error) = convert::to_reply(&self.sandbox, &returned.value, protocol, reply) {
            reply.truncate(start);
            reply.error(&format!("ERR {}", error_text(&error)));
        }
    }

    /// The arguments of a script, packed; the error reply if there is no room for them.
    pub(super) fn words<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        args: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> Result<Text, String> {
        let bytes = Packer::bytes_of(keys.clone()) + Packer::bytes_of(args.clone());
        let mut packer = Packer::with_capacity(bytes + WORDS_BYTES);
        packer.table(2);
        packer.texts(keys);
        packer.texts(args);
        packed::text_of(&self.sandbox.lua, packer.take())
            .map_err(|error| format!("ERR {}", error_text(&error)))
    }

    /// The error that a script returned as its value, if it did.
    pub(crate) fn returned_error(&self, returned: &Returned) -> Option<Failed> {
        let Value::Table(table) = &returned.value else { return None };
        let names = &self.sandbox.names;
        let text = names.text_of(table).ok().flatten()?.to_string_lossy();
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
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
}

/// Starts a cached script with the globals KEYS and ARGV.
pub(crate) fn start<'a>(
    vm: &Arc<Mutex<Vm>>,
    script: Arc<Script>,
    keys: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    args: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) -> Result<Run, String> {
    let vm = vm.lock_arc();
    vm.sandbox.names.tail_line.store(script.tail_line, Ordering::Relaxed);
    vm.sandbox.watch(!script.is_straight).map_err(|error| format!("ERR {}", error_text(&error)))?;
    let words = vm.words(keys, args)?;
    let sha = script.sha;
    let work = move || script.enter.call((&script.function, words, false));
    run(vm, work, move || hex(sha))
}

/// How a call ended: well or not, what it returned or raised, and that packed.
type Left = (bool, Value, Option<BString>);

/// Starts what `work` calls by [`Sandbox::enter`]; `name` is what its errors call it.
pub(super) fn run(
    vm: ArcMutexGuard<RawMutex, Vm>,
    work: impl FnOnce() -> mlua::Result<Left> + 'static,
    name: impl FnOnce() -> String + 'static,
) -> Result<Run, String> {
    vm.sandbox.collect_large().map_err(|error| format!("ERR {}", error_text(&error)))?;
    let names = Arc::clone(&vm.sandbox.names);
    Run::new(vm, move || match work() {
        Ok((true, value, packed)) => Ok(Returned { value, packed }),
        Ok((false, error, _)) => Err(failure(&names, &name(), &error)),
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
