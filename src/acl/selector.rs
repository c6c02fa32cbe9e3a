//! A selector: commands, keys and channels that are allowed together.

use super::commands::Commands;
use super::request::{Channel, Denied, Key, Need, Reason, Request};
use super::rule::{Basis, RuleError, has_spaces, is};
use crate::glob;
use crate::resp::inline::split_line;

/// A pattern of keys, and what may be done to them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    need: Need,
    pattern: Box<[u8]>,
}

impl KeyPattern {
    /// The rule that adds it. `*` among other patterns must not be read back as `allkeys`.
    fn word(&self, is_alone: bool) -> Vec<u8> {
        let prefix: &[u8] = match self.need {
            Need { read: true, write: true } if !is_alone && &*self.pattern == b"*" => b"%RW~",
            Need { read: true, write: true } => b"~",
            Need { read: true, write: false } => b"%R~",
            Need { read: false, .. } => b"%W~",
        };
        [prefix, &self.pattern].concat()
    }
}

/// What is allowed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    commands: Commands,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Box<[u8]>>,
}

impl Selector {
    /// Allows nothing, but for channels if new selectors have them.
    pub(super) fn new(basis: Basis<'_>) -> Self {
        Self {
            commands: Commands::none(basis.catalog),
            all_keys: false,
            keys: Vec::new(),
            all_channels: basis.all_channels,
            channels: Vec::new(),
        }
    }

    /// The selector that `(...)` describes, given what stands between the parentheses.
    pub(super) fn from_rules(basis: Basis<'_>, rules: &[u8]) -> Result<Self, RuleError> {
        let mut selector = Self::new(basis);
        for rule in split_line(rules).ok_or(RuleError::Syntax)? {
            selector.apply(basis, &rule)?;
        }
        Ok(selector)
    }

    /// Follows a rule on commands, keys or channels.
    pub(super) fn apply(&mut self, basis: Basis<'_>, rule: &[u8]) -> Result<(), RuleError> {
        if is(rule, "allkeys") || is(rule, "~*") || is(rule, "resetkeys") {
            self.all_keys = !is(rule, "resetkeys");
            self.keys.clear();
            return Ok(());
        }
        if is(rule, "allchannels") || is(rule, "&*") || is(rule, "resetchannels") {
            self.all_channels = !is(rule, "resetchannels");
            self.channels.clear();
            return Ok(());
        }
        match rule {
            [b'~', pattern @ ..] => self.add_keys(Need::BOTH, pattern),
            [b'%', rest @ ..] => {
                let (need, pattern) = need_and_pattern(rest)?;
                self.add_keys(need, pattern)
            }
            [b'&', pattern @ ..] => self.add_channels(pattern),
            rule => self.commands.apply(basis.catalog, rule),
        }
    }

    fn add_keys(&mut self, need: Need, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::NeedlessKey);
        }
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        match self.keys.iter_mut().find(|key| &*key.pattern == pattern) {
            Some(key) => key.need = key.need.and(need),
            None => self.keys.push(KeyPattern { need, pattern: pattern.into() }),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::NeedlessChannel);
        }
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|channel| &**channel == pattern) {
            self.channels.push(pattern.into());
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Does it allow everything?
    pub(super) fn is_unlimited(&self) -> bool {
        self.commands.are_all() && self.all_keys && self.all_channels
    }

    /// May all keys be read?
    pub(super) fn may_read_all_keys(&self) -> bool {
        let reads_all = |key: &KeyPattern| key.need.read && &*key.pattern == b"*";
        self.all_keys || self.keys.iter().any(reads_all)
    }

    /// Does it allow a request?
    pub(super) fn check(&self, request: &Request<'_>) -> Result<(), Denied> {
        if !request.is_open && !self.commands.allow(request.command, request.first_argument) {
            return Err(Denied { reason: Reason::Command, place: 0 });
        }
        if let Some(key) = request.keys.iter().find(|key| !self.allows_key(key)) {
            return Err(Denied { reason: Reason::Key, place: key.place });
        }
        match request.channels.iter().find(|channel| !self.allows_channel(channel)) {
            Some(channel) => Err(Denied { reason: Reason::Channel, place: channel.place }),
            None => Ok(()),
        }
    }

    fn allows_key(&self, key: &Key<'_>) -> bool {
        let fits = |known: &KeyPattern| {
            known.need.covers(key.need) && glob::matches(&known.pattern, key.name)
        };
        self.all_keys || self.keys.iter().any(fits)
    }

    /// Does it allow to publish to a channel or to subscribe to it?
    pub(super) fn allows_channel(&self, channel: &Channel<'_>) -> bool {
        let fits = |known: &[u8]| {
            if channel.is_pattern {
                known == channel.name
            } else {
                glob::matches(known, channel.name)
            }
        };
        self.all_channels || self.channels.iter().any(|known| fits(known))
    }

    /// The rules that give just these commands.
    pub(crate) fn command_words(&self) -> Vec<Vec<u8>> {
        self.commands.words().collect()
    }

    /// The rules that give just these keys.
    pub(crate) fn key_words(&self) -> Vec<Vec<u8>> {
        if self.all_keys {
            return vec![b"~*".to_vec()];
        }
        self.keys.iter().map(|key| key.word(self.keys.len() == 1)).collect()
    }

    /// The rules that give just these channels, from none on.
    pub(crate) fn channel_words(&self) -> Vec<Vec<u8>> {
        if self.all_channels {
            return vec![b"&*".to_vec()];
        }
        self.channels.iter().map(|channel| [b"&", &**channel].concat()).collect()
    }

    /// Has a rule on channels been followed, or one that allows all?
    pub(super) fn has_channels(&self, word: &[u8]) -> bool {
        self.all_channels || self.channel_words().iter().any(|own| own == word)
    }

    /// The rules that give just this selector.
    pub(super) fn words(&self) -> Vec<Vec<u8>> {
        let mut words = self.key_words();
        if !self.all_channels {
            words.push(b"resetchannels".to_vec());
        }
        words.extend(self.channel_words());
        words.extend(self.command_words());
        words
    }
}

/// What stands behind `%`: letters, `~`, and the pattern.
fn need_and_pattern(rest: &[u8]) -> Result<(Need, &[u8]), RuleError> {
    let mut need = Need::default();
    for (place, byte) in rest.iter().enumerate() {
        match byte.to_ascii_uppercase() {
            b'R' if !need.read => need.read = true,
            b'W' if !need.write => need.write = true,
            b'~' if need != Need::default() => return Ok((need, &rest[place + 1..])),
            _ => return Err(RuleError::Syntax),
        }
    }
    Err(RuleError::Syntax)
}
