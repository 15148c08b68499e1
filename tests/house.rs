//! The arrows between the rooms, as a test: who may import whom, and what the pure rooms may not
//! touch. Text scanning is naive, so what it cannot read is forbidden: `use crate::{…}` groups,
//! `crate::*` and `super::super`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Each room, and the rooms that it may import.
const ARROWS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("secret", &[]),
    ("crypto", &[]),
    ("runtime", &[]),
    ("emulator", &[]),
    ("http_client", &["time"]),
    ("policy", &["time"]),
    ("receipt", &["crypto", "policy", "secret", "time"]),
    ("completion", &["crypto", "http_client", "receipt", "secret", "time"]),
    ("signature", &["crypto", "secret", "time"]),
    ("credentials", &["crypto", "http_client", "secret", "time"]),
    ("identity", &["crypto", "http_client", "secret", "time"]),
    ("grant", &["credentials", "identity", "policy", "receipt", "secret", "signature", "time"]),
    (
        "settings",
        &[
            "completion",
            "credentials",
            "http_client",
            "identity",
            "policy",
            "receipt",
            "runtime",
            "secret",
            "time",
        ],
    ),
    (
        "app",
        &["completion", "credentials", "http_client", "identity", "policy", "settings", "time"],
    ),
    (
        "routes",
        &[
            "app",
            "completion",
            "credentials",
            "grant",
            "identity",
            "policy",
            "receipt",
            "runtime",
            "secret",
            "settings",
            "signature",
            "time",
        ],
    ),
    (
        "tool",
        &[
            "app",
            "completion",
            "credentials",
            "emulator",
            "grant",
            "http_client",
            "identity",
            "policy",
            "receipt",
            "routes",
            "runtime",
            "secret",
            "settings",
            "signature",
            "time",
        ],
    ),
];

/// Rooms whose clock, keys and randomness are arguments, and what would betray that they are not.
const PURE: &[&str] = &[
    "policy",
    "signature",
    "grant",
    "crypto",
    "secret",
    "receipt",
    "routes/dialect",
    "credentials/sts/endpoint",
    "credentials/sts/message",
    "credentials/sts/query",
    "credentials/sts/refusal",
    "credentials/sts/reply",
    "credentials/sts/role",
];
const IMPURE: &[&str] = &[
    "async ", ".await", "tokio", "hyper::", "reqwest", "std::env", "std::fs", "std::net", "now()",
];

/// What stands in one place only, and where.
const ONCE: &[(&str, &str)] = &[
    ("env::vars_os(", "settings/environment.rs"),
    ("env::var(", "settings/environment.rs"),
    ("now_utc(", "time.rs"),
    ("SystemTime::now", "time.rs"),
    ("getrandom::fill", "app.rs"),
];

/// The runtime imports nothing, so its log has a clock of its own; nothing is decided by it.
const LOG: &str = "runtime/log/lines.rs";

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The code without its tests, without comments.
fn production(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

#[test]
fn rooms_import_only_what_the_plan_draws() {
    for (file, text) in
        sources().iter().filter(|(file, _)| !matches!(file.as_str(), "lib.rs" | "main.rs"))
    {
        let code = production(text);
        for unreadable in ["crate::{", "crate::*", "super::super"] {
            assert!(!code.contains(unreadable), "{file}: {unreadable} cannot be read by this test");
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room(file)) else {
            assert_eq!(room(file), "bin", "{file} is in no room of the plan");
            continue;
        };
        for import in code.split("crate::").skip(1) {
            let target = import.split([':', ';', ' ', ')', ',']).next().unwrap_or_default();
            let own = target == room(file);
            assert!(
                own || allowed.contains(&target),
                "{file} imports {target}, which the plan does not draw"
            );
        }
    }
}

#[test]
fn the_arrows_have_no_cycle() {
    let mut standing: BTreeSet<&str> = BTreeSet::new();
    while standing.len() < ARROWS.len() {
        let next = ARROWS.iter().find(|(name, needs)| {
            !standing.contains(name) && needs.iter().all(|need| standing.contains(need))
        });
        let (name, _) =
            next.unwrap_or_else(|| panic!("a cycle among the rooms beside {standing:?}"));
        standing.insert(name);
    }
}

#[test]
fn pure_rooms_stay_pure() {
    for (file, text) in sources() {
        if PURE
            .iter()
            .any(|pure| file.starts_with(pure) && file[pure.len()..].starts_with(['/', '.']))
        {
            let code = production(&text);
            for impure in IMPURE {
                assert!(!code.contains(impure), "{file}: {impure}");
            }
        }
    }
}

#[test]
fn environment_clock_and_dice_are_each_read_in_one_place() {
    for (file, text) in sources() {
        for (what, place) in ONCE {
            assert!(
                file == *place
                    || (file == LOG && *what == "now_utc(")
                    || !production(&text).contains(what),
                "{file}: {what} belongs to {place}"
            );
        }
    }
}

#[test]
fn every_file_has_a_door_plate() {
    for (file, text) in sources() {
        assert!(text.starts_with("//!"), "{file} does not say what it is for");
    }
}

#[test]
fn no_file_outgrows_its_name() {
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.ends_with("/tests.rs")) {
        let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(lines <= 300, "{file} has {lines} lines without its tests");
    }
}
