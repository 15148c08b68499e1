//! The program that a start command starts: its file, its kind, and whether the platform could start it.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::package::elf::{self, IncompatibleBinary};

/// Where the platform puts the code.
const CODE: &str = "/code/";

/// How much of a program is read: the headers of a binary, or a whole script.
const MAX_HEAD: u64 = 64 * 1024;

/// The program that a start command starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name, as the command has it.
    pub name: String,
    /// The kind of program.
    pub kind: ProgramKind,
    /// The mode bits, if the program is in the package.
    pub mode: Option<u32>,
}

/// The kind of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramKind {
    /// A script, with its interpreter.
    Script(String),
    /// A binary that needs nothing of the system.
    Static,
    /// A binary that needs this loader, and shared libraries.
    Dynamic(String),
    /// A program of the runtime's image.
    Installed,
}

/// Returns the command that starts a function, with `/code/` replaced by the directory of the code. An
/// empty command is `bootstrap`.
///
/// The code stays in a directory of this machine: to have it at `/code` would take a root directory of its
/// own, which an ordinary user cannot have. A function that finds its directory by `FC_FUNC_CODE_PATH`, by
/// its working directory or by the path of its binary sees no difference. Scripts that name `/code` are
/// changed in the unpacked copy; a binary that has `/code` in its source does see a difference.
#[must_use]
pub fn start_command(command: &[String], code: &Path) -> Vec<String> {
    let replace = |word: &String| match word.strip_prefix(CODE) {
        Some(rest) => code.join(rest).display().to_string(),
        None => word.clone(),
    };
    if command.is_empty() {
        return vec![code.join("bootstrap").display().to_string()];
    }
    command.iter().map(replace).collect()
}

impl Program {
    /// Inspects the program of a command that [`start_command`] returned.
    ///
    /// # Errors
    ///
    /// If the platform could not start it.
    pub fn inspect(command: &[String], code: &Path) -> Result<Self, ProgramError> {
        let first = command.first().map(String::as_str).unwrap_or_default();
        let path = code.join(first);
        let name = first.strip_prefix(&format!("{}/", code.display())).unwrap_or(first).to_owned();
        if !path.starts_with(code) || (!first.contains('/') && !path.exists()) {
            return Ok(Self { name, kind: ProgramKind::Installed, mode: None });
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => return Err(ProgramError::Missing { inside: folder_with(&name, code), name }),
        };
        let mode = mode(&metadata) & 0o777;
        if mode & 0o111 == 0 {
            return Err(ProgramError::NotExecutable { name, mode });
        }
        let head = match read_head(&path) {
            Ok(head) => head,
            Err(error) => return Err(ProgramError::Unreadable { name, error: error.to_string() }),
        };
        let kind = kind(&name, &head)?;
        Ok(Self { name, kind, mode: Some(mode) })
    }
}

/// Finds the program one level too deep, as after zipping a folder instead of its contents.
fn folder_with(name: &str, code: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(code).ok()?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found = folders.filter(|folder| folder.join(name).is_file());
    found.next()?.file_name().map(PathBuf::from)
}

fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(MAX_HEAD).read_to_end(&mut head)?;
    Ok(head)
}

fn kind(name: &str, head: &[u8]) -> Result<ProgramKind, ProgramError> {
    let name = || name.to_owned();
    let Some(script) = head.strip_prefix(b"#!") else {
        return match elf::interpreter(head) {
            Ok(Some(loader)) => Ok(ProgramKind::Dynamic(loader)),
            Ok(None) => Ok(ProgramKind::Static),
            Err(IncompatibleBinary::OtherMachine(machine)) => {
                Err(ProgramError::Machine { name: name(), machine })
            }
            Err(_) => Err(ProgramError::UnknownFormat { name: name() }),
        };
    };
    let line = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let interpreter = String::from_utf8_lossy(line).trim().to_owned();
    // In the first line, CR becomes part of the interpreter's name. In later lines, a shell fails at it.
    let is_shell = interpreter.ends_with("sh");
    let has_later_crlf = is_shell && script.windows(2).any(|pair| pair == b"\r\n");
    if line.ends_with(b"\r") || has_later_crlf {
        return Err(ProgramError::CarriageReturns { name: name() });
    }
    Ok(ProgramKind::Script(interpreter))
}

#[cfg(unix)]
pub(super) fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

/// Other systems have no mode bits.
#[cfg(not(unix))]
pub(super) fn mode(_metadata: &Metadata) -> u32 {
    0o755
}

/// The reason why the platform could not start a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// There is no such file.
    Missing {
        /// The name, as the command has it.
        name: String,
        /// A folder that has such a file, if there is one.
        inside: Option<PathBuf>,
    },
    /// No mode bit permits execution.
    NotExecutable {
        /// The name, as the command has it.
        name: String,
        /// The mode bits.
        mode: u32,
    },
    /// The file cannot be read.
    Unreadable {
        /// The name, as the command has it.
        name: String,
        /// The error of the system.
        error: String,
    },
    /// A script with the line ends of Windows.
    CarriageReturns {
        /// The name, as the command has it.
        name: String,
    },
    /// Neither a binary nor a script with a first line that names its interpreter.
    UnknownFormat {
        /// The name, as the command has it.
        name: String,
    },
    /// A binary for another machine.
    Machine {
        /// The name, as the command has it.
        name: String,
        /// `e_machine` of the file.
        machine: u16,
    },
}

