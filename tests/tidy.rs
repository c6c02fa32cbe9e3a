//! The rules of the house, checked on the source itself: who may import whom, how long a file may
//! be, and whether every command occurs in the server tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails stops there")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where line ends may be written: the wire, the log's marks and the text of INFO.
const LINE_ENDS: &[&str] = &["resp", "server", "aof/mark.rs", "command/admin/info"];
/// Longest source file, its unit tests included.
const FILE_LINES_MAX: usize = 450;
/// Longest line.
const LINE_CHARS_MAX: usize = 100;

/// Modules by layer, with the modules they may import (`crate::x`); see ARCHITECTURE.md.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("glob", &[]),
    ("hash", &[]),
    ("message", &[]),
    ("number", &[]),
    ("long_double", &["number"]),
    ("random", &[]),
    ("slot", &["hash"]),
    ("error", &[]),
    ("fault", &["error"]),
    ("resp", &["number"]),
    ("config", &["error", "number", "resp", "clock", "glob"]),
    ("acl", &["glob", "resp"]),
    ("effects", &["resp"]),
    ("types", &["clock", "hash", "number", "random"]),
    ("store", &["clock", "effects", "glob", "hash", "message", "number", "types"]),
    ("rdb", &["aof", "error", "fault", "hash", "number", "resp", "types"]),
    (
        "aof",
        &[
            "clock", "config", "effects", "error", "fault", "number", "rdb", "resp", "store",
            "types",
        ],
    ),
    ("client", &["acl", "clock", "config", "message", "number", "observe", "resp"]),
    ("observe", &["clock", "number", "random", "resp"]),
    ("pubsub", &["client", "glob", "message", "resp"]),
    ("tls", &["config", "error"]),
    ("tracking", &["client", "resp", "store"]),
    ("script", &["clock", "hash", "number", "resp"]),
    (
        "command",
        &[
            "acl",
            "aof",
            "client",
            "clock",
            "config",
            "effects",
            "error",
            "glob",
            "hash",
            "long_double",
            "message",
            "number",
            "observe",
            "pubsub",
            "random",
            "rdb",
            "resp",
            "script",
            "slot",
            "store",
            "tls",
            "tracking",
            "types",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The top module of a source file: `types` for `src/types/list.rs`, `glob` for `src/glob.rs`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The names behind `crate::` in a line.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// Fails with all that was found, one a line.
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn modules_import_only_layers_below() {
    let mut found = Vec::new();
    let rules: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    for path in sources(&root("src")) {
        let module = module_of(&path);
        let Some(allowed) = rules.get(module.as_str()) else { continue };
        for line in fs::read_to_string(&path).unwrap().lines() {
            if line.trim_start().starts_with("//") || line.contains("pub(in crate::") {
                continue;
            }
            for import in imports(line) {
                if import != module && !allowed.contains(&import) {
                    found.push(format!("{}: must not import {import}", path.display()));
                }
            }
        }
    }
    assert_none(&found);
}

#[test]
fn only_the_server_names_tokio() {
    for path in sources(&root("src")) {
        let code = fs::read_to_string(&path).unwrap();
        let names =
            code.lines().any(|l| !l.trim_start().starts_with("//") && l.contains("tokio::"));
        assert!(!names || module_of(&path) == "server", "{} names tokio", path.display());
    }
}

#[test]
fn only_resp_writes_line_ends() {
    let mut found = Vec::new();
    for path in sources(&root("src")) {
        let inside = path.strip_prefix(root("src")).unwrap();
        let allowed = LINE_ENDS.iter().any(|place| inside.starts_with(place));
        if allowed || path.ends_with("tests.rs") {
            continue;
        }
        let code = fs::read_to_string(&path).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let line = line.trim_start();
            if !line.starts_with("//") && line.contains("\\r\\n") {
                found.push(format!("{}:{}: CRLF", path.display(), number + 1));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn files_and_lines_are_short() {
    let mut found = Vec::new();
    for path in sources(&root("src")).into_iter().chain(sources(&root("tests"))) {
        let code = fs::read_to_string(&path).unwrap();
        let lines = code.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(format!("{} has {lines} lines", path.display()));
        }
        for (number, line) in code.lines().enumerate() {
            let chars = line.chars().count();
            if chars > LINE_CHARS_MAX && !line.contains("http") && !line.contains('"') {
                found.push(format!("{}:{} has {chars} characters", path.display(), number + 1));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn every_command_occurs_in_the_server_tests() {
    let mut found = Vec::new();
    let tests: String =
        sources(&root("tests")).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let tests = tests.to_uppercase();
    let words: std::collections::HashSet<&str> =
        tests.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').collect();
    for path in sources(&root("src/command")) {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some(rest) = line.trim_start().strip_prefix("name: \"") else { continue };
            let name = rest.trim_end_matches("\",").to_uppercase();
            if !words.contains(name.as_str()) {
                found.push(format!("{name} does not occur in tests/"));
            }
        }
    }
    assert_none(&found);
}
