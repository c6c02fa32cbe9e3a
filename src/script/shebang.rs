//! The first line of a script or library: `#!lua flags=no-writes,allow-stale name=mylib`.

use crate::resp::inline::split_line;

/// What a script says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const ALLOW_CROSS_SLOT_KEYS: Self = Self(1);
    pub(crate) const ALLOW_OOM: Self = Self(2);
    pub(crate) const ALLOW_STALE: Self = Self(4);
    /// Not a flag of the line: the script has none, and is treated as scripts always were.
    pub(crate) const COMPATIBLE: Self = Self(8);
    pub(crate) const NO_CLUSTER: Self = Self(16);
    pub(crate) const NO_WRITES: Self = Self(32);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::NO_WRITES, "no-writes"),
        (Self::ALLOW_OOM, "allow-oom"),
        (Self::ALLOW_STALE, "allow-stale"),
        (Self::NO_CLUSTER, "no-cluster"),
        (Self::ALLOW_CROSS_SLOT_KEYS, "allow-cross-slot-keys"),
    ];

    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The flag of this name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let hit = Self::NAMES.iter().find(|(_, known)| known.as_bytes() == name);
        hit.map(|&(flag, _)| flag)
    }

    /// The names of the flags that are set.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(flag, _)| self.contains(*flag)).map(|&(_, name)| name)
    }
}

/// Reads the first line of a script; returns its flags and its length, the line end left out, so
/// that line numbers stay as they are.
pub(crate) fn of_script(source: &[u8]) -> Result<(Flags, usize), String> {
    if !source.starts_with(b"#!") {
        return Ok((Flags::COMPATIBLE, 0));
    }
    let len = memchr::memchr(b'\n', source).ok_or("ERR Invalid script shebang")?;
    let words = split_line(&source[..len]).filter(|words| !words.is_empty());
    let words = words.ok_or("ERR Invalid engine in script shebang")?;
    if words[0] != b"#!lua" {
        let engine = String::from_utf8_lossy(&words[0]);
        return Err(format!("ERR Unexpected engine in script shebang: {engine}"));
    }
    let mut flags = Flags::default();
    for word in &words[1..] {
        let Some(list) = word.strip_prefix(b"flags=") else {
            let option = String::from_utf8_lossy(word);
            return Err(format!("ERR Unknown lua shebang option: {option}"));
        };
        for name in list.split(|&byte| byte == b',').filter(|_| !list.is_empty()) {
            let Some(flag) = Flags::named(name) else {
                let name = String::from_utf8_lossy(name);
                return Err(format!("ERR Unexpected flag in script shebang: {name}"));
            };
            flags.add(flag);
        }
    }
    Ok((flags, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        let text = |source: &str| of_script(source.as_bytes());
        assert_eq!(text("return 1"), Ok((Flags::COMPATIBLE, 0)));
        assert_eq!(text("#!lua\nreturn 1"), Ok((Flags::default(), 5)));
        assert_eq!(text("#!lua flags=\nreturn 1"), Ok((Flags::default(), 12)));
        let (flags, _) = text("#!lua flags=no-writes,allow-oom\n").unwrap();
        assert_eq!(flags.names().collect::<Vec<_>>(), ["no-writes", "allow-oom"]);
        for (source, error) in [
            ("#!lua", "ERR Invalid script shebang"),
            ("#!not-lua\n", "ERR Unexpected engine in script shebang: #!not-lua"),
            ("#!lua badger=data\n", "ERR Unknown lua shebang option: badger=data"),
            ("#!lua flags=bad\n", "ERR Unexpected flag in script shebang: bad"),
        ] {
            assert_eq!(text(source), Err(error.to_owned()));
        }
    }
}
