//! Escapes in string literals: Lua 5.1 takes `"\d"` as `"d"`, the interpreter refuses it. A source
//! that was refused for that is rewritten and tried again.

/// What may stand behind a backslash.
const KNOWN: &[u8] = b"abfnrtvxzu\\\"'\n\r0123456789";

/// The source without backslashes in front of characters that need none.
pub(super) fn relaxed(source: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        let end = match byte {
            b'"' | b'\'' => {
                at = copy_string(source, at, &mut out);
                continue;
            }
            b'-' if source[at..].starts_with(b"--") => comment_end(source, at),
            b'[' => long_end(source, at).unwrap_or(at + 1),
            _ => at + 1,
        };
        out.extend_from_slice(&source[at..end]);
        at = end;
    }
    out
}

/// Copies the string literal at `start`; returns where it ends.
fn copy_string(source: &[u8], start: usize, out: &mut Vec<u8>) -> usize {
    let quote = source[start];
    out.push(quote);
    let mut at = start + 1;
    while let Some(&byte) = source.get(at) {
        at += 1;
        if byte == b'\\' {
            let Some(&escaped) = source.get(at) else {
                out.push(byte);
                break;
            };
            at += 1;
            if KNOWN.contains(&escaped) {
                out.push(byte);
            }
            out.push(escaped);
            continue;
        }
        out.push(byte);
        if byte == quote || byte == b'\n' {
            break;
        }
    }
    at
}

fn comment_end(source: &[u8], start: usize) -> usize {
    if source.get(start + 2) == Some(&b'[')
        && let Some(end) = long_end(source, start + 2)
    {
        return end;
    }
    let line = memchr::memchr(b'\n', &source[start..]);
    line.map_or(source.len(), |len| start + len)
}

/// The end of the long bracket that opens at `start`, if one does.
fn long_end(source: &[u8], start: usize) -> Option<usize> {
    let level = source[start + 1..].iter().take_while(|&&byte| byte == b'=').count();
    if source.get(start + 1 + level) != Some(&b'[') {
        return None;
    }
    let closing = [&b"]"[..], &b"=".repeat(level), b"]"].concat();
    let body = start + level + 2;
    let len = memchr::memmem::find(&source[body..], &closing);
    Some(len.map_or(source.len(), |len| body + len + closing.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_needless_backslashes_go() {
        for (source, expected) in [
            (r#"return "\d\n\"\.""#, r#"return "d\n\".""#),
            (r"-- it's \d", r"-- it's \d"),
            (r#"[[ \d "]] .. '\:'"#, r#"[[ \d "]] .. ':'"#),
            (r"--[==[ ' \d ]==] '\-'", r"--[==[ ' \d ]==] '-'"),
            (r"a[1] = '\q", r"a[1] = 'q"),
            (r"'\", r"'\"),
        ] {
            assert_eq!(String::from_utf8_lossy(&relaxed(source.as_bytes())), expected, "{source}");
        }
    }
}
