//! What the server tells about itself.

mod command_stats;
mod counter;
mod identity;
pub(crate) mod latency;
mod loading;
mod loops;
pub(crate) mod process;
mod rates;
pub(crate) mod slowlog;
mod stats;

pub(crate) use command_stats::{Call, Tally};
pub(crate) use identity::{Identity, NodeNames};
pub(crate) use latency::LatencyMonitor;
pub(crate) use loading::Loading;
pub(crate) use loops::LoopFigures;
pub(crate) use rates::Rate;
pub(crate) use slowlog::SlowLog;
pub(crate) use stats::Stats;
