//! What can be wrong with a request, in the words of Redis.

use std::fmt;

/// What is wrong with a request; the connection answers with its text and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// A bulk string was expected; the byte found in place of `$`.
    ExpectedBulk(u8),
    /// The length of an argument is not a number or out of bounds.
    InvalidBulkLength,
    /// The count of arguments is not a number or out of bounds.
    InvalidMultibulkLength,
    /// The line with the length of an argument does not end.
    TooBigBulkCount,
    /// An inline command does not end.
    TooBigInline,
    /// The line with the count of arguments does not end.
    TooBigMultibulkCount,
    /// An inline command with a quote that is not closed, or text right behind one.
    UnbalancedQuotes,
    /// An argument larger than a client may send before AUTH.
    UnauthenticatedBulkLength,
    /// More arguments than a client may send before AUTH.
    UnauthenticatedMultibulkLength,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        f.write_str(match self {
            Self::ExpectedBulk(byte) => {
                return write!(f, "expected '$', got '{}'", char::from(*byte));
            }
            Self::InvalidBulkLength => "invalid bulk length",
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::TooBigInline => "too big inline request",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
        })
    }
}