impl fmt::Display for ProgramError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, inside: None } => write!(
                formatter,
                "there is no {name} in the package; add it, or set a start command that names what starts \
                 the server"
            ),
            Self::Missing { name, inside: Some(folder) } => write!(
                formatter,
                "{name} is not at the top of the package but in {}; pack the contents of the folder, \
                 not the folder",
                folder.display()
            ),
            Self::NotExecutable { name, mode } => write!(
                formatter,
                "{name} is not executable (mode {mode:03o}), which the platform calls CAFilePermission; \
                 chmod 755 it before it is packed"
            ),
            Self::Unreadable { name, error } => {
                write!(formatter, "{name} cannot be read: {error}")
            }
            Self::CarriageReturns { name } => write!(
                formatter,
                "{name} has the line ends of Windows (CRLF), with which no script starts; save it with LF"
            ),
            Self::UnknownFormat { name } => write!(
                formatter,
                "{name} is neither a Linux binary nor a script that begins with #!; give it a first \
                 line such as #!/bin/sh"
            ),
            Self::Machine { name, machine } => write!(
                formatter,
                "{name} is a binary for another machine (ELF number {machine}); custom runtimes run \
                 x86-64 with 64 bits, so build it for x86_64-unknown-linux"
            ),
        }
    }
}

impl std::error::Error for ProgramError {}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// An ELF file of 64 bits with one entry in its table.
    fn binary(machine: u8, interpreter: Option<&str>) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[18] = machine;
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        if let Some(name) = interpreter {
            file[64] = 3;
            file[72] = 120;
            file[96] = u8::try_from(name.len() + 1).unwrap();
            file.extend_from_slice(name.as_bytes());
            file.push(0);
        }
        file
    }

    fn kind_of(content: &[u8], mode: u32) -> Result<ProgramKind, String> {
        let code = TempDir::new().unwrap();
        let path = code.path().join("bootstrap");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let command = start_command(&[], code.path());
        let program = Program::inspect(&command, code.path()).map_err(|error| error.to_string())?;
        assert_eq!((program.name.as_str(), program.mode), ("bootstrap", Some(mode)));
        Ok(program.kind)
    }

    #[test]
    fn a_program_that_can_start_has_a_kind() {
        let script = kind_of(b"#!/usr/bin/env python3\nprint()\n", 0o755);
        assert_eq!(script, Ok(ProgramKind::Script("/usr/bin/env python3".to_owned())));
        assert_eq!(kind_of(&binary(62, None), 0o700), Ok(ProgramKind::Static));
        let loader = "/lib64/ld-linux-x86-64.so.2";
        let dynamic = kind_of(&binary(62, Some(loader)), 0o755);
        assert_eq!(dynamic, Ok(ProgramKind::Dynamic(loader.to_owned())));
    }

    #[test]
    fn a_program_that_cannot_start_gives_the_reason() {
        for (content, mode, says) in [
            (&b"#!/bin/sh\n"[..], 0o644, "bootstrap is not executable (mode 644)"),
            (b"#!/bin/sh\r\nexit\r\n", 0o755, "bootstrap has the line ends of Windows"),
            (b"exec server\n", 0o755, "bootstrap is neither a Linux binary nor a script"),
            (b"", 0o755, "bootstrap is neither a Linux binary nor a script"),
            (b"\x7fELF\x02\x01", 0o755, "bootstrap is neither a Linux binary nor a script"),
            (
                &binary(183, None),
                0o755,
                "bootstrap is a binary for another machine (ELF number 183)",
            ),
        ] {
            let said = kind_of(content, mode).unwrap_err();
            assert!(said.starts_with(says), "{said}");
        }
    }

    #[test]
    fn the_command_says_where_the_program_is() {
        let code = TempDir::new().unwrap();
        let inspect = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
            Program::inspect(&start_command(&command, code.path()), code.path())
        };
        let missing = inspect(&["/code/server"]).unwrap_err();
        assert_eq!(missing, ProgramError::Missing { name: "server".to_owned(), inside: None });
        fs::create_dir(code.path().join("inner")).unwrap();
        fs::write(code.path().join("inner/bootstrap"), "").unwrap();
        let said = inspect(&[]).unwrap_err().to_string();
        assert!(
            said.starts_with("bootstrap is not at the top of the package but in inner"),
            "{said}"
        );
        let installed = inspect(&["python3", "/code/server.py"]).unwrap();
        assert_eq!((installed.name.as_str(), installed.kind), ("python3", ProgramKind::Installed));
    }
}
