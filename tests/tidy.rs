//! The rules of the house, checked on the source itself: who may import whom, how long a file may
//! be, and whether the server tests ask for every command.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails stops there")]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where line ends may be written: the wire, the log's marks and the text of INFO.
const LINE_ENDS: &[&str] = &["resp", "server", "aof/mark.rs", "command/admin/info"];
/// Longest source file, its unit tests included.
const FILE_LINES_MAX: usize = 450;
/// Longest line.
const LINE_CHARS_MAX: usize = 100;

/// Above all layers: they may import any module.
const MAY_IMPORT_ALL: &[&str] = &["engine", "lib", "main", "ping", "server"];
/// Modules by layer, with the modules they may import (`crate::x`); see ARCHITECTURE.md.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("glob", &[]),
    ("hash", &["short"]),
    ("message", &[]),
    ("number", &[]),
    ("long_double", &["number"]),
    ("prefetch", &[]),
    ("random", &[]),
    ("short", &[]),
    ("slot", &["hash"]),
    ("error", &[]),
    ("fault", &["error"]),
    ("resp", &["number"]),
    ("config", &["error", "number", "resp", "clock", "glob"]),
    ("acl", &["glob", "resp"]),
    ("effects", &["resp"]),
    ("types", &["clock", "hash", "number", "prefetch", "random"]),
    (
        "store",
        &["clock", "effects", "glob", "hash", "message", "number", "prefetch", "short", "types"],
    ),
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
            "short",
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
        let Some(allowed) = rules.get(module.as_str()) else {
            if !MAY_IMPORT_ALL.contains(&module.as_str()) {
                found.push(format!("{}: no layer is given for {module}", path.display()));
            }
            continue;
        };
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

/// Characters of the longest literal that begins in a line.
fn literal_chars(line: &str) -> usize {
    let literal = if let Some((_, raw)) = line.split_once("r#\"") {
        raw.split("\"#").next().map(str::to_owned)
    } else {
        let line = line.replace("\\\\", "..").replace("\\\"", "..");
        let literals = line.split('"').skip(1).step_by(2);
        literals.max_by_key(|literal| literal.len()).map(str::to_owned)
    };
    literal.map_or(0, |literal| literal.chars().count())
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
            // What can only be broken within a literal may stay.
            let may_stay = line.contains("http") || literal_chars(line) * 2 > chars;
            if chars > LINE_CHARS_MAX && !may_stay {
                found.push(format!("{}:{} has {chars} characters", path.display(), number + 1));
            }
        }
    }
    assert_none(&found);
}

/// The first word of all literals, and the first two: what a request of a command begins with.
fn beginnings(code: &str) -> HashSet<String> {
    // Requests stand line by line in some literals; a quote within one begins none.
    let code = code.replace("\\\"", "'").replace("\\n", "\"");
    let mut found = HashSet::new();
    for literal in code.split('"') {
        let mut words = literal.split(['\\', ' ']);
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        found.insert(first.to_owned());
        found.insert(format!("{first} {second}"));
    }
    found
}

#[test]
fn every_command_occurs_in_the_server_tests() {
    let code: String = sources(&root("tests/server"))
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    // The words of a request can be literals of their own, too.
    let joined = code.replace("\", \"", " ").replace("\").arg(\"", " ");
    let requests: HashSet<String> =
        beginnings(&code).into_iter().chain(beginnings(&joined)).collect();
    let missing = respq::engine::commands()
        .map(|(name, _)| name.to_uppercase())
        .filter(|name| !requests.contains(name))
        .map(|name| format!("no request of tests/server begins with {name}"));
    assert_none(&missing.collect::<Vec<_>>());
}
