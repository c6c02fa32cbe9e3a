//! What the command line asks for.

use std::collections::HashMap;
use std::time::Duration;

/// Settings by name, and commands.
pub(crate) struct Options {
    pub(crate) scenario: String,
    values: HashMap<String, String>,
    /// The words of each command.
    pub(crate) commands: Vec<Vec<String>>,
}

impl Options {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Self {
        let scenario = words.next().expect("a scenario comes first");
        let mut values = HashMap::new();
        for word in words.by_ref().take_while(|word| word != "--") {
            let (name, value) = word.split_once('=').expect("settings are name=value");
            values.insert(name.to_owned(), value.to_owned());
        }
        let words: Vec<String> = words.collect();
        let commands = words.split(|word| word == ";").map(<[String]>::to_vec).collect();
        Self { scenario, values, commands }
    }

    pub(crate) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.values.get(name).map_or(default, String::as_str)
    }

    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        let value = self.values.get(name);
        value.map_or(default, |value| value.parse().expect("a number is asked for"))
    }

    pub(crate) fn port(&self) -> u16 {
        u16::try_from(self.number("port", 6379)).expect("a port has 16 bits")
    }

    /// How long is measured; a warm-up of a fifth of it comes before.
    pub(crate) fn measured(&self) -> Duration {
        let seconds = self.text("seconds", "3");
        Duration::from_secs_f64(seconds.parse().expect("a number of seconds is asked for"))
    }
}
