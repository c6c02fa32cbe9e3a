//! What the server tells about itself.

mod stats;

pub(crate) use stats::Stats;
