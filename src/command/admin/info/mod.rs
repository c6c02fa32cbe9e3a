//! INFO: the server's figures, by section. Names of sections and fields are those of Redis.
//!
//! To add a field: a line in the function of its section. To add a section: a row in
//! [`SECTIONS`], in the order of Redis.

use std::fmt::{Display, Write};

use crate::command::{Args, CommandResult, Context, Outcome};

mod calls;
mod data;
mod machine;

/// When a section is shown that was not asked for by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// With `all` and `everything`.
    All,
    /// Also by default.
    Default,
    /// With `everything`, and by default.
    Modules,
}

/// Writes the fields of a section.
type Section = fn(&mut Context<'_>, &mut Text);

/// The sections.
const SECTIONS: &[(&str, Shown, Section)] = &[
    ("Server", Shown::Default, machine::server),
    ("Clients", Shown::Default, machine::clients),
    ("Memory", Shown::Default, machine::memory),
    ("Persistence", Shown::Default, data::persistence),
    ("Stats", Shown::Default, calls::stats),
    ("Replication", Shown::Default, data::replication),
    ("CPU", Shown::Default, machine::cpu),
    ("Modules", Shown::Modules, |_, _| {}),
    ("Commandstats", Shown::All, calls::commandstats),
    ("Errorstats", Shown::Default, calls::errorstats),
    ("Latencystats", Shown::All, calls::latencystats),
    ("Cluster", Shown::Default, data::cluster),
    ("Keyspace", Shown::Default, data::keyspace),
];

/// The text of INFO, line by line.
#[derive(Default)]
struct Text(String);

impl Text {
    /// `name:value`
    fn line(&mut self, name: &str, value: impl Display) {
        let written = write!(self.0, "{name}:{value}\r\n");
        debug_assert!(written.is_ok(), "a string takes any text");
    }

    /// What respq has none of: replicas, forks, defragmentation, threads that only read and write.
    fn zeros(&mut self, names: &[&str]) {
        for name in names {
            self.line(name, 0);
        }
    }

    /// Bytes of memory that the text takes so far.
    fn bytes_taken(&self) -> u64 {
        self.0.capacity() as u64
    }

    /// A number of bytes, and the same for people.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.line(name, bytes);
        self.line(&format!("{name}_human"), human(bytes));
    }

    fn section(&mut self, name: &str) {
        let break_before = if self.0.is_empty() { "" } else { "\r\n" };
        self.0.extend([break_before, "# ", name, "\r\n"]);
    }
}

/// `INFO [section [section ...]]`
///
/// Replies the figures of these sections, or of the usual ones. `all` means all but those of
/// modules, `everything` those too. Unknown names are passed over. O(databases and commands).
/// Differs from Redis: `respq_version` stands beside `redis_version`, which is the version of
/// Redis whose behaviour clients may count on.
/// <https://redis.io/docs/latest/commands/info/>
pub(super) fn info(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut asked: Vec<String> =
        args.rest().map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    if asked.is_empty() {
        asked.push("default".to_owned());
    }
    let has = |name: &str| asked.iter().any(|word| word == name);
    let mut text = Text::default();
    for &(name, shown, write) in SECTIONS {
        let wanted = has(&name.to_ascii_lowercase())
            || has("everything")
            || (has("all") && shown != Shown::Modules)
            || (has("default") && shown != Shown::All);
        if wanted {
            text.section(name);
            write(context, &mut text);
        }
    }
    context.reply.verbatim(*b"txt", text.0.as_bytes());
    Ok(Outcome::Done)
}

/// Bytes as people read them: `512B`, `1.50K`, `2.00G`.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        for (bytes, expected) in
            [(0, "0B"), (1023, "1023B"), (1536, "1.50K"), (1 << 31, "2.00G"), (1 << 20, "1.00M")]
        {
            assert_eq!(human(bytes), expected);
        }
    }
}
