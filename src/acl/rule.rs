//! Rules: the words of ACL SETUSER, and what can be wrong with them.

use std::fmt;

use super::Catalog;

/// What rules build upon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basis<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Do new users and selectors have all channels (`acl-pubsub-default allchannels`)?
    pub(crate) all_channels: bool,
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleError {
    /// A hash that is none.
    BadHash,
    /// A first argument of a subcommand.
    FirstArgument,
    /// A channel pattern when all channels are allowed already.
    NeedlessChannel,
    /// A key pattern when all keys are allowed already.
    NeedlessKey,
    /// The password to take away is not there.
    NoSuchPassword,
    Syntax,
    /// No such command or category.
    Unknown,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase \
                 hexadecimal characters"
            }
            Self::FirstArgument => "Allowing first-arg of a subcommand is not supported",
            Self::NeedlessChannel => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid \
                 and does not have any effect. Try 'resetchannels' to start with an empty list of \
                 channels"
            }
            Self::NeedlessKey => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and \
                 does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            Self::NoSuchPassword => {
                "The password you are trying to remove from the user does not exist"
            }
            Self::Syntax => "Syntax error",
            Self::Unknown => "Unknown command or category name in ACL",
        })
    }
}

/// Why a list of rules was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RulesError {
    /// This rule is wrong.
    Rule(Vec<u8>, RuleError),
    /// A selector that starts here has no end.
    Unmatched(Vec<u8>),
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |rule: &[u8]| String::from_utf8_lossy(rule).into_owned();
        match self {
            Self::Rule(rule, error) => {
                write!(f, "Error in ACL SETUSER modifier '{}': {error}", shown(rule))
            }
            Self::Unmatched(rule) => {
                let rule = shown(rule);
                write!(f, "Unmatched parenthesis in acl selector starting at '{rule}'.")
            }
        }
    }
}

/// Is this rule the keyword, in upper or lower case?
pub(super) fn is(rule: &[u8], keyword: &str) -> bool {
    rule.eq_ignore_ascii_case(keyword.as_bytes())
}

/// Does a name or pattern have bytes that would tear it apart where rules are read back?
pub(crate) fn has_spaces(text: &[u8]) -> bool {
    text.iter().any(|&byte| byte == 0 || byte == 0x0b || byte.is_ascii_whitespace())
}

/// Puts selectors whose words came one by one back together.
pub(crate) fn merge_selectors<'a>(
    words: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Vec<u8>>, RulesError> {
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for word in words {
        open = match open {
            None if word.starts_with(b"(") && !word.ends_with(b")") => Some((word, word.to_vec())),
            None => {
                merged.push(word.to_vec());
                None
            }
            Some((start, mut selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                if word.ends_with(b")") {
                    merged.push(selector);
                    None
                } else {
                    Some((start, selector))
                }
            }
        };
    }
    match open {
        None => Ok(merged),
        Some((start, _)) => Err(RulesError::Unmatched(start.to_vec())),
    }
}

/// Appends a word of a selector in a form that is read back as this word.
pub(super) fn push_quoted(word: &[u8], line: &mut Vec<u8>) {
    let is_plain = !word.iter().any(|byte| b"\"'".contains(byte)) && !word.ends_with(b")");
    if is_plain {
        line.extend_from_slice(word);
        return;
    }
    line.push(b'"');
    for &byte in word {
        if b"\"\\".contains(&byte) {
            line.push(b'\\');
        }
        line.push(byte);
    }
    line.push(b'"');
}
