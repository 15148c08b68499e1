//! What is started: which file, of which kind, and whether the platform could start it.

use std::fmt;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use object::LittleEndian;
use object::elf::EM_X86_64;
use object::elf::FileHeader64;
use object::read::elf::FileHeader;
use object::read::elf::ProgramHeader;

/// Where the platform puts the code.
const CODE: &str = "/code/";

/// As much of a program as is looked at: its head, or a script as a whole.
const MAX_HEAD: u64 = 64 * 1024;

/// What a start command starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, as the command has it.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its mode bits, if it lies in the package.
    pub mode: Option<u32>,
}

/// Tells programs apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A script, and what runs it.
    Script(String),
    /// A binary that needs nothing of the system.
    Static,
    /// A binary that needs this loader, and libraries.
    Dynamic(String),
    /// A program of the runtime's image.
    Installed,
}

/// Gives the command that starts a function, with `/code/` turned into the folder of the code; an
/// empty command is `bootstrap`.
///
/// A folder of this machine has to do as `/code`: to put it there would take a root of its own, which
/// an ordinary user cannot have. A function that is told its folder by `FC_FUNC_CODE_PATH`, by its
/// working directory or by where its binary lies sees no difference; one that has `/code` written
/// into it does.
#[must_use]
pub fn start_command(command: &[String], code: &Path) -> Vec<String> {
    let place = |word: &String| match word.strip_prefix(CODE) {
        Some(rest) => code.join(rest).display().to_string(),
        None => word.clone(),
    };
    if command.is_empty() {
        return vec![code.join("bootstrap").display().to_string()];
    }
    command.iter().map(place).collect()
}

impl Program {
    /// Looks at what a command, as [`start_command`] gives it, starts.
    ///
    /// # Errors
    ///
    /// If the platform could not start it.
    pub fn inspect(command: &[String], code: &Path) -> Result<Self, Defect> {
        let first = command.first().map(String::as_str).unwrap_or_default();
        let path = code.join(first);
        let name = first.strip_prefix(&format!("{}/", code.display())).unwrap_or(first).to_owned();
        if !path.starts_with(code) || (!first.contains('/') && !path.exists()) {
            return Ok(Self { name, kind: Kind::Installed, mode: None });
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => return Err(Defect::Missing { inside: folder_with(&name, code), name }),
        };
        let mode = mode(&metadata) & 0o777;
        if mode & 0o111 == 0 {
            return Err(Defect::NotExecutable { name, mode });
        }
        let head = read_head(&path)
            .map_err(|error| Defect::Unreadable { name: name.clone(), error: error.to_string() })?;
        let kind = kind(&head).map_err(|fault| fault.of(name.clone()))?;
        Ok(Self { name, kind, mode: Some(mode) })
    }
}

/// Whoever zips a folder instead of what is in it has the program one level too deep.
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

/// A defect that has no name yet.
enum Fault {
    CarriageReturns,
    NoFormat,
    Machine(u16),
}

impl Fault {
    fn of(self, name: String) -> Defect {
        match self {
            Self::CarriageReturns => Defect::CarriageReturns { name },
            Self::NoFormat => Defect::NoFormat { name },
            Self::Machine(machine) => Defect::Machine { name, machine },
        }
    }
}

fn kind(head: &[u8]) -> Result<Kind, Fault> {
    if head.starts_with(b"\x7fELF") {
        return elf(head);
    }
    let Some(script) = head.strip_prefix(b"#!") else {
        return Err(Fault::NoFormat);
    };
    let line = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let interpreter = String::from_utf8_lossy(line).trim().to_owned();
    // In the first line it belongs to the interpreter's name; further down a shell trips over it.
    let trips = interpreter.ends_with("sh") && script.windows(2).any(|pair| pair == b"\r\n");
    if line.ends_with(b"\r") || trips {
        return Err(Fault::CarriageReturns);
    }
    Ok(Kind::Script(interpreter))
}

