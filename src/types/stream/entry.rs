//! An entry as it lies in a block: a view of its id and its packed fields.

use super::id::StreamId;
use super::words::Words;

/// An entry of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) id: StreamId,
    /// The block's names, if the entry has none of its own.
    pub(super) names: Option<Words<'a>>,
    pub(super) words: Words<'a>,
}

impl<'a> Entry<'a> {
    /// Number of fields.
    pub(crate) fn len(&self) -> usize {
        self.words.left
    }

    /// The fields: names and values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut names = self.names.clone();
        let mut words = self.words.clone();
        let mut left = words.left;
        if names.is_none() {
            words.left *= 2;
        }
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let name = names.as_mut().unwrap_or(&mut words).next()?;
            Some((name, words.next()?))
        })
    }
}
