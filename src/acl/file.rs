//! The file of users (`aclfile`): a line `user name rules` for each, and nothing else.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::accounts::{DEFAULT, NewUser};
use super::rule::{RulesError, has_spaces, merge_selectors};
use super::{Basis, Rights, RuleError};

/// The users of a file, or all that is wrong with it in one line.
pub(crate) fn read(basis: Basis<'_>, path: &Path) -> Result<Vec<NewUser>, String> {
    let text = std::fs::read(path).map_err(|error| {
        format!("Error loading ACLs, opening file '{}': {error}", path.display())
    })?;
    parse(basis, &text, &path.display().to_string())
}

/// As [`read`], given the content and the name of the file.
fn parse(basis: Basis<'_>, text: &[u8], file: &str) -> Result<Vec<NewUser>, String> {
    let mut users: Vec<NewUser> = Vec::new();
    let mut errors = String::new();
    for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let place = format!("{file}:{}", number + 1);
        match parse_line(basis, line, &place) {
            Ok((name, _)) if users.iter().any(|(known, _)| *known == name) => {
                let name = String::from_utf8_lossy(&name);
                let line = number + 1;
                let line_error = format!("WARNING: Duplicate user '{name}' found on line {line}. ");
                errors += &line_error;
            }
            Ok(user) => users.push(user),
            Err(error) => errors += &error,
        }
    }
    if errors.is_empty() {
        return Ok(users);
    }
    errors += "WARNING: ACL errors detected, no change to the previously active ACL rules was \
               performed";
    Err(errors)
}

fn parse_line(basis: Basis<'_>, line: &[u8], place: &str) -> Result<NewUser, String> {
    let mut words = line.split(|&byte| byte == b' ').map(<[u8]>::trim_ascii);
    let keyword = words.next();
    let name = match words.next() {
        Some(name) if keyword == Some(b"user") => name,
        _ => {
            return Err(format!(
                "{place} should start with user keyword followed by the username. "
            ));
        }
    };
    if has_spaces(name) {
        let name = String::from_utf8_lossy(name);
        return Err(format!("'{place}: username '{name}' contains invalid characters. "));
    }
    let rules = merge_selectors(words)
        .map_err(|_| format!("{place}: Unmatched parenthesis in selector definition."))?;
    let mut rights = Rights::new(basis);
    let (mut errors, mut told) = (String::new(), false);
    for rule in rules {
        match rights.apply(basis, &rule) {
            Ok(()) => {}
            // A name is no secret; what else is wrong may be a password.
            Err(error @ RuleError::Unknown) => {
                let rule = String::from_utf8_lossy(&rule);
                let line_error =
                    format!("{place}: Error in applying operation '{rule}': {error}. ");
                errors += &line_error;
            }
            Err(_) if told => {}
            Err(error) => {
                let line_error = format!("{place}: {error}. ");
                errors += &line_error;
                told = true;
            }
        }
    }
    if errors.is_empty() { Ok((name.into(), rights)) } else { Err(errors) }
}

/// Writes a file of these lines, all or nothing.
pub(crate) fn write(path: &Path, lines: &[Vec<u8>]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!("{name}.tmp-{}", std::process::id()));
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&temporary)?;
        if let Ok(metadata) = std::fs::metadata(path) {
            file.set_permissions(metadata.permissions())?;
        }
        for line in lines {
            file.write_all(line)?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        drop(std::fs::remove_file(&temporary));
    }
    written
}

/// The users that lines of a configuration file declare, each with the place of its line for
/// errors. The user `default` starts from nothing, as all do.
pub(crate) fn declared<'a>(
    basis: Basis<'_>,
    lines: impl Iterator<Item = (&'a str, &'a [Vec<u8>])>,
) -> Result<Vec<NewUser>, String> {
    let mut users = Vec::new();
    for (place, words) in lines {
        let Some((name, rules)) = words.split_first() else {
            return Err(format!("{place}: a user needs a name"));
        };
        if has_spaces(name) {
            return Err(format!("{place}: Spaces not allowed in ACL usernames"));
        }
        let rules = rules.iter().map(Vec::as_slice);
        let rights = Rights::new(basis).apply_all(basis, rules).map_err(|error| {
            let shown = String::from_utf8_lossy(name);
            match error {
                RulesError::Rule(rule, error) => {
                    let rule = without_secret(&rule);
                    format!("{place}: Error in user declaration '{shown}', rule '{rule}': {error}")
                }
                error @ RulesError::Unmatched(_) => format!("{place}: {error}"),
            }
        })?;
        if !rights.is_on() && **name != *DEFAULT {
            let user = String::from_utf8_lossy(name);
            tracing::info!(%user, "this user is off: there is no rule 'on' in its declaration");
        }
        users.push((name.clone().into(), rights));
    }
    Ok(users)
}

/// A rule for people, a password left out.
fn without_secret(rule: &[u8]) -> String {
    match rule {
        [sign @ (b'>' | b'<' | b'#' | b'!'), ..] => format!("{}...", char::from(*sign)),
        rule => String::from_utf8_lossy(rule).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::basis;
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told() {
        for (text, expected) in [
            ("", ""),
            ("\n user a on +get  ~x \n\nuser b (+set ~y) on\n", ""),
            ("# note", "f:1 should start with user keyword followed by the username. "),
            ("user", "f:1 should start with user keyword followed by the username. "),
            (
                "user a +nope +neither",
                "f:1: Error in applying operation '+nope': Unknown command \
                or category name in ACL. f:1: Error in applying operation '+neither': Unknown \
                command or category name in ACL. ",
            ),
            (
                "user a <secret nonsense",
                "f:1: The password you are trying to remove from the user \
                does not exist. ",
            ),
            ("user a\nuser a", "WARNING: Duplicate user 'a' found on line 2. "),
            ("user a (+get", "f:1: Unmatched parenthesis in selector definition."),
        ] {
            let found = parse(basis(), text.as_bytes(), "f").map(drop);
            let error = found.err().unwrap_or_default();
            let told = error.split("WARNING: ACL errors").next().unwrap_or_default();
            assert_eq!(told, expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users.acl");
        let lines = [b"user a on >x ~k (+get %R~y)".to_vec(), b"user b".to_vec()];
        write(&path, &lines).expect("written");
        let users = read(basis(), &path).expect("no errors");
        let names: Vec<_> = users.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, [b"a", b"b"]);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(read(basis(), &folder.path().join("none")).is_err());
    }
}
