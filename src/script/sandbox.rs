//! A new Lua state: only what scripts may see, and all of it read-only.

use std::sync::Arc;

use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value, VmState};

use super::api;
use super::failure::{Names, OWN_CHUNK, note_place};
use super::library;
use super::run::{Answer, Ask, ask};

/// Instructions between two looks at the clock.
const TICK_INSTRUCTIONS: u32 = 20_000;

/// The parts of a state that the virtual machine uses.
pub(super) struct Sandbox {
    pub(super) lua: Lua,
    /// What scripts see as global variables.
    pub(super) globals: Table,
    /// Calls a function; on an error the second argument makes an error table.
    pub(super) xpcall: Function,
    pub(super) handler: Function,
    pub(super) names: Arc<Names>,
}

impl Sandbox {
    pub(super) fn new() -> mlua::Result<Self> {
        let libraries = StdLib::BIT | StdLib::MATH | StdLib::STRING | StdLib::TABLE | StdLib::JIT;
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        lua.load("jit.off() jit.flush()").exec()?;
        let names = Arc::new(Names::new(&lua)?);
        let host = api::host(&lua, &names)?;
        host.set("library_constants", library::constants(&lua)?)?;
        let libraries = library::all(&lua)?;
        let source = include_str!("sandbox.lua");
        let chunk = lua.load(source).set_name(OWN_CHUNK);
        let (globals, xpcall): (Table, Function) = chunk.call((host, libraries))?;
        let noting = Arc::clone(&names);
        let handler =
            lua.create_function(move |lua, error: Value| note_place(lua, &noting, error))?;
        watch(&lua)?;
        Ok(Self { lua, globals, xpcall, handler, names })
    }
}

/// Looks every so often whether the script may go on.
fn watch(lua: &Lua) -> mlua::Result<()> {
    let triggers = HookTriggers::new().every_nth_instruction(TICK_INSTRUCTIONS);
    lua.set_global_hook(triggers, |lua, _| match ask(Ask::Tick) {
        Some(Answer::Kill) => {
            insist(lua)?;
            Err(killed())
        }
        _ => Ok(VmState::Continue),
    })
}

/// A killed script must not go on by catching the error.
fn insist(lua: &Lua) -> mlua::Result<()> {
    let triggers = HookTriggers::new().every_nth_instruction(1);
    lua.set_global_hook(triggers, |_, _| Err(killed()))
}

/// Back to normal, after a script was killed.
pub(super) fn calm(lua: &Lua) -> mlua::Result<()> {
    watch(lua)
}

fn killed() -> mlua::Error {
    mlua::Error::runtime("Script killed by user with SCRIPT KILL.")
}
