//! Settings: one table from which the command line, the configuration file and CONFIG follow.
//!
//! Names, values and defaults are those of redis.conf. To add a setting: a variant of [`Setting`]
//! and a row in `config/rows.rs`, in the same place.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;

mod rows;
pub mod source;

pub use rows::Setting;
pub(crate) use rows::{Kind, ROWS, Row};

/// What is wrong with a value; its `Display` is what CONFIG SET and the command line answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Not one of the allowed words.
    NotAllowed(Box<str>),
    /// Not a number.
    NotANumber,
    /// Neither `yes` nor `no`.
    NotYesNo,
    /// Not a number of bytes.
    NotBytes,
    /// Lower or higher than allowed.
    OutOfRange(i64, i64),
    /// Any other.
    Plain(&'static str),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed(words) => {
                write!(f, "argument(s) must be one of the following: {words}")
            }
            Self::NotANumber => f.write_str("argument couldn't be parsed into an integer"),
            Self::NotYesNo => f.write_str("argument must be 'yes' or 'no'"),
            Self::NotBytes => f.write_str("argument must be a memory value"),
            Self::OutOfRange(min, max) => {
                write!(f, "argument must be between {min} and {max} inclusive")
            }
            Self::Plain(text) => f.write_str(text),
        }
    }
}

/// The value of a setting; numbers are read without a lock.
#[derive(Debug)]
enum Value {
    Number(AtomicI64),
    Text(RwLock<Box<str>>),
}

/// The values of all settings.
#[derive(Debug)]
pub struct Config {
    values: Vec<Value>,
    /// The file that was given, for CONFIG REWRITE.
    file: RwLock<Option<std::path::PathBuf>>,
}

impl Default for Config {
    fn default() -> Self {
        let values = ROWS.iter().map(|row| match row.kind {
            Kind::Text => Value::Text(RwLock::new(row.default.into())),
            kind => Value::Number(AtomicI64::new(
                parse(kind, row.default).expect("the defaults of the table are valid"),
            )),
        });
        Self { values: values.collect(), file: RwLock::new(None) }
    }
}

impl Config {
    /// A number, a number of bytes, or the place of a word among those allowed.
    pub fn number(&self, setting: Setting) -> i64 {
        match &self.values[setting as usize] {
            Value::Number(number) => number.load(Ordering::Relaxed),
            Value::Text(_) => 0,
        }
    }

    /// A number that is not negative.
    pub fn size(&self, setting: Setting) -> usize {
        usize::try_from(self.number(setting)).unwrap_or(0)
    }

    /// A `yes` or `no`.
    pub fn flag(&self, setting: Setting) -> bool {
        self.number(setting) != 0
    }

    /// The value as text, as CONFIG GET shows it.
    pub fn text(&self, setting: Setting) -> String {
        match (&self.values[setting as usize], ROWS[setting as usize].kind) {
            (Value::Text(text), _) => text.read().to_string(),
            (Value::Number(number), kind) => show(kind, number.load(Ordering::Relaxed)),
        }
    }

    /// Would this value do?
    pub(crate) fn check(row: &Row, value: &str) -> Result<(), ConfigError> {
        match row.kind {
            Kind::Text => (row.check)(value),
            kind => parse(kind, value).map(|_| ()),
        }
    }

    /// Sets a value given as text.
    pub fn set(&self, setting: Setting, value: &str) -> Result<(), ConfigError> {
        let row = &ROWS[setting as usize];
        Self::check(row, value)?;
        match &self.values[setting as usize] {
            Value::Number(number) => number.store(parse(row.kind, value)?, Ordering::Relaxed),
            Value::Text(text) => *text.write() = value.into(),
        }
        Ok(())
    }

    /// The configuration file, if one was given.
    pub(crate) fn file(&self) -> Option<std::path::PathBuf> {
        self.file.read().clone()
    }
}

/// The row of the setting with this name or alias, in upper or lower case.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| {
        row.name.eq_ignore_ascii_case(name)
            || row.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

fn parse(kind: Kind, value: &str) -> Result<i64, ConfigError> {
    match kind {
        Kind::Bytes { min, max } => {
            let bytes = parse_bytes(value).ok_or(ConfigError::NotBytes)?;
            in_range(bytes, min, max)
        }
        Kind::Flag => match value.to_ascii_lowercase().as_str() {
            "yes" => Ok(1),
            "no" => Ok(0),
            _ => Err(ConfigError::NotYesNo),
        },
        Kind::Number { min, max } => {
            let number = value.parse().map_err(|_| ConfigError::NotANumber)?;
            in_range(number, min, max)
        }
        Kind::Octal => i64::from_str_radix(value, 8).map_err(|_| ConfigError::NotANumber),
        Kind::Text => Err(ConfigError::NotANumber),
        Kind::Word(words) => {
            let place = words.iter().position(|word| word.eq_ignore_ascii_case(value));
            let place = place.and_then(|place| i64::try_from(place).ok());
            place.ok_or_else(|| ConfigError::NotAllowed(words.join(", ").into()))
        }
    }
}

fn in_range(number: i64, min: i64, max: i64) -> Result<i64, ConfigError> {
    let fits = (min..=max).contains(&number);
    fits.then_some(number).ok_or(ConfigError::OutOfRange(min, max))
}

/// Parses `100`, `1k` (1000), `1kb` (1024), and so on with m and g; `b` may follow a plain number.
pub(crate) fn parse_bytes(value: &str) -> Option<i64> {
    let value = value.to_ascii_lowercase();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &value[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

fn show(kind: Kind, number: i64) -> String {
    match kind {
        Kind::Flag => (if number != 0 { "yes" } else { "no" }).to_owned(),
        Kind::Octal => format!("{number:o}"),
        Kind::Word(words) => {
            let word = usize::try_from(number).ok().and_then(|place| words.get(place));
            (*word.unwrap_or(&"")).to_owned()
        }
        Kind::Bytes { .. } | Kind::Number { .. } | Kind::Text => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_settings() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.setting as usize, place, "{}", row.name);
        }
    }

    #[test]
    fn defaults_show_as_written() {
        let config = Config::default();
        for row in ROWS {
            let shown = config.text(row.setting);
            let same = shown == row.default || parse_bytes(row.default) == shown.parse().ok();
            assert!(same, "{}: {shown} is not {}", row.name, row.default);
        }
    }

    #[test]
    fn bytes() {
        for (text, expected) in
            [("1k", Some(1000)), ("1KB", Some(1024)), ("2gb", Some(2 << 30)), ("x", None)]
        {
            assert_eq!(parse_bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        let config = Config::default();
        assert!(config.set(Setting::Port, "70000").is_err());
        assert_eq!(config.number(Setting::Port), 6379);
        assert!(config.set(Setting::AppendFsync, "never").is_err());
        assert!(config.set(Setting::AppendFsync, "ALWAYS").is_ok());
        assert_eq!(config.text(Setting::AppendFsync), "always");
    }
}
