//! Settings that are texts: what they accept, and the form in which they are kept.

use super::{ConfigError, parse_bytes};

/// Classes of `client-output-buffer-limit`, in the order in which they are shown.
const CLIENT_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// Words with one space between them.
pub(super) fn words(_old: &str, new: &str) -> Result<String, ConfigError> {
    Ok(new.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A name without a folder.
pub(super) fn file_name(_old: &str, new: &str) -> Result<String, ConfigError> {
    if new.is_empty() || new.contains('/') {
        return Err(ConfigError::Plain("must be a filename, not a path"));
    }
    Ok(new.to_owned())
}

/// What the names of the log's files begin with.
pub(super) fn log_name(old: &str, new: &str) -> Result<String, ConfigError> {
    /// With a number and what else stands in the names of files, the system still takes it.
    const BYTES_MAX: usize = 200;
    if new.starts_with("temp-") {
        return Err(ConfigError::Plain("names of unfinished files begin with 'temp-'"));
    }
    if new.len() > BYTES_MAX || new.contains('\0') {
        return Err(ConfigError::Plain("must have at most 200 bytes, and no zero among them"));
    }
    file_name(old, new)
}

/// Pairs of seconds and changes, or nothing.
pub(super) fn save_points(_old: &str, new: &str) -> Result<String, ConfigError> {
    let words: Vec<&str> = new.split_whitespace().filter(|word| *word != "\"\"").collect();
    let is_valid = |pair: &[&str]| {
        let seconds = pair.first().and_then(|word| word.parse::<i32>().ok());
        let changes = pair.get(1).and_then(|word| word.parse::<i32>().ok());
        seconds.is_some_and(|seconds| seconds >= 1) && changes.is_some_and(|changes| changes >= 0)
    };
    if !words.chunks(2).all(is_valid) {
        return Err(ConfigError::Plain("Invalid save parameters"));
    }
    Ok(words.join(" "))
}

/// A number of bytes, or a share such as `5%`.
pub(super) fn bytes_or_percent(_old: &str, new: &str) -> Result<String, ConfigError> {
    if let Some(share) = new.strip_suffix('%') {
        let share: u64 = share.parse().map_err(|_| ConfigError::NotBytesOrPercent)?;
        if share > 100 {
            return Err(ConfigError::Plain("percentage argument must be less or equal to 100"));
        }
        return Ok(format!("{share}%"));
    }
    let bytes = parse_bytes(new).filter(|&bytes| bytes >= 0);
    bytes.map(|bytes| bytes.to_string()).ok_or(ConfigError::NotBytesOrPercent)
}

/// Numbers from 0 to 100, for percentiles.
pub(super) fn percentiles(_old: &str, new: &str) -> Result<String, ConfigError> {
    let mut shown = Vec::new();
    for word in new.split_whitespace().filter(|word| *word != "\"\"") {
        let value: f64 = word.parse().map_err(|_| {
            ConfigError::Plain("Invalid latency-tracking-info-percentiles parameters")
        })?;
        if !(0.0..=100.0).contains(&value) {
            return Err(ConfigError::Plain(
                "latency-tracking-info-percentiles should contain a value between 0.0 and 100.0",
            ));
        }
        shown.push(crate::number::format_f64(value));
    }
    Ok(shown.join(" "))
}

/// Letters of classes of keyspace events, in the order in which Redis shows them.
pub(super) fn event_classes(_old: &str, new: &str) -> Result<String, ConfigError> {
    const ALL: &str = "g$lshzxetd";
    const SHOWN: &str = "g$lshzxetdnKEm";
    if new.chars().any(|letter| letter != 'A' && !SHOWN.contains(letter)) {
        return Err(ConfigError::Plain("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."));
    }
    let has = |letter: char| new.contains(letter) || (new.contains('A') && ALL.contains(letter));
    let mut shown = String::new();
    if ALL.chars().all(has) {
        shown.push('A');
    } else {
        shown.extend(ALL.chars().filter(|&letter| has(letter)));
    }
    shown.extend(SHOWN.chars().skip(ALL.len()).filter(|&letter| has(letter)));
    Ok(shown)
}

/// Groups of class, hard limit, soft limit, seconds; classes that are not named keep theirs.
pub(super) fn output_buffer_limits(old: &str, new: &str) -> Result<String, ConfigError> {
    let old: Vec<&str> = old.split_whitespace().collect();
    let mut limits: Vec<Vec<String>> = old
        .chunks(4)
        .map(|group| group.iter().skip(1).map(|&word| word.to_owned()).collect())
        .collect();
    let words: Vec<&str> = new.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err(ConfigError::Plain("Wrong number of arguments in buffer limit configuration."));
    }
    for group in words.chunks(4) {
        let class = group[0].to_ascii_lowercase();
        let class = if class == "replica" { "slave" } else { class.as_str() };
        let place = CLIENT_CLASSES.iter().position(|known| *known == class);
        let place = place.ok_or(ConfigError::Plain(
            "Invalid client class specified in buffer limit configuration.",
        ))?;
        let limit = limit(group).ok_or(ConfigError::Plain(
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ))?;
        if let Some(kept) = limits.get_mut(place) {
            *kept = limit;
        }
    }
    let shown = CLIENT_CLASSES.iter().zip(&limits);
    Ok(shown
        .map(|(class, limit)| format!("{class} {}", limit.join(" ")))
        .collect::<Vec<_>>()
        .join(" "))
}

fn limit(group: &[&str]) -> Option<Vec<String>> {
    let bytes = |word: &str| parse_bytes(word).filter(|&bytes| bytes >= 0);
    let (hard, soft) = (bytes(group.get(1)?)?, bytes(group.get(2)?)?);
    let seconds: u32 = group.get(3)?.parse().ok()?;
    Some(vec![hard.to_string(), soft.to_string(), seconds.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_kept_in_their_order() {
        for (given, kept) in [
            ("KEA", "AKE"),
            ("Kxg", "gxK"),
            ("", ""),
            ("g$lshzxetdE", "AE"),
            ("mEn", "nEm"),
            ("KAn", "AnK"),
        ] {
            assert_eq!(event_classes("", given).as_deref(), Ok(kept), "{given}");
        }
        assert!(event_classes("", "Kq").is_err());
    }

    #[test]
    fn names_that_no_log_can_have_are_refused() {
        let long = "x".repeat(200);
        for good in ["appendonly.aof", "my log", "a\"b", "attempt-1", &long] {
            assert_eq!(log_name("", good).as_deref(), Ok(good));
        }
        for wrong in ["", "a/b", "temp-x", "a\0b", &format!("{long}x")] {
            assert!(log_name("", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_merged() {
        let old = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        let new = output_buffer_limits(old, "normal 1mb 2kb 3 replica 1 2 3");
        assert_eq!(
            new.as_deref(),
            Ok("normal 1048576 2048 3 slave 1 2 3 pubsub 33554432 8388608 60")
        );
        for wrong in ["", "normal 0 0", "nobody 0 0 0", "normal x 0 0", "normal 0 0 -1"] {
            assert!(output_buffer_limits(old, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn save_points_are_pairs() {
        for (given, kept) in [("900 1  300 10", Some("900 1 300 10")), ("\"\"", Some(""))] {
            assert_eq!(save_points("", given).ok().as_deref(), kept, "{given}");
        }
        for wrong in ["900", "0 1", "x 1", "900 -1"] {
            assert!(save_points("", wrong).is_err(), "{wrong}");
        }
    }
}
