//! Glob patterns of KEYS, SCAN, CONFIG GET and pub/sub: `*`, `?`, `[a-z]`, `[^a]`, `\x`.

/// Does the whole `text` match `pattern`?
///
/// Runs in `O(pattern * text)` at worst: on a mismatch only the latest `*` takes one more byte.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    run(pattern, text, |a, b| a == b)
}

/// As [`matches`], but upper and lower case of ASCII letters are alike.
pub(crate) fn matches_ignore_case(pattern: &[u8], text: &[u8]) -> bool {
    run(pattern, text, |a, b| a.eq_ignore_ascii_case(&b))
}

fn run(pattern: &[u8], text: &[u8], same: fn(u8, u8) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
        } else if let Some(next) = step(&pattern[p..], text[t], same) {
            p += next;
            t += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Matches one byte against the head of `pattern`; returns how many pattern bytes that took.
fn step(pattern: &[u8], byte: u8, same: fn(u8, u8) -> bool) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => {
            let (hit, used) = class_matches(class, byte, same);
            hit.then_some(used + 1)
        }
        [b'\\', literal, ..] => same(*literal, byte).then_some(2),
        [literal, ..] => same(*literal, byte).then_some(1),
    }
}

/// Matches the inside of `[...]`; returns whether it hit and how many bytes it spans.
fn class_matches(class: &[u8], byte: u8, same: fn(u8, u8) -> bool) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut hit = false;
    loop {
        match &class[at..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', literal, ..] => {
                hit |= same(*literal, byte);
                at += 2;
            }
            [low, b'-', high, ..] => {
                let (low, high) = (*low.min(high), *low.max(high));
                let folded = [byte, byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
                let choices = if same(b'a', b'A') { &folded[..] } else { &folded[..1] };
                hit |= choices.iter().any(|b| (low..=high).contains(b));
                at += 3;
            }
            [literal, ..] => {
                hit |= same(*literal, byte);
                at += 1;
            }
        }
    }
    (hit != negated, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("h?llo", "hello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h\\?llo", "h?llo", true),
            ("h\\?llo", "hello", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("", "", true),
            ("[ab", "a", true),
            ("key:*", "key", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_stay_quick() {
        let pattern = b"a*a*a*a*a*a*a*a*a*a*a*a*b";
        assert!(!matches(pattern, &[b'a'; 5000]));
    }
}