/// Reads of an ELF file which machine it is for and whether it names a loader.
fn elf(head: &[u8]) -> Result<Kind, Fault> {
    let machine = head.get(18..20).and_then(|bytes| bytes.try_into().ok());
    let machine = u16::from_le_bytes(machine.ok_or(Fault::NoFormat)?);
    if machine != EM_X86_64.0 {
        return Err(Fault::Machine(machine));
    }
    let header = FileHeader64::<LittleEndian>::parse(head).map_err(|_| Fault::NoFormat)?;
    let entries = header.program_headers(LittleEndian, head).map_err(|_| Fault::NoFormat)?;
    for entry in entries {
        if let Some(loader) = entry.interpreter(LittleEndian, head).map_err(|_| Fault::NoFormat)? {
            return Ok(Kind::Dynamic(String::from_utf8_lossy(loader).into_owned()));
        }
    }
    Ok(Kind::Static)
}

#[cfg(unix)]
pub(super) fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

/// Elsewhere there are no such bits.
#[cfg(not(unix))]
pub(super) fn mode(_metadata: &Metadata) -> u32 {
    0o755
}

/// Says why the platform could not start a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// There is no such file; perhaps one folder further down.
    Missing {
        /// Its name.
        name: String,
        /// The folder that does have it.
        inside: Option<PathBuf>,
    },
    /// Its mode bits let nobody run it.
    NotExecutable {
        /// Its name.
        name: String,
        /// Its mode.
        mode: u32,
    },
    /// It cannot be read.
    Unreadable {
        /// Its name.
        name: String,
        /// What the system says.
        error: String,
    },
    /// It is a script with the line ends of Windows.
    CarriageReturns {
        /// Its name.
        name: String,
    },
    /// It is neither a binary nor a script that says what runs it.
    NoFormat {
        /// Its name.
        name: String,
    },
    /// It is a binary for another machine.
    Machine {
        /// Its name.
        name: String,
        /// The machine's number in the file.
        machine: u16,
    },
}

impl fmt::Display for Defect {
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
            Self::NoFormat { name } => write!(
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

impl std::error::Error for Defect {}

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

    fn kind_of(content: &[u8], mode: u32) -> Result<Kind, String> {
        let code = TempDir::new().unwrap();
        let path = code.path().join("bootstrap");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let command = start_command(&[], code.path());
        let program =
            Program::inspect(&command, code.path()).map_err(|defect| defect.to_string())?;
        assert_eq!((program.name.as_str(), program.mode), ("bootstrap", Some(mode)));
        Ok(program.kind)
    }

    #[test]
    fn a_program_that_starts_is_told_by_its_kind() {
        let script = kind_of(b"#!/usr/bin/env python3\nprint()\n", 0o755);
        assert_eq!(script, Ok(Kind::Script("/usr/bin/env python3".to_owned())));
        assert_eq!(kind_of(&binary(62, None), 0o700), Ok(Kind::Static));
        let loader = "/lib64/ld-linux-x86-64.so.2";
        let dynamic = kind_of(&binary(62, Some(loader)), 0o755);
        assert_eq!(dynamic, Ok(Kind::Dynamic(loader.to_owned())));
    }

    #[test]
    fn a_program_that_cannot_start_is_told_why() {
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
    fn a_program_is_looked_for_where_the_command_says() {
        let code = TempDir::new().unwrap();
        let inspect = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
            Program::inspect(&start_command(&command, code.path()), code.path())
        };
        let missing = inspect(&["/code/server"]).unwrap_err();
        assert_eq!(missing, Defect::Missing { name: "server".to_owned(), inside: None });
        fs::create_dir(code.path().join("inner")).unwrap();
        fs::write(code.path().join("inner/bootstrap"), "").unwrap();
        let said = inspect(&[]).unwrap_err().to_string();
        assert!(
            said.starts_with("bootstrap is not at the top of the package but in inner"),
            "{said}"
        );
        let installed = inspect(&["python3", "/code/server.py"]).unwrap();
        assert_eq!((installed.name.as_str(), installed.kind), ("python3", Kind::Installed));
    }
}
