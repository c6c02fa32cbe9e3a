//! Settings: one table from which the command line, the configuration file and CONFIG follow.
//!
//! Names, values and defaults are those of redis.conf. To add a setting: a variant of [`Setting`]
//! and a row in a file under `config/rows/`, in the same place. Settings of Redis that have no
//! effect here stand in `config/rows/inert.rs`, each with the reason.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;

use declared::UserLine;
use derived::Derived;

pub mod command_line;
mod declared;
mod derived;
mod refusal;
pub(crate) mod rewrite;
mod rows;
mod source;
mod text;
pub mod tools;

pub(crate) use declared::Renamed;
#[cfg(test)]
pub(crate) use derived::EVENT_LETTERS;
pub(crate) use derived::OutputLimit;
pub use rows::Setting;
pub(crate) use rows::{Change, EVICTION_POLICIES, Effect, Kind, Row, rows};

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
    /// Neither a number of bytes nor a share.
    NotBytesOrPercent,
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
            Self::NotBytesOrPercent => f.write_str("argument must be a memory or percent value"),
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
    /// In the order of [`rows`].
    values: Vec<Value>,
    derived: Derived,
    /// The file that was given, for CONFIG REWRITE.
    file: RwLock<Option<PathBuf>>,
    users: RwLock<Vec<UserLine>>,
    renamed: RwLock<Vec<Renamed>>,
}

impl Default for Config {
    fn default() -> Self {
        let values = rows().iter().map(|row| match row.kind {
            Kind::Text => Value::Text(RwLock::new(row.default.into())),
            kind => Value::Number(AtomicI64::new(
                parse(kind, row.default).expect("the defaults of the table are valid"),
            )),
        });
        let config = Self {
            values: values.collect(),
            derived: Derived::default(),
            file: RwLock::default(),
            users: RwLock::default(),
            renamed: RwLock::default(),
        };
        config.derive();
        config
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

    /// Seconds and changes after which a snapshot is due.
    pub(crate) fn save_points(&self) -> Vec<(u64, u64)> {
        let text = self.text(Setting::Save);
        let words: Vec<u64> =
            text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        words.as_chunks::<2>().0.iter().map(|[seconds, changes]| (*seconds, *changes)).collect()
    }

    /// A `yes` or `no`.
    pub fn flag(&self, setting: Setting) -> bool {
        self.number(setting) != 0
    }

    /// The value as text, as CONFIG GET shows it.
    pub fn text(&self, setting: Setting) -> String {
        self.text_at(setting as usize)
    }

    /// The value of the row at this place, as text.
    pub(crate) fn text_at(&self, place: usize) -> String {
        match (&self.values[place], rows()[place].kind) {
            (Value::Text(text), _) => text.read().to_string(),
            (Value::Number(number), kind) => show(kind, number.load(Ordering::Relaxed)),
        }
    }

    /// The text that would be kept if the row at this place were given `value`.
    pub(crate) fn accept_at(&self, place: usize, value: &str) -> Result<String, ConfigError> {
        let row = rows()[place];
        let kept = match row.kind {
            Kind::Text => (row.accept)(&self.text_at(place), value)?,
            kind => show(kind, parse(kind, value)?),
        };
        match row.effect {
            Effect::Refused(reason) if !same(row, &kept) => Err(ConfigError::Plain(reason)),
            Effect::Full | Effect::None(_) | Effect::Refused(_) => Ok(kept),
        }
    }

    /// Gives the row at this place a value given as text.
    pub(crate) fn set_at(&self, place: usize, value: &str) -> Result<(), ConfigError> {
        let kept = self.accept_at(place, value)?;
        match &self.values[place] {
            Value::Number(number) => {
                number.store(parse(rows()[place].kind, &kept)?, Ordering::Relaxed);
            }
            Value::Text(text) => *text.write() = kept.into(),
        }
        self.derive();
        Ok(())
    }

    /// Brings the derived numbers up to date.
    fn derive(&self) {
        self.derived.set_events(&self.text(Setting::NotifyKeyspaceEvents));
        self.derived.set_limits(&self.text(Setting::ClientOutputBufferLimit));
        let counts = self
            .text(Setting::MaxMemoryPolicy)
            .ends_with("-lfu")
            .then(|| (self.size(Setting::LfuLogFactor), self.size(Setting::LfuDecayTime)));
        self.derived.set_access_counts(counts);
        let clients = self.text(Setting::MaxMemoryClients);
        self.derived.set_client_memory(&clients, self.size(Setting::MaxMemory));
        let latency_ms = self.number(Setting::LatencyMonitorThreshold);
        self.derived.set_slow(self.number(Setting::SlowlogLogSlowerThan), latency_ms);
    }

    /// Shorter calls are noted neither in the slow log nor by the latency monitor.
    pub(crate) fn slow_us(&self) -> u64 {
        self.derived.slow_us()
    }

    /// Bytes that all clients may take, by `maxmemory-clients`; 0: any number.
    pub(crate) fn client_memory_limit(&self) -> u64 {
        self.derived.client_memory()
    }

    /// `lfu-log-factor` and `lfu-decay-time`, if `maxmemory-policy` goes by how often keys are
    /// used.
    pub(crate) fn access_counts(&self) -> Option<(u32, u32)> {
        self.derived.access_counts()
    }

    /// The classes of keyspace events that are published, as bits of [`EVENT_LETTERS`].
    pub(crate) fn events(&self) -> u32 {
        self.derived.events()
    }

    /// The limits of a class of `client-output-buffer-limit`, by its place there.
    pub(crate) fn output_limit(&self, class: usize) -> OutputLimit {
        self.derived.limit(class)
    }

    /// Sets a value given as text.
    pub fn set(&self, setting: Setting, value: &str) -> Result<(), ConfigError> {
        self.set_at(setting as usize, value)
    }

    /// Has the row at this place another value than its default?
    pub(crate) fn is_changed(&self, place: usize) -> bool {
        !same(rows()[place], &self.text_at(place))
    }

    /// The configuration file, if one was given.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.file.read().clone()
    }
}

/// Is `value`, in the form in which it is kept, the default of the row?
fn same(row: &Row, value: &str) -> bool {
    match row.kind {
        Kind::Text => value == row.default,
        kind => parse(kind, row.default) == parse(kind, value),
    }
}

/// The place of the row with this name or alias, in upper or lower case.
pub(crate) fn find(name: &str) -> Option<usize> {
    rows().iter().position(|row| {
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
    let factor = match value.get(digits.len()..)? {
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
        let mut settings = 0;
        for (place, row) in rows().iter().enumerate() {
            let Some(setting) = row.setting else { continue };
            assert_eq!(setting as usize, place, "{}", row.name);
            assert!(!row.doc.is_empty(), "{}", row.name);
            settings += 1;
        }
        assert_eq!(settings, Setting::Supervised as usize + 1);
    }

    #[test]
    fn defaults_are_kept_as_written() {
        let config = Config::default();
        for (place, row) in rows().iter().enumerate() {
            assert_eq!(config.accept_at(place, row.default).as_deref(), Ok(row.default));
            assert!(!config.is_changed(place), "{}", row.name);
            assert_eq!(find(row.name), Some(place), "a name stands in two rows");
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

    #[test]
    fn what_would_be_unsafe_to_ignore_is_refused() {
        let config = Config::default();
        let place = find("tls-key-file-pass").expect("it is in the table");
        assert!(config.set_at(place, "secret").is_err());
        assert!(config.set_at(place, "").is_ok());
    }
}
