//! Rules and what they give, as a table, and as a property: the rules shown give the same user.

use std::sync::OnceLock;

use proptest::prelude::*;
use smallvec::smallvec;

use super::catalog::category_bit;
use super::*;

/// A small catalog: the number of a command is its place here.
const COMMANDS: &[(&str, &[&str])] = &[
    ("acl", &["slow"]),
    ("acl|list", &["admin", "slow", "dangerous"]),
    ("client", &["slow"]),
    ("client|id", &["slow", "connection"]),
    ("client|kill", &["admin", "slow", "dangerous", "connection"]),
    ("config", &["slow"]),
    ("config|get", &["admin", "slow", "dangerous"]),
    ("config|set", &["admin", "slow", "dangerous"]),
    ("debug", &["admin", "slow", "dangerous"]),
    ("get", &["read", "string", "fast"]),
    ("hget", &["read", "hash", "fast"]),
    ("hset", &["write", "hash", "fast"]),
    ("select", &["fast", "connection"]),
    ("set", &["write", "string", "slow"]),
];

fn number(name: &str) -> usize {
    COMMANDS.iter().position(|(known, _)| *known == name).expect("a command of the table")
}

pub(super) fn basis() -> Basis<'static> {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    let catalog = CATALOG.get_or_init(|| {
        Catalog::new(COMMANDS.iter().map(|(name, categories)| {
            let bits = categories.iter().filter_map(|name| category_bit(name.as_bytes()));
            ((*name).to_owned(), bits.fold(0, |all, bit| all | bit))
        }))
    });
    Basis { catalog, all_channels: false }
}

fn user(rules: &str) -> Result<Rights, String> {
    let rules = rules.split(' ').map(str::as_bytes);
    Rights::new(basis()).apply_all(basis(), rules).map_err(|error| error.to_string())
}

fn described(rules: &str) -> String {
    user(rules).map_or_else(
        |error| error,
        |rights| String::from_utf8_lossy(&rights.describe()).into_owned(),
    )
}

#[test]
fn users_are_shown_as_rules() {
    for (rules, expected) in [
        ("", "off sanitize-payload resetchannels -@all"),
        ("on nopass ~* &* +@all", "on nopass sanitize-payload ~* &* +@all"),
        ("ON ALLKEYS AllChannels allcommands", "on sanitize-payload ~* &* +@all"),
        ("skip-sanitize-payload &a &b* &a", "off skip-sanitize-payload resetchannels &a &b* -@all"),
        ("%R~a %W~a %RW~b %w~c", "off sanitize-payload ~a ~b %W~c resetchannels -@all"),
        ("%RW~*", "off sanitize-payload ~* resetchannels -@all"),
        ("~a %RW~*", "off sanitize-payload ~a %RW~* resetchannels -@all"),
        ("on reset", "off sanitize-payload resetchannels -@all"),
        (
            "+get (+set ~x) ( ~y )",
            "off sanitize-payload resetchannels -@all +get (~x \
            resetchannels -@all +set) (~y resetchannels -@all)",
        ),
        ("(+get) clearselectors", "off sanitize-payload resetchannels -@all"),
        (
            "(\"~a\\\"b\")",
            "off sanitize-payload resetchannels -@all (\"~a\\\"b\" resetchannels -@all)",
        ),
    ] {
        assert_eq!(described(rules), expected, "{rules}");
    }
}

#[test]
fn command_rules_are_compacted_without_loss() {
    for (rules, expected) in [
        ("+@all -@hash -@slow +hget", "+@all -@hash -@slow +hget"),
        ("+@all -@hash -@slow +hget -@hash", "+@all -@slow +hget -@hash"),
        ("-@string -@slow +@all", "+@all"),
        ("+@HASH +@hash +@HaSh", "-@all +@hash"),
        ("+hget -hset +hset -hget", "-@all +hset -hget"),
        (
            "+client|id +client|id +config|get +config +acl|list -acl",
            "-@all +client|id +config -acl",
        ),
        ("+select|0 +SELECT|0 +debug|x +debug", "-@all +select|0 +debug"),
        ("-@all -@dangerous", "-@all -@dangerous"),
        ("+config +config|get -config|set +config", "-@all +config"),
    ] {
        let rights = user(rules).expect("rules");
        let words = rights.root().command_words().join(&b' ');
        assert_eq!(String::from_utf8_lossy(&words), expected, "{rules}");
    }
}

