//! Whole files: the header, the operations between the entries, and the end. They are read by
//! [`super::load`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::blocks::Source;
use super::input::Input;
use super::output::Output;
use super::{RdbError, encode};
use crate::types::value::Value;

/// What every RDB file begins with.
const SIGNATURE: &[u8; 5] = b"REDIS";
const VERSION_WRITTEN: &[u8; 4] = b"0010";
const VERSION_MAX: u32 = 12;
/// The first version with a checksum.
const VERSION_CHECKSUM: u32 = 5;

/// What stands between entries.
pub(super) mod operation {
    pub(in crate::rdb) const SLOT_INFO: u8 = 244;
    pub(in crate::rdb) const FUNCTION: u8 = 245;
    pub(in crate::rdb) const FUNCTION_EARLY: u8 = 246;
    pub(in crate::rdb) const MODULE: u8 = 247;
    pub(in crate::rdb) const IDLE: u8 = 248;
    pub(in crate::rdb) const FREQUENCY: u8 = 249;
    pub(in crate::rdb) const AUXILIARY: u8 = 250;
    pub(in crate::rdb) const RESIZE: u8 = 251;
    pub(in crate::rdb) const EXPIRES_MS: u8 = 252;
    pub(in crate::rdb) const EXPIRES_S: u8 = 253;
    pub(in crate::rdb) const SELECT: u8 = 254;
    pub(in crate::rdb) const END: u8 = 255;
}

/// Does a file begin as an RDB file does? One that is shorter than that does not.
pub(crate) fn is_rdb(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(SIGNATURE.len() as u64).read_to_end(&mut start)?;
    Ok(start == SIGNATURE)
}

/// What a file says about a key beside its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Unix time in milliseconds; `None`: never.
    pub(crate) expires_at_ms: Option<u64>,
    /// Seconds since its last access.
    pub(crate) idle_s: Option<u64>,
    /// Its access count.
    pub(crate) frequency: Option<u8>,
}

pub(super) fn version<S: Source>(input: &mut Input<S>) -> Result<u32, RdbError> {
    if input.array::<5>()? != *SIGNATURE {
        return Err(RdbError::Corrupt("this is not an RDB file"));
    }
    let digits = input.array::<4>()?;
    let version = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
    let version = version.ok_or(RdbError::Corrupt("the version is not a number"))?;
    if version == 0 || version > VERSION_MAX {
        return Err(RdbError::Version(version));
    }
    Ok(version)
}

/// Checks the checksum, if there is one; 0 stands for none.
pub(super) fn check_end<S: Source>(input: &mut Input<S>, version: u32) -> Result<(), RdbError> {
    if version < VERSION_CHECKSUM {
        return Ok(());
    }
    let found = input.crc();
    let expected = u64::from_le_bytes(input.array()?);
    if expected != 0 && expected != found {
        return Err(RdbError::Corrupt("the checksum at the end is that of other bytes"));
    }
    Ok(())
}

/// The number of a database.
pub(super) fn database<S: Source>(input: &mut Input<S>) -> Result<usize, RdbError> {
    Ok(usize::try_from(input.length()?).unwrap_or(usize::MAX))
}

/// Skips what a module keeps beside the keys.
pub(super) fn skip_module_fields<S: Source>(input: &mut Input<S>) -> Result<(), RdbError> {
    input.length()?;
    input.length()?;
    input.length()?;
    input.skip_module()
}

/// Writes a file.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    output: Output<W>,
    db: Option<usize>,
    has_checksum: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a file; `fields` are its auxiliary ones.
    pub(crate) fn new(
        target: W,
        compresses: bool,
        has_checksum: bool,
        fields: &[(&str, String)],
    ) -> io::Result<Self> {
        let mut output = Output::new(target, compresses);
        output.bytes(SIGNATURE)?;
        output.bytes(VERSION_WRITTEN)?;
        for (name, value) in fields {
            output.byte(operation::AUXILIARY)?;
            output.string(name.as_bytes())?;
            output.string(value.as_bytes())?;
        }
        Ok(Self { output, db: None, has_checksum })
    }

    /// Writes the source of a library of functions.
    pub(crate) fn function(&mut self, source: &[u8]) -> io::Result<()> {
        self.output.byte(operation::FUNCTION)?;
        self.output.string(source)
    }

    /// Writes a key with its value.
    pub(crate) fn entry(
        &mut self,
        db: usize,
        key: &[u8],
        value: &Value,
        attributes: Attributes,
    ) -> io::Result<()> {
        if self.db != Some(db) {
            self.output.byte(operation::SELECT)?;
            self.output.count(db)?;
            self.db = Some(db);
        }
        if let Some(ms) = attributes.expires_at_ms {
            self.output.byte(operation::EXPIRES_MS)?;
            self.output.bytes(&ms.to_le_bytes())?;
        }
        if let Some(seconds) = attributes.idle_s {
            self.output.byte(operation::IDLE)?;
            self.output.count(usize::try_from(seconds).unwrap_or(usize::MAX))?;
        }
        if let Some(count) = attributes.frequency {
            self.output.byte(operation::FREQUENCY)?;
            self.output.byte(count)?;
        }
        self.output.byte(encode::kind(value))?;
        self.output.string(key)?;
        encode::object(&mut self.output, value)
    }

    /// Ends the file; returns what it was written to, and the length.
    pub(crate) fn finish(mut self) -> io::Result<(W, u64)> {
        self.output.byte(operation::END)?;
        let crc = if self.has_checksum { self.output.crc() } else { 0 };
        self.output.bytes(&crc.to_le_bytes())?;
        let len = self.output.len;
        Ok((self.output.into_target(), len))
    }
}
