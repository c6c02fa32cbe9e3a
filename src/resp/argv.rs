//! The words of a request, borrowed from a buffer or owned.

use std::ops::Range;

/// Where a word lies in its buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// The words of a request: the command's name and its arguments, borrowed. By default none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Argv<'a> {
    data: &'a [u8],
    words: &'a [Word],
}

impl<'a> Argv<'a> {
    pub(super) fn new(data: &'a [u8], words: &'a [Word]) -> Self {
        Self { data, words }
    }

    /// Number of words, the name included.
    #[expect(
        clippy::len_without_is_empty,
        reason = "whether there are words is asked of the first"
    )]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Word `index`; 0 is the command's name.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        let word = self.words.get(index)?;
        self.data.get(word.start..word.start + word.len)
    }

    /// The words from `index` on.
    pub fn iter_from(self, index: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let words = self.words.get(index..).unwrap_or_default();
        words.iter().map(move |word| &self.data[word.start..word.start + word.len])
    }

    /// All words.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        self.iter_from(0)
    }

    /// The words from `index` on as a request of their own.
    #[must_use]
    pub fn tail(self, index: usize) -> Self {
        Self { data: self.data, words: self.words.get(index..).unwrap_or_default() }
    }

    /// A copy that does not borrow the read buffer.
    pub fn to_owned(self) -> OwnedArgv {
        let bytes = self.words.iter().map(|word| word.len).sum();
        let mut argv = OwnedArgv::over(Vec::with_capacity(bytes), self.len());
        self.iter().for_each(|word| argv.push(word));
        argv
    }
}

/// A request that owns its words: queued by MULTI, waiting, or made by the server.
#[derive(Clone, Debug, Default)]
pub struct OwnedArgv {
    data: Vec<u8>,
    words: Vec<Word>,
}

impl OwnedArgv {
    /// Copies words.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut argv = Self::default();
        words.into_iter().for_each(|word| argv.push(word));
        argv
    }

    /// No words yet; those that lie in `data` are added with [`OwnedArgv::push_at`].
    pub(crate) fn over(data: Vec<u8>, words: usize) -> Self {
        Self { data, words: Vec::with_capacity(words) }
    }

    /// The bytes in which words lie.
    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    /// Adds the word that lies at `start`.
    pub(crate) fn push_at(&mut self, start: usize, len: usize) {
        debug_assert!(start + len <= self.data.len(), "a word lies within the data");
        self.words.push(Word { start, len });
    }

    /// Adds a word in place of `len` bytes at `start` that are of no use any more, or behind them
    /// all if it is longer.
    pub(crate) fn put_at(&mut self, start: usize, word: &str, len: usize) {
        match self.data.get_mut(start..start + word.len()) {
            Some(place) if word.len() <= len => {
                place.copy_from_slice(word.as_bytes());
                self.push_at(start, word.len());
            }
            _ => self.push(word.as_bytes()),
        }
    }

    /// Adds a word.
    pub fn push(&mut self, word: &[u8]) {
        self.words.push(Word { start: self.data.len(), len: word.len() });
        self.data.extend_from_slice(word);
    }

    /// Number of words.
    #[expect(clippy::len_without_is_empty, reason = "a request has at least one word")]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// A view of some of the words.
    pub(crate) fn part(&self, words: Range<usize>) -> Argv<'_> {
        Argv { data: &self.data, words: self.words.get(words).unwrap_or_default() }
    }

    /// Removes all words, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.data.clear();
        self.words.clear();
    }

    /// A view of the words.
    pub fn as_argv(&self) -> Argv<'_> {
        Argv { data: &self.data, words: &self.words }
    }

    /// Bytes taken in memory.
    pub fn bytes(&self) -> usize {
        self.data.capacity() + self.words.capacity() * size_of::<Word>()
    }
}
