//! Going past objects without making their values.

use super::blocks::Source;
use super::input::Input;
use super::{RdbError, kind};

/// Goes past the object of a type. Looks at nothing but where it ends.
pub(super) fn object<S: Source>(input: &mut Input<S>, kind: u8) -> Result<(), RdbError> {
    match kind {
        kind::STRING
        | kind::HASH_ZIPMAP
        | kind::LIST_ZIPLIST
        | kind::SET_INTSET
        | kind::SORTED_SET_ZIPLIST
        | kind::HASH_ZIPLIST
        | kind::HASH_LISTPACK
        | kind::SORTED_SET_LISTPACK
        | kind::SET_LISTPACK => input.skip_text(),
        kind::LIST | kind::SET | kind::LIST_QUICKLIST => each(input, Input::skip_text),
        kind::HASH => each(input, |input| texts(input, 2)),
        kind::SORTED_SET => each(input, |input| {
            input.skip_text()?;
            input.skip(8)
        }),
        kind::SORTED_SET_TEXT => each(input, |input| {
            input.skip_text()?;
            input.double_text().map(drop)
        }),
        kind::LIST_QUICKLIST_2 => each(input, |input| {
            input.length()?;
            input.skip_text()
        }),
        kind::HASH_EXPIRING => {
            input.skip(8)?;
            each(input, |input| {
                input.length()?;
                texts(input, 2)
            })
        }
        kind::HASH_EXPIRING_LISTPACK => {
            input.skip(8)?;
            input.skip_text()
        }
        kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => stream(input, kind),
        kind::MODULE_1 | kind::MODULE_2 => Err(RdbError::Module),
        _ => Err(RdbError::Corrupt("the type of a value is not known")),
    }
}

/// Goes past as many elements as the length in front of them says.
fn each<S: Source>(
    input: &mut Input<S>,
    mut element: impl FnMut(&mut Input<S>) -> Result<(), RdbError>,
) -> Result<(), RdbError> {
    for _ in 0..input.length()? {
        element(input)?;
    }
    Ok(())
}

fn texts<S: Source>(input: &mut Input<S>, count: usize) -> Result<(), RdbError> {
    (0..count).try_for_each(|_| input.skip_text())
}

fn stream<S: Source>(input: &mut Input<S>, kind: u8) -> Result<(), RdbError> {
    each(input, |input| texts(input, 2))?;
    // The length and the last id; the ids of the first entry and of the last that was deleted, and
    // the number of entries ever added.
    input.skip_lengths(if kind == kind::STREAM_1 { 3 } else { 8 })?;
    each(input, |input| group(input, kind))
}

fn group<S: Source>(input: &mut Input<S>, kind: u8) -> Result<(), RdbError> {
    input.skip_text()?;
    input.skip_lengths(if kind == kind::STREAM_1 { 2 } else { 3 })?;
    // An id, a time, and how often the entry was delivered.
    each(input, |input| {
        input.skip(16 + 8)?;
        input.skip_lengths(1)
    })?;
    each(input, |input| {
        input.skip_text()?;
        input.skip(if kind == kind::STREAM_3 { 16 } else { 8 })?;
        each(input, |input| input.skip(16))
    })
}