#[test]
fn wrong_rules_are_told() {
    let in_modifier =
        |rule: &str, error| format!("Error in ACL SETUSER modifier '{rule}': {error}");
    for (rule, error) in [
        ("+nope", RuleError::Unknown),
        ("+@nope", RuleError::Unknown),
        ("+config|nope", RuleError::Unknown),
        ("-config|nope", RuleError::Unknown),
        ("-select|0", RuleError::Unknown),
        ("+get|a|b", RuleError::Unknown),
        ("+debug|", RuleError::Syntax),
        ("+config|get|port", RuleError::FirstArgument),
        ("nonsense", RuleError::Syntax),
        ("%~x", RuleError::Syntax),
        ("%RR~x", RuleError::Syntax),
        ("%X~x", RuleError::Syntax),
        ("#beef", RuleError::BadHash),
        ("!beef", RuleError::BadHash),
        ("<secret", RuleError::NoSuchPassword),
        (")", RuleError::Syntax),
        ("(nonsense)", RuleError::Syntax),
        ("(+nope)", RuleError::Unknown),
        ("(on)", RuleError::Syntax),
    ] {
        assert_eq!(user(rule).expect_err(rule), in_modifier(rule, error));
    }
    assert_eq!(user("~* ~x").expect_err("all"), in_modifier("~x", RuleError::NeedlessKey));
    assert_eq!(user("&* &x").expect_err("all"), in_modifier("&x", RuleError::NeedlessChannel));
    let unmatched = "Unmatched parenthesis in acl selector starting at '(+get'.";
    assert_eq!(user("on (+get (+set").expect_err("open"), unmatched);
}

/// Checks a request: a command with an argument, one key, one channel.
fn check(rights: &Rights, words: &str) -> Option<Reason> {
    let mut request = Request {
        command: 0,
        is_open: false,
        first_argument: None,
        keys: smallvec![],
        channels: smallvec![],
    };
    for (place, word) in words.split(' ').enumerate() {
        let name = word.get(2..).unwrap_or_default().as_bytes();
        match word.get(..2) {
            Some("r:") => {
                request.keys.push(Key { place, name, need: Need { read: true, write: false } });
            }
            Some("w:") => {
                request.keys.push(Key { place, name, need: Need { read: false, write: true } });
            }
            Some("b:") => request.keys.push(Key { place, name, need: Need::BOTH }),
            Some("-:") => request.keys.push(Key { place, name, need: Need::default() }),
            Some("c:") => request.channels.push(Channel { place, name, is_pattern: false }),
            Some("p:") => request.channels.push(Channel { place, name, is_pattern: true }),
            _ if place == 0 => request.command = number(word),
            _ => request.first_argument = Some(word.as_bytes()),
        }
    }
    rights.check(&request).err().map(|denied| denied.reason)
}

#[test]
fn requests_are_checked() {
    let (command, key, channel) = (Some(Reason::Command), Some(Reason::Key), Some(Reason::Channel));
    for (rules, request, expected) in [
        ("", "get", command),
        ("+get", "get", None),
        ("+@all -get", "get", command),
        ("+@all -config|set", "config|get", None),
        ("+@all -config|set", "config|set", command),
        ("+config|get", "config|get", None),
        ("+config|get", "config|set", command),
        ("-@all +config -config|set", "config|get", None),
        ("+@slow", "config|set", None),
        ("+@string -@all", "get", command),
        ("+select|0", "select 0", None),
        ("+select|0", "select 1", command),
        ("+select|0", "select", command),
        ("+select|0 -select", "select 0", command),
        ("+get", "get r:x", key),
        ("+get ~x*", "get r:x1", None),
        ("+get ~x*", "get r:y", key),
        ("+get %R~x", "get r:x", None),
        ("+get %R~x", "get w:x", key),
        ("+get %R~x %W~x", "get b:x", None),
        ("+get %R~x* %W~x", "get b:x", key),
        ("+get %R~a* %W~*a", "get b:aa", key),
        ("+get %W~x", "get -:x", None),
        ("+get %W~x", "get -:y", key),
        ("+get ~x &a*", "get r:x c:ab", None),
        ("+get ~x &a*", "get r:x c:b", channel),
        ("+get &a*", "get p:ab", channel),
        ("+get &a*", "get p:a*", None),
        ("+get ~x (+set ~y)", "set r:y", None),
        ("+get ~x (+set ~y)", "set r:x", key),
        ("+get ~x (+set ~y)", "hget r:x", command),
        ("(+@all ~* &*)", "config|set w:x c:y", None),
    ] {
        let rights = user(rules).expect("rules");
        assert_eq!(check(&rights, request), expected, "{rules}: {request}");
    }
    assert!(user("(+@all ~* &*)").expect("rules").is_unlimited());
    assert!(!user("+@all ~* (&*)").expect("rules").is_unlimited());
}

