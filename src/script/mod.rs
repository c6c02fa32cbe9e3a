//! Lua: the virtual machine, its sandbox, its libraries, and the conversions of values.
//!
//! There is one virtual machine for the server: a script locks every shard, so two never run at
//! a time. It knows neither commands nor the engine. A script runs on a stack of its own
//! ([`run::Run`]); when it needs the server it *asks*: the stack is put aside, whoever drives the
//! run answers and goes on with it.
//!
//! ```text
//! driver (a command's handler)            script's stack
//!   Run::start ------------------------->  Lua code
//!   runs the command  <-- Ask::Call -----  redis.call("SET", ...)
//!   Run::go_on(Answer) ----------------->  converts the reply, goes on
//!   time up? killed?  <-- Ask::Tick -----  every so many instructions
//!   writes the reply  <-- Finished ------  return ...
//! ```
//!
//! The interpreter is `LuaJIT` without its compiler: it speaks Lua 5.1, is maintained (the last
//! Lua 5.1 has known memory errors that scripts can reach), bounds the recursion of patterns, and
//! its loops run about twice as fast. Compiled traces would never look at the clock.

mod api;
mod convert;
pub(crate) mod dump;
mod escapes;
mod failure;
pub(crate) mod functions;
mod globals;
mod library;
mod packed;
mod random;
pub(crate) mod run;
pub(crate) mod running;
mod sandbox;
pub(crate) mod shebang;
mod straight;
pub(crate) mod vm;
mod walk;

pub(crate) use run::{Answer, Ask, Failed, ReplyBytes, Returned, Run, Step};
pub(crate) use running::Scripts;
pub(crate) use vm::{Script, Vm};
