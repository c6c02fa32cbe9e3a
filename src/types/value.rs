//! The value of a key: one of the data types.

use super::hash::Hash;
use super::list::List;
use super::set::Set;
use super::sorted_set::SortedSet;
use super::step::Step;
use super::stream::Stream;
use super::string::StringValue;

/// A value; a collection in here is never empty, but for streams.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Hash(Box<Hash>),
    List(Box<List>),
    Set(Box<Set>),
    SortedSet(Box<SortedSet>),
    Stream(Box<Stream>),
    String(StringValue),
}

/// A data type, for access by type: `db.read::<List>(key)`.
pub(crate) trait DataType {
    /// This type's data, if `value` is of this type.
    fn of(value: &Value) -> Option<&Self>;
    /// As [`DataType::of`], to change it.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// A value of this type without content.
    fn empty() -> Value;
}

impl DataType for Hash {
    fn of(value: &Value) -> Option<&Self> {
        if let Value::Hash(hash) = value { Some(hash) } else { None }
    }

    fn of_mut(value: &mut Value) -> Option<&mut Self> {
        if let Value::Hash(hash) = value { Some(hash) } else { None }
    }

    fn empty() -> Value {
        Value::Hash(Box::default())
    }
}

impl DataType for List {
    fn of(value: &Value) -> Option<&Self> {
        if let Value::List(list) = value { Some(list) } else { None }
    }

    fn of_mut(value: &mut Value) -> Option<&mut Self> {
        if let Value::List(list) = value { Some(list) } else { None }
    }

    fn empty() -> Value {
        Value::List(Box::default())
    }
}

impl DataType for Set {
    fn of(value: &Value) -> Option<&Self> {
        if let Value::Set(set) = value { Some(set) } else { None }
    }

    fn of_mut(value: &mut Value) -> Option<&mut Self> {
        if let Value::Set(set) = value { Some(set) } else { None }
    }

    fn empty() -> Value {
        Value::Set(Box::default())
    }
}

impl DataType for SortedSet {
    fn of(value: &Value) -> Option<&Self> {
        if let Value::SortedSet(set) = value { Some(set) } else { None }
    }

    fn of_mut(value: &mut Value) -> Option<&mut Self> {
        if let Value::SortedSet(set) = value { Some(set) } else { None }
    }

    fn empty() -> Value {
        Value::SortedSet(Box::default())
    }
}

impl DataType for Stream {
    fn of(value: &Value) -> Option<&Self> {
        if let Value::Stream(stream) = value { Some(stream) } else { None }
    }

    fn of_mut(value: &mut Value) -> Option<&mut Self> {
        if let Value::Stream(stream) = value { Some(stream) } else { None }
    }

    fn empty() -> Value {
        Value::Stream(Box::default())
    }
}

impl DataType for StringValue {
    fn of(value: &Value) -> Option<&Self> {
        if let Value::String(string) = value { Some(string) } else { None }
    }

    fn of_mut(value: &mut Value) -> Option<&mut Self> {
        if let Value::String(string) = value { Some(string) } else { None }
    }

    fn empty() -> Value {
        Value::String(StringValue::new(b""))
    }
}

impl Value {
    /// Has its data fetched into the processor's caches, where it is known where they are.
    pub(crate) fn prefetch(&self) {
        if let Self::String(string) = self {
            string.prefetch();
        }
    }

    /// Has what these steps will look at fetched, where it is large.
    pub(crate) fn prefetch_for<'r>(&self, steps: impl Iterator<Item = Step<'r>>) {
        match self {
            Self::Hash(hash) => hash.prefetch(steps.filter_map(Step::name)),
            Self::Set(set) => set.prefetch(steps.filter_map(Step::name)),
            Self::SortedSet(set) => set.prefetch(steps),
            _ => {}
        }
    }

    /// The name TYPE replies with.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Hash(_) => "hash",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::SortedSet(_) => "zset",
            Self::Stream(_) => "stream",
            Self::String(_) => "string",
        }
    }

    /// The name OBJECT ENCODING replies with; `list_limit` as for [`List::encoding`].
    pub(crate) fn encoding(&self, list_limit: i64) -> &'static str {
        match self {
            Self::Hash(hash) => hash.encoding(),
            Self::List(list) => list.encoding(list_limit),
            Self::Set(set) => set.encoding(),
            Self::SortedSet(set) => set.encoding(),
            Self::Stream(_) => "stream",
            Self::String(string) => string.encoding(),
        }
    }

    /// Is it a collection without elements, which must not stay in the keyspace?
    pub(crate) fn is_empty_collection(&self) -> bool {
        match self {
            Self::Hash(hash) => hash.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::SortedSet(set) => set.is_empty(),
            Self::Stream(_) | Self::String(_) => false,
        }
    }

    /// Number of elements, for deciding how a value is freed; 1 for a string.
    pub(crate) fn elements(&self) -> usize {
        match self {
            Self::Hash(hash) => hash.len(),
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::SortedSet(set) => set.len(),
            Self::Stream(stream) => stream.elements(),
            Self::String(_) => 1,
        }
    }

    /// When a part of it expires next (unix ms), such as a field of a hash; `u64::MAX`: never.
    pub(crate) fn next_due_ms(&self) -> u64 {
        if let Self::Hash(hash) = self { hash.next_due_ms() } else { u64::MAX }
    }

    /// Bytes that the value takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Hash(hash) => hash.bytes(),
            Self::List(list) => list.bytes(),
            Self::Set(set) => set.bytes(),
            Self::SortedSet(set) => set.bytes(),
            Self::Stream(stream) => stream.bytes(),
            Self::String(string) => string.bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_three_words_at_most() {
        assert!(size_of::<Value>() <= 24, "{}", size_of::<Value>());
    }
}