#[test]
fn passwords() {
    let rights = user("on >a >b").expect("rules");
    for (password, accepted) in [("a", true), ("b", true), ("c", false), ("", false)] {
        assert_eq!(rights.accept(password.as_bytes()), accepted);
    }
    assert!(!user("off >a").expect("rules").accept(b"a"));
    assert!(!user("on").expect("rules").accept(b""));
    assert!(user("on >a nopass").expect("rules").accept(b"x"));
    assert!(!user("on nopass resetpass").expect("rules").accept(b"x"));
    assert!(!user("on >a >b <a").expect("rules").accept(b"a"));
}

/// A rule that is mostly valid.
fn a_rule() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(vec![
        "on",
        "off",
        "nopass",
        "resetpass",
        "reset",
        "allkeys",
        "resetkeys",
        "allchannels",
        "resetchannels",
        "+@all",
        "-@all",
        "clearselectors",
        "sanitize-payload",
        "skip-sanitize-payload",
        "~*",
        "&*",
        "%RW~*",
        "%R~*",
        "%W~*",
        "+select|0",
        "+debug|a\"b",
    ]);
    let names: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
    let sign = prop::sample::select(vec!["+", "-"]);
    let command = (sign.clone(), prop::sample::select(names)).prop_map(|(a, b)| format!("{a}{b}"));
    let category = (sign, prop::sample::select(CATEGORIES.to_vec()))
        .prop_map(|(sign, name)| format!("{sign}@{name}"));
    let prefix = prop::sample::select(vec!["~", "%R~", "%W~", "%RW~", "&", ">", "<"]);
    let pattern = (prefix, "[a-c*?()\"'\\\\#~]{0,4}").prop_map(|(a, b)| format!("{a}{b}"));
    let rule = prop_oneof![fixed.prop_map(str::to_owned), command, category, pattern];
    rule.prop_map(String::into_bytes)
}

proptest! {
    #[test]
    fn rules_shown_give_the_same_user(
        rules in prop::collection::vec((a_rule(), 0..4_u8), 0..24),
    ) {
        let mut rights = Rights::new(basis());
        let mut selector: Vec<Vec<u8>> = Vec::new();
        for (rule, turn) in rules {
            if turn == 0 {
                selector.push(rule);
                let mut line = b"(".to_vec();
                for word in &selector {
                    rule::push_quoted(word, &mut line);
                    line.push(b' ');
                }
                line.push(b')');
                if rights.apply(basis(), &line).is_err() {
                    selector.pop();
                }
            } else {
                let before = rights.clone();
                if rights.apply(basis(), &rule).is_err() {
                    prop_assert_eq!(&rights, &before, "a wrong rule changes nothing");
                }
            }
        }
        let line = rights.describe();
        let words = line.split(|&byte| byte == b' ');
        let again = Rights::new(basis()).apply_all(basis(), words);
        let again = again.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let commands = |rights: &Rights| {
            let selectors = std::iter::once(rights.root()).chain(rights.selectors());
            selectors.map(|selector| selector.commands().clone()).collect::<Vec<_>>()
        };
        prop_assert_eq!(commands(&again), commands(&rights));
        let shown = again.describe();
        prop_assert_eq!(String::from_utf8_lossy(&shown), String::from_utf8_lossy(&line));
    }
}
