//! Whether a binary runs on every custom runtime: for x86-64, and in need of nothing that the
//! runtimes' four generations of Debian have in different versions.

use std::fmt;

use object::elf;
use object::read::Object;
use object::read::elf::Dyn;
use object::read::elf::ElfFile64;
use object::read::elf::FileHeader;
use object::read::elf::ProgramHeader;

type Program<'data> = ElfFile64<'data>;

/// Why a binary cannot be deployed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It does not begin as ELF files do.
    NotElf,
    /// It begins like one, and then it ends early or contradicts itself.
    Broken(String),
    /// It is for another machine.
    OtherMachine,
    /// It is a part of a program.
    NotProgram,
    /// It needs libraries of the system.
    Needs(Vec<String>),
    /// It is started by the system's loader.
    Loader(String),
    /// It calls what nothing in it defines.
    Undefined(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => formatter.write_str("is no ELF file, so no binary for Linux"),
            Self::Broken(what) => write!(formatter, "is a broken ELF file ({what})"),
            Self::OtherMachine => formatter.write_str("is not for x86-64, as all the runtimes are"),
            Self::NotProgram => formatter.write_str("is no program, but a part of one"),
            Self::Needs(libraries) => write!(
                formatter,
                "is not static: it needs {} of the system, and the runtimes differ in it",
                libraries.join(", ")
            ),
            Self::Loader(path) => write!(formatter, "is not static: {path} would have to load it"),
            Self::Undefined(symbol) => {
                write!(formatter, "is not static: it takes {symbol} from outside")
            }
        }
    }
}

/// Says why a binary cannot be deployed to every custom runtime, if so.
pub(super) fn require_static(binary: &[u8]) -> Result<(), Unfit> {
    if !binary.starts_with(&elf::ELFMAG) {
        return Err(Unfit::NotElf);
    }
    // The fifth byte is the width of addresses; a reader of the other width would call it broken.
    if binary.get(4) == Some(&elf::ELFCLASS32.0) {
        return Err(Unfit::OtherMachine);
    }
    let program = Program::parse(binary).map_err(broken)?;
    require_machine(&program)?;
    let needed = libraries(&program, binary)?;
    if !needed.is_empty() {
        return Err(Unfit::Needs(needed));
    }
    if let Some(loader) = loader(&program, binary)? {
        return Err(Unfit::Loader(loader));
    }
    match program.imports().map_err(broken)?.next() {
        None => Ok(()),
        Some(symbol) => {
            let symbol = symbol.map_err(broken)?;
            Err(Unfit::Undefined(match symbol.name() {
                object::read::NameOrOrdinal::Name(name) => text(name),
                object::read::NameOrOrdinal::Ordinal(number) => format!("symbol {number}"),
            }))
        }
    }
}

fn require_machine(program: &Program<'_>) -> Result<(), Unfit> {
    let (header, endian) = (program.elf_header(), program.endian());
    if header.e_machine(endian) != elf::EM_X86_64 {
        return Err(Unfit::OtherMachine);
    }
    let starts = matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN);
    if !starts || header.e_entry(endian) == 0 {
        return Err(Unfit::NotProgram);
    }
    Ok(())
}

/// The libraries that the loader would look for. Their names stand where the sections say, which may
/// have been stripped; that there are some stands where the loader looks.
fn libraries(program: &Program<'_>, binary: &[u8]) -> Result<Vec<String>, Unfit> {
    let mut named = Vec::new();
    for library in program.import_libraries().map_err(broken)? {
        named.push(text(library.map_err(broken)?.name()));
    }
    let endian = program.endian();
    for segment in program.elf_program_headers() {
        let entries = segment.dynamic(endian, binary).map_err(broken)?.unwrap_or_default();
        let needs = entries
            .iter()
            .take_while(|entry| entry.tag(endian) != elf::DT_NULL)
            .any(|entry| entry.tag(endian) == elf::DT_NEEDED);
        if needs && named.is_empty() {
            named.push("libraries".to_owned());
        }
    }
    Ok(named)
}

fn loader(program: &Program<'_>, binary: &[u8]) -> Result<Option<String>, Unfit> {
    for segment in program.elf_program_headers() {
        if let Some(path) = segment.interpreter(program.endian(), binary).map_err(broken)? {
            return Ok(Some(text(path)));
        }
    }
    Ok(None)
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).escape_debug().to_string()
}

fn broken(error: object::read::Error) -> Unfit {
    Unfit::Broken(error.to_string())
}
