//! The wire: bytes to requests, replies to bytes. Knows no command and no data type.

pub mod argv;
pub mod inline;
pub mod request;

mod line;
mod protocol_error;
pub(crate) mod read;
mod reply;

pub use protocol_error::ProtocolError;
pub use reply::{Protocol, Reply};
