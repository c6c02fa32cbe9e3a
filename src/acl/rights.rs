//! What a user may do: on or off, passwords and selectors.

use super::password::Password;
use super::request::{Channel, Denied, Reason, Request};
use super::rule::{Basis, RuleError, RulesError, merge_selectors, push_quoted};
use super::selector::Selector;

/// The rights of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// May one log in as this user?
    is_on: bool,
    /// Does any password do?
    no_pass: bool,
    /// Is a payload of RESTORE looked through? It always is; kept for the rule's sake.
    sanitizes: bool,
    passwords: Vec<Password>,
    /// What is allowed outside of parentheses.
    root: Selector,
    selectors: Vec<Selector>,
}

impl Rights {
    /// A new user: off, without passwords, and with rights to nothing.
    pub(crate) fn new(basis: Basis<'_>) -> Self {
        Self {
            is_on: false,
            no_pass: false,
            sanitizes: true,
            passwords: Vec::new(),
            root: Selector::new(basis),
            selectors: Vec::new(),
        }
    }

    /// The user `default` as a server has it that nobody has set up: may do everything.
    pub(crate) fn unlimited(basis: Basis<'_>) -> Self {
        let mut rights = Self::new(basis);
        for rule in ["+@all", "~*", "&*", "on", "nopass"] {
            let applied = rights.apply(basis, rule.as_bytes());
            debug_assert!(applied.is_ok(), "{rule} is a rule");
        }
        rights
    }

    /// Follows rules, all or none; selectors may be spread over several words.
    pub(crate) fn apply_all<'a>(
        &self,
        basis: Basis<'_>,
        rules: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, RulesError> {
        let mut rights = self.clone();
        for rule in merge_selectors(rules)? {
            rights.apply(basis, &rule).map_err(|error| RulesError::Rule(rule, error))?;
        }
        Ok(rights)
    }

    /// Follows one rule; an empty one does nothing.
    pub(crate) fn apply(&mut self, basis: Basis<'_>, rule: &[u8]) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.is_on = true,
            b"off" => self.is_on = false,
            b"sanitize-payload" => self.sanitizes = true,
            b"skip-sanitize-payload" => self.sanitizes = false,
            b"nopass" => {
                self.no_pass = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.no_pass = false;
                self.passwords.clear();
            }
            b"clearselectors" => self.selectors.clear(),
            b"reset" => *self = Self::new(basis),
            _ => return self.apply_other(basis, rule),
        }
        Ok(())
    }

    /// Follows a rule that holds a name, a pattern or a password.
    fn apply_other(&mut self, basis: Basis<'_>, rule: &[u8]) -> Result<(), RuleError> {
        match rule {
            [b'>', password @ ..] => self.add(Password::of(password)),
            [b'#', hash @ ..] => {
                self.add(Password::from_hex(hash).ok_or(RuleError::BadHash)?);
            }
            [b'<', password @ ..] => return self.remove(&Password::of(password)),
            [b'!', hash @ ..] => {
                return self.remove(&Password::from_hex(hash).ok_or(RuleError::BadHash)?);
            }
            [b'(', rules @ .., b')'] => {
                self.selectors.push(Selector::from_rules(basis, rules)?);
            }
            rule => return self.root.apply(basis, rule),
        }
        Ok(())
    }

    fn add(&mut self, password: Password) {
        self.no_pass = false;
        if !self.passwords.contains(&password) {
            self.passwords.push(password);
        }
    }

    fn remove(&mut self, password: &Password) -> Result<(), RuleError> {
        let place = self.passwords.iter().position(|known| known == password);
        self.passwords.remove(place.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// The same rights with just this password, or with none asked for.
    pub(crate) fn with_password(mut self, password: Option<&[u8]>) -> Self {
        self.no_pass = password.is_none();
        self.passwords = password.map(Password::of).into_iter().collect();
        self
    }

    /// May one log in with this password?
    pub(crate) fn accept(&self, password: &[u8]) -> bool {
        if !self.is_on || self.no_pass {
            return self.is_on;
        }
        let given = Password::of(password);
        self.passwords.iter().fold(false, |found, known| found | known.matches(&given))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Does any password do?
    pub(crate) fn needs_no_password(&self) -> bool {
        self.no_pass
    }

    fn all_selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    /// Is everything allowed?
    pub(crate) fn is_unlimited(&self) -> bool {
        self.all_selectors().any(Selector::is_unlimited)
    }

    /// Is a request allowed? If not, of what the selectors deny the last thing is told that none
    /// of them allows.
    pub(crate) fn check(&self, request: &Request<'_>) -> Result<(), Denied> {
        let mut told = Denied { reason: Reason::Command, place: 0 };
        for selector in self.all_selectors() {
            match selector.check(request) {
                Ok(()) => return Ok(()),
                Err(denied) => told = told.max(denied),
            }
        }
        Err(told)
    }

    /// Is a request allowed by a selector that allows to read all keys, too?
    pub(crate) fn allow_reading_all_keys(&self, request: &Request<'_>) -> bool {
        self.all_selectors()
            .any(|selector| selector.may_read_all_keys() && selector.check(request).is_ok())
    }

    /// Is a channel allowed?
    pub(crate) fn allow_channel(&self, channel: &Channel<'_>) -> bool {
        self.all_selectors().any(|selector| selector.allows_channel(channel))
    }

    /// The words that stand for on or off, passwords and payloads, as ACL GETUSER shows them.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.is_on { "on" } else { "off" }];
        flags.extend(self.no_pass.then_some("nopass"));
        flags.push(if self.sanitizes { "sanitize-payload" } else { "skip-sanitize-payload" });
        flags
    }

    pub(crate) fn passwords(&self) -> &[Password] {
        &self.passwords
    }

    /// Does it allow the channels that `before` allowed, by the same patterns or as it allows all?
    pub(crate) fn keeps_channels_of(&self, before: &Self) -> bool {
        let keeps = |words: Vec<Vec<u8>>| {
            words.iter().all(|word| self.all_selectors().any(|own| own.has_channels(word)))
        };
        before.all_selectors().all(|selector| keeps(selector.channel_words()))
    }

    /// What is allowed outside of parentheses.
    pub(crate) fn root(&self) -> &Selector {
        &self.root
    }

    /// The selectors in parentheses.
    pub(crate) fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// The rules that give a new user just these rights, as words; a selector is one word.
    pub(crate) fn words(&self) -> Vec<Vec<u8>> {
        let flags = self.flags().into_iter().map(|flag| flag.as_bytes().to_vec());
        let mut words: Vec<Vec<u8>> = flags.collect();
        words.extend(self.passwords.iter().map(|password| format!("#{password}").into_bytes()));
        words.extend(self.root.words());
        words.extend(self.selectors.iter().map(in_parentheses));
        words
    }

    /// [`Rights::words`] with spaces in between.
    pub(crate) fn describe(&self) -> Vec<u8> {
        self.words().join(&b' ')
    }
}

fn in_parentheses(selector: &Selector) -> Vec<u8> {
    let mut line = vec![b'('];
    for (place, word) in selector.words().iter().enumerate() {
        if place > 0 {
            line.push(b' ');
        }
        push_quoted(word, &mut line);
    }
    line.push(b')');
    line
}
