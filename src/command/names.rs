//! Commands by name, in upper or lower case.
//!
//! Each request that is not for the same command as the one before, and each that a script calls,
//! is looked up here. All but a few names are short, and are hashed and compared as two numbers.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use foldhash::fast::RandomState;

use crate::short;

/// A short name in lower case, and its length, which together tell all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short([u64; 2], usize);

impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self([head, tail], len) = *self;
        state.write_u64(head);
        state.write_u64(tail ^ (len as u64));
    }
}

impl Short {
    fn new(name: &[u8]) -> Option<Self> {
        Some(Self(short::lower(name)?, name.len()))
    }
}

/// Places in the table by name.
#[derive(Debug, Default)]
pub(super) struct Names {
    short: HashMap<Short, usize, RandomState>,
    others: HashMap<Box<[u8]>, usize, RandomState>,
    /// Length of the longest name that was ever here.
    bytes_max: usize,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.others.len()
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        match Short::new(name) {
            Some(name) => self.short.get(&name).copied(),
            None if name.len() > self.bytes_max => None,
            None => self.others.get(&*name.to_ascii_lowercase()).copied(),
        }
    }

    /// Gives what is at `place` this name; returns what had it.
    pub(super) fn insert(&mut self, name: &[u8], place: usize) -> Option<usize> {
        self.bytes_max = self.bytes_max.max(name.len());
        match Short::new(name) {
            Some(name) => self.short.insert(name, place),
            None => self.others.insert(name.to_ascii_lowercase().into(), place),
        }
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<usize> {
        match Short::new(name) {
            Some(name) => self.short.remove(&name),
            None => self.others.remove(&*name.to_ascii_lowercase()),
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.short.values().chain(self.others.values()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_found_in_any_case() {
        let mut names = Names::default();
        let all: Vec<Vec<u8>> = (0..40).map(|len| (b'a'..).take(len).collect()).collect();
        for (place, name) in all.iter().enumerate() {
            assert_eq!(names.insert(&name.to_ascii_uppercase(), place), None);
        }
        assert_eq!((names.len(), names.places().sum::<usize>()), (40, (0..40).sum()));
        for (place, name) in all.iter().enumerate() {
            assert_eq!(
                [&**name, &name.to_ascii_uppercase()].map(|name| names.find(name)),
                [Some(place); 2]
            );
            for at in 0..name.len() {
                let mut other = name.clone();
                other[at] ^= 0x80;
                assert_eq!(names.find(&other), None);
            }
        }
        assert_eq!((names.remove(b"AB"), names.find(b"ab")), (Some(2), None));
        assert_eq!(names.remove(&[b'x'; 50]), None);
    }
}
