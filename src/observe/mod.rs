//! What the server tells about itself.

mod loading;
mod stats;

pub(crate) use loading::Loading;
pub(crate) use stats::Stats;
