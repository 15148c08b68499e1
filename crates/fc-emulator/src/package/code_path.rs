//! Maps `/code`, where the platform puts the code, to the directory of the code on this machine.
//!
//! An ordinary user cannot create a directory at the root, so the scripts of the unpacked copy are
//! changed instead: the path `/code` in them becomes the path of the copy. Binaries stay as they are.

use std::fs::{self, Permissions};
use std::io;
use std::path::Path;

use crate::package::program::mode;

/// The path on the platform.
const CODE: &str = "/code";

/// The largest script that is changed, in bytes.
const MAX_SCRIPT: u64 = 1024 * 1024;

/// The extensions of scripts and of the settings that they read.
const EXTENSIONS: [&str; 16] = [
    "bash", "cfg", "cjs", "conf", "env", "ini", "js", "json", "mjs", "php", "py", "rb", "sh",
    "toml", "yaml", "yml",
];

/// The deepest directory that is searched.
const MAX_DEPTH: usize = 4;

/// Changes the scripts of a directory, and returns the number of changed files.
pub(super) fn map(code: &Path) -> io::Result<usize> {
    // A dependency that names `/code` does so for another reason.
    map_directory(code, &code.display().to_string(), MAX_DEPTH)
}

fn map_directory(directory: &Path, code: &str, depth: usize) -> io::Result<usize> {
    let mut changed = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            if depth > 0 && !path.ends_with("node_modules") {
                changed += map_directory(&path, code, depth - 1)?;
            }
        } else if metadata.is_file() && metadata.len() <= MAX_SCRIPT {
            changed += usize::from(map_file(&path, code)?);
        }
    }
    Ok(changed)
}

fn map_file(path: &Path, code: &str) -> io::Result<bool> {
    let bytes = fs::read(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_script = bytes.starts_with(b"#!") || EXTENSIONS.contains(&extension);
    let Some(text) = String::from_utf8(bytes).ok().filter(|_| is_script) else {
        return Ok(false);
    };
    let mapped = mapped(&text, code);
    if mapped == text {
        return Ok(false);
    }
    let permissions = fs::metadata(path)?.permissions();
    make_writable(path, &permissions)?;
    fs::write(path, mapped)?;
    fs::set_permissions(path, permissions)?;
    Ok(true)
}

#[cfg(unix)]
fn make_writable(path: &Path, permissions: &Permissions) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = mode(&fs::metadata(path)?) | 0o200;
    if permissions.readonly() {
        fs::set_permissions(path, Permissions::from_mode(mode))
    } else {
        Ok(())
    }
}

/// Other systems have no mode bits.
#[cfg(not(unix))]
fn make_writable(path: &Path, _permissions: &Permissions) -> io::Result<()> {
    mode(&fs::metadata(path)?);
    Ok(())
}

/// Replaces the path `/code` where it is a whole path or the beginning of one.
fn mapped(text: &str, code: &str) -> String {
    let mut mapped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(CODE) {
        let (before, from) = rest.split_at(at);
        let after = &from[CODE.len()..];
        mapped.push_str(before);
        let begins = mapped.chars().next_back().is_none_or(|one| !is_of_path(one) || one == ':');
        let ends = after.chars().next().is_none_or(|one| "/:".contains(one) || !is_of_path(one));
        mapped.push_str(if begins && ends { code } else { CODE });
        rest = after;
    }
    mapped.push_str(rest);
    mapped
}

/// Returns whether a character can be a part of the path before or after.
fn is_of_path(character: char) -> bool {
    character.is_alphanumeric() || "/._-~@:}".contains(character)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_path_is_replaced_where_it_is_a_path() {
        for (text, expected) in [
            ("exec /code/server", "exec /tmp/x/server"),
            ("cd /code\n", "cd /tmp/x\n"),
            ("PATH=/code:/bin:/code/bin", "PATH=/tmp/x:/bin:/tmp/x/bin"),
            ("open('/code/a', \"/code\")", "open('/tmp/x/a', \"/tmp/x\")"),
            ("/code", "/tmp/x"),
        ] {
            assert_eq!(mapped(text, "/tmp/x"), expected);
        }
        for text in [
            "/codec",
            "/src/code/a",
            "https://a.test/code/b",
            "./code/a",
            "/code-1",
            "$HOME}/code/a",
        ] {
            assert_eq!(mapped(text, "/tmp/x"), text);
        }
    }

    #[test]
    #[cfg(unix)]
    fn scripts_are_changed_and_keep_their_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o555)).unwrap();
            path
        };
        let bootstrap = write("bootstrap", b"#!/bin/sh\nexec /code/server\n");
        let server = write("server", b"\x7fELF /code/x");
        assert_eq!(map(folder.path()).unwrap(), 1);
        let text = fs::read_to_string(&bootstrap).unwrap();
        assert_eq!(text, format!("#!/bin/sh\nexec {}/server\n", folder.path().display()));
        assert_eq!(mode(&fs::metadata(&bootstrap).unwrap()) & 0o777, 0o555);
        assert_eq!(fs::read(server).unwrap(), b"\x7fELF /code/x");
    }
}
