//! A new Lua state: only what scripts may see, and all of it read-only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value, VmState};

use super::api;
use super::failure::{Names, OWN_CHUNK, note_place};
use super::functions::Loading;
use super::globals;
use super::library;
use super::run::{Ask, ask};

/// Memory that scripts may hold, looked at now and then.
const BYTES_MAX: usize = 1 << 30;
/// Of these, what may be in use when there is no room left. So much must become garbage before all
/// is looked at again.
const USED_BYTES_MAX: usize = BYTES_MAX / 8 * 7;
/// Memory that is left to the interpreter's own collector.
const SMALL_BYTES_MAX: usize = 64 << 20;
/// Instructions between two looks at the clock.
const TICK_INSTRUCTIONS: u32 = 20_000;

/// The parts of a state that the virtual machine uses.
pub(super) struct Sandbox {
    pub(super) lua: Lua,
    /// Calls a script or a function with its packed words; an error becomes a table.
    pub(super) enter: Function,
    /// The globals of scripts that assign none of [`globals::HOT`].
    pub(super) hot: Table,
    pub(super) pcall: Function,
    /// Shows code the globals of a library that is being loaded, or the usual ones.
    pub(super) switch: Function,
    pub(super) loading: Arc<Loading>,
    pub(super) names: Arc<Names>,
    /// Does the driver get to look at the clock?
    is_watched: AtomicBool,
    /// Memory in use when [`Sandbox::collect_large`] last collected garbage.
    used_bytes: AtomicUsize,
}

impl Sandbox {
    pub(super) fn new() -> mlua::Result<Self> {
        // PACKAGE is where `sandbox.lua` gets the interpreter's serializer; scripts do not see it.
        let libraries = StdLib::BIT
            | StdLib::JIT
            | StdLib::MATH
            | StdLib::PACKAGE
            | StdLib::STRING
            | StdLib::TABLE;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        lua.load("jit.off() jit.flush()").exec()?;
        let names = Arc::new(Names::new(&lua)?);
        let loading = Arc::new(Loading::default());
        let host = api::host(&lua, &names, &loading)?;
        host.set("library_constants", library::constants(&lua)?)?;
        host.set("hot_names", lua.create_sequence_from(globals::HOT)?)?;
        let noting = Arc::clone(&names);
        let note = lua.create_function(move |lua, error: Value| note_place(lua, &noting, error))?;
        host.set("on_error", note)?;
        let libraries = library::all(&lua, &host)?;
        let source = include_str!("sandbox.lua");
        let chunk = lua.load(source).set_name(OWN_CHUNK);
        let (enter, hot, pcall, switch) = chunk.call((host, libraries))?;
        let is_watched = AtomicBool::new(false);
        let used_bytes = AtomicUsize::new(0);
        let sandbox =
            Self { lua, enter, hot, pcall, switch, loading, names, is_watched, used_bytes };
        sandbox.watch(true)?;
        Ok(sandbox)
    }

    /// Between scripts: collects garbage if the state is large and has doubled since the last time.
    pub(super) fn collect_large(&self) -> mlua::Result<()> {
        let used_bytes = self.used_bytes.load(Ordering::Relaxed);
        if self.lua.used_memory() > SMALL_BYTES_MAX.max(2 * used_bytes) {
            self.lua.gc_collect()?;
            self.used_bytes.store(self.lua.used_memory(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Lets the driver look at the clock every so often from now on, or not. Nothing is raised
    /// here: see [`Answer::Kill`](super::Answer).
    pub(super) fn watch(&self, watched: bool) -> mlua::Result<()> {
        if self.is_watched.swap(watched, Ordering::Relaxed) == watched {
            return Ok(());
        }
        if !watched {
            self.lua.remove_hook();
            return Ok(());
        }
        let triggers = HookTriggers::new().every_nth_instruction(TICK_INSTRUCTIONS);
        self.lua.set_global_hook(triggers, |lua, _| {
            ask(Ask::Tick { is_over: is_full(lua)? });
            Ok(VmState::Continue)
        })
    }
}

/// Do scripts hold more than they may? Garbage does not count.
fn is_full(lua: &Lua) -> mlua::Result<bool> {
    if lua.used_memory() <= BYTES_MAX {
        return Ok(false);
    }
    lua.gc_collect()?;
    Ok(lua.used_memory() > USED_BYTES_MAX)
}
