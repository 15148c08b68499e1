//! The ELF files of a package: for which machine they are, and what they need of the system.
//!
//! The custom runtimes are four generations of Debian for x86-64. A binary that needs nothing of the
//! system runs on all of them.

use std::fmt;

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn, ElfFile64, FileHeader, ProgramHeader};
use object::read::{NameOrOrdinal, Object};

type Header = FileHeader64<Endianness>;

/// The reason why a binary does not run on every custom runtime.
#[derive(Debug, PartialEq, Eq)]
pub enum IncompatibleBinary {
    /// It does not begin as ELF files do.
    NotElf,
    /// It is truncated or contradicts itself, as the text says.
    Malformed(String),
    /// It is for another machine; the number is `e_machine` of the file.
    OtherMachine(u16),
    /// It is an object file or a library, not a program.
    NotExecutable,
    /// It needs these shared libraries.
    SharedLibraries(Vec<String>),
    /// It needs this loader of the system.
    Interpreter(String),
    /// It uses this symbol without defining it.
    UndefinedSymbol(String),
}

impl fmt::Display for IncompatibleBinary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => formatter.write_str("is no ELF file, so no binary for Linux"),
            Self::Malformed(what) => write!(formatter, "is a broken ELF file ({what})"),
            Self::OtherMachine(_) => {
                formatter.write_str("is not for x86-64, as all the runtimes are")
            }
            Self::NotExecutable => formatter.write_str("is no program, but a part of one"),
            Self::SharedLibraries(libraries) => write!(
                formatter,
                "is not static: it needs {} of the system, and the runtimes differ in it",
                libraries.join(", ")
            ),
            Self::Interpreter(path) => {
                write!(formatter, "is not static: {path} would have to load it")
            }
            Self::UndefinedSymbol(symbol) => {
                write!(formatter, "is not static: it takes {symbol} from outside")
            }
        }
    }
}

impl std::error::Error for IncompatibleBinary {}

/// Checks that a binary is a static program for x86-64.
///
/// # Errors
///
/// If it is not, and therefore does not run on every custom runtime.
pub fn require_static(binary: &[u8]) -> Result<(), IncompatibleBinary> {
    let header = header(binary)?;
    let file = ElfFile64::<Endianness>::parse(binary).map_err(malformed)?;
    let endian = file.endian();
    let is_program = matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN);
    if !is_program || header.e_entry(endian) == 0 {
        return Err(IncompatibleBinary::NotExecutable);
    }
    let libraries = shared_libraries(&file, binary)?;
    if !libraries.is_empty() {
        return Err(IncompatibleBinary::SharedLibraries(libraries));
    }
    if let Some(path) = interpreter(binary)? {
        return Err(IncompatibleBinary::Interpreter(path));
    }
    let Some(symbol) = file.imports().map_err(malformed)?.next() else {
        return Ok(());
    };
    Err(IncompatibleBinary::UndefinedSymbol(match symbol.map_err(malformed)?.name() {
        NameOrOrdinal::Name(name) => text(name),
        NameOrOrdinal::Ordinal(number) => format!("symbol {number}"),
    }))
}

/// Returns the loader that a binary for x86-64 names, or `None` if it is static. The beginning of the
/// file is enough.
pub(super) fn interpreter(binary: &[u8]) -> Result<Option<String>, IncompatibleBinary> {
    let header = header(binary)?;
    let endian = header.endian().map_err(malformed)?;
    for segment in header.program_headers(endian, binary).map_err(malformed)? {
        if let Some(path) = segment.interpreter(endian, binary).map_err(malformed)? {
            return Ok(Some(text(path)));
        }
    }
    Ok(None)
}

/// Returns the header of a binary for x86-64.
fn header(binary: &[u8]) -> Result<&Header, IncompatibleBinary> {
    if !binary.starts_with(&elf::ELFMAG) {
        return Err(IncompatibleBinary::NotElf);
    }
    let number = binary.get(18..20).and_then(|bytes| bytes.try_into().ok());
    let number = number.map_or(0, u16::from_le_bytes);
    // A file with addresses of 32 bits is well formed, but no header of 64 bits.
    if binary.get(4) == Some(&elf::ELFCLASS32.0) {
        return Err(IncompatibleBinary::OtherMachine(number));
    }
    let header = Header::parse(binary).map_err(malformed)?;
    let machine = header.e_machine(header.endian().map_err(malformed)?);
    if machine != elf::EM_X86_64 {
        return Err(IncompatibleBinary::OtherMachine(machine.0));
    }
    Ok(header)
}

/// Returns the shared libraries that the loader would look for. Their names are found by the section
/// table, which may have been stripped; that there are libraries is found by the program headers.
fn shared_libraries(
    file: &ElfFile64<'_, Endianness>,
    binary: &[u8],
) -> Result<Vec<String>, IncompatibleBinary> {
    let mut names = Vec::new();
    for library in file.import_libraries().map_err(malformed)? {
        names.push(text(library.map_err(malformed)?.name()));
    }
    let endian = file.endian();
    for segment in file.elf_program_headers() {
        let entries = segment.dynamic(endian, binary).map_err(malformed)?.unwrap_or_default();
        let needs_libraries = entries
            .iter()
            .take_while(|entry| entry.tag(endian) != elf::DT_NULL)
            .any(|entry| entry.tag(endian) == elf::DT_NEEDED);
        if needs_libraries && names.is_empty() {
            names.push("libraries".to_owned());
        }
    }
    Ok(names)
}

/// Names come from the file, so control characters in them are escaped.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).escape_debug().to_string()
}

fn malformed(error: object::read::Error) -> IncompatibleBinary {
    IncompatibleBinary::Malformed(error.to_string())
}
