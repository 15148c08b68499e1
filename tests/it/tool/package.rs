//! `package`: binaries that are refused; complete packages that can be started and are always the same.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::tool::{Outcome, Tool};
use crate::support::{PROJECT, function_binary};

/// The parts of a small ELF file for x86-64. By default it is a static program.
#[derive(Default)]
struct Elf {
    machine: Option<u16>,
    kind: Option<u16>,
    /// Segments that a static program does not have.
    segments: &'static [u32],
    undefined: bool,
    without_sections: bool,
}

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;

const NAMES: &[u8] = b"\0libgone.so.7\0vanish\0";
const LOADER: &[u8] = b"/lib/ld.so\0";

/// The offsets: three program headers after the header of the file, then their contents.
const DYNAMIC: u64 = 64 + 3 * 56;
const SYMBOLS: u64 = DYNAMIC + 32;
const STRINGS: u64 = SYMBOLS + 48;
const PATH: u64 = STRINGS + 24;
const SECTIONS: u64 = PATH + 16;

impl Elf {
    fn bytes(&self) -> Vec<u8> {
        let mut file = self.header();
        segment(&mut file, 1, 0, SECTIONS);
        segment(&mut file, self.kind_of(PT_DYNAMIC), DYNAMIC, 32);
        segment(&mut file, self.kind_of(PT_INTERP), PATH, LOADER.len() as u64);
        words(&mut file, &[u64::from(self.segments.contains(&PT_DYNAMIC)), 1, 0, 0]);
        // The first symbol is empty; the second has a name, and a section if it is defined.
        file.resize(file.len() + 24, 0);
        let section = u32::from(!self.undefined);
        file.extend(14_u32.to_le_bytes());
        file.extend((section << 16 | 0x12).to_le_bytes());
        words(&mut file, &[0, 0]);
        file.extend(NAMES);
        file.resize(usize::try_from(PATH).unwrap(), 0);
        file.extend(LOADER);
        file.resize(usize::try_from(SECTIONS).unwrap(), 0);
        if !self.without_sections {
            section_header(&mut file, 0, (0, 0), (0, 0));
            section_header(&mut file, 11, (SYMBOLS, 48), (2, 24));
            section_header(&mut file, 3, (STRINGS, NAMES.len() as u64), (0, 0));
            section_header(&mut file, 6, (DYNAMIC, 32), (2, 16));
        }
        file
    }

    /// Returns the kind, or that of an ignored segment.
    fn kind_of(&self, kind: u32) -> u32 {
        if self.segments.contains(&kind) { kind } else { 0 }
    }

    fn header(&self) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend(self.kind.unwrap_or(3).to_le_bytes());
        file.extend(self.machine.unwrap_or(62).to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        let sections = if self.without_sections { 0 } else { SECTIONS };
        words(&mut file, &[0x1000, 64, sections]);
        file.extend(0_u32.to_le_bytes());
        let count: [u16; 2] = if self.without_sections { [0, 0] } else { [4, 2] };
        for half in [64, 56, 3, 64, count[0], count[1]] {
            file.extend(u16::to_le_bytes(half));
        }
        file
    }
}

fn words(file: &mut Vec<u8>, words: &[u64]) {
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn segment(file: &mut Vec<u8>, kind: u32, offset: u64, size: u64) {
    file.extend(kind.to_le_bytes());
    file.extend(4_u32.to_le_bytes());
    words(file, &[offset, offset, offset, size, size, 8]);
}

fn section_header(file: &mut Vec<u8>, kind: u32, place: (u64, u64), table: (u32, u64)) {
    file.extend(0_u32.to_le_bytes());
    file.extend(kind.to_le_bytes());
    words(file, &[2, place.0, place.0, place.1]);
    file.extend(table.0.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    words(file, &[8, table.1]);
}

async fn package(tool: &Tool) -> Outcome {
    tool.run(&["package", "--binary", "function", "--out", "out"]).await
}

/// Packages a binary and returns the error.
async fn complaint(binary: &[u8]) -> String {
    let tool = Tool::new();
    tool.write("function", binary);
    let outcome = package(&tool).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{}", outcome.err);
    assert!(!tool.path("out").exists());
    outcome.err
}

/// Returns every file below a folder with its mode, in order.
fn listing(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            files.push((name, mode, fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn a_static_binary_becomes_an_application_and_a_zip() {
    let tool = Tool::new();
    tool.write("function", Elf::default().bytes());
    tool.write("upload.toml", "max_size = \"1MiB\"\n");
    let outcome = package(&tool).await;
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    insta::assert_snapshot!(outcome.out, @"
    app    out/app, for the registry of Serverless Devs
    zip    out/oss-upload-signer.zip, 624 B, for the console
    with   upload.toml of this folder
    ");
    let files: Vec<_> = listing(&tool.path("out"))
        .into_iter()
        .map(|(name, mode, _)| format!("{mode:o} {name}"))
        .collect();
    insta::assert_snapshot!(files.join("\n"), @"
    644 app/publish.yaml
    644 app/readme.md
    644 app/src/LICENSE
    755 app/src/code/bootstrap
    755 app/src/code/oss-upload-signer
    644 app/src/code/upload.toml
    644 app/src/readme.md
    644 app/src/s.yaml
    644 app/version.md
    644 oss-upload-signer.zip
    ");
    assert_eq!(
        fs::read(tool.path("out/app/src/code/oss-upload-signer")).unwrap(),
        Elf::default().bytes()
    );
    let publish = tool.read("out/app/publish.yaml");
    assert!(
        publish.contains(&format!("\nVersion: '{}'\n", env!("CARGO_PKG_VERSION"))),
        "{publish}"
    );
}

#[tokio::test]
async fn the_same_commit_gives_the_same_bytes() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let tool = Tool::new();
        tool.write("function", Elf::default().bytes());
        assert_eq!(package(&tool).await.code, 0);
        seen.push(listing(&tool.path("out")));
    }
    assert!(seen[0] == seen[1]);
}

#[tokio::test]
async fn an_application_is_replaced_completely_and_nothing_else_is() {
    let tool = Tool::new();
    tool.write("function", Elf::default().bytes());
    fs::create_dir_all(tool.path("out/app")).unwrap();
    tool.write("out/app/letters.txt", "mine");
    let outcome = package(&tool).await;
    assert_eq!(outcome.code, 2);
    insta::assert_snapshot!(outcome.err, @"oss-upload: out/app is there already and is no application; choose another folder with --out");
    assert_eq!(tool.read("out/app/letters.txt"), "mine");
    tool.write("out/app/publish.yaml", "Type: Project\n");
    assert_eq!(package(&tool).await.code, 0);
    assert!(!tool.path("out/app/letters.txt").exists());
    let left: Vec<_> = fs::read_dir(tool.path("out")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn a_binary_that_some_runtime_cannot_start_is_refused_with_the_reason() {
    let dynamic = fs::read(function_binary()).unwrap();
    let said = complaint(&dynamic).await;
    assert!(said.contains("libc.so.6") && said.contains("is not static"), "{said}");
    let mut said = String::new();
    for elf in [
        Elf { segments: &[PT_DYNAMIC], ..Elf::default() },
        Elf { segments: &[PT_DYNAMIC], without_sections: true, ..Elf::default() },
        Elf { segments: &[PT_INTERP], ..Elf::default() },
        Elf { undefined: true, ..Elf::default() },
        Elf { machine: Some(183), ..Elf::default() },
        Elf { kind: Some(1), ..Elf::default() },
    ] {
        said.push_str(&complaint(&elf.bytes()).await);
    }
    said.push_str(&complaint(b"#!/bin/sh\nexec true\n").await);
    said.push_str(&complaint(b"").await);
    said.push_str(&complaint(b"\x7fELF\x01").await);
    insta::assert_snapshot!(said, @"
    oss-upload: function is not static: it needs libgone.so.7 of the system, and the runtimes differ in it; build the function with .deploy/build
    oss-upload: function is not static: it needs libraries of the system, and the runtimes differ in it; build the function with .deploy/build
    oss-upload: function is not static: /lib/ld.so would have to load it; build the function with .deploy/build
    oss-upload: function is not static: it takes vanish from outside; build the function with .deploy/build
    oss-upload: function is not for x86-64, as all the runtimes are; build the function with .deploy/build
    oss-upload: function is no program, but a part of one; build the function with .deploy/build
    oss-upload: function is no ELF file, so no binary for Linux; build the function with .deploy/build
    oss-upload: function is no ELF file, so no binary for Linux; build the function with .deploy/build
    oss-upload: function is not for x86-64, as all the runtimes are; build the function with .deploy/build
    ");
}

#[tokio::test]
async fn a_truncated_binary_is_refused_wherever_it_ends() {
    let whole = Elf::default().bytes();
    for end in (4..whole.len()).step_by(12) {
        let said = complaint(&whole[..end]).await;
        assert!(said.contains("is a broken ELF file"), "at {end}: {said}");
    }
}

#[tokio::test]
async fn a_package_that_is_too_large_is_not_written() {
    let tool = Tool::new();
    let mut binary = Elf::default().bytes();
    // Numbers without a pattern, so that they cannot be compressed.
    let mut state = 1_u32;
    binary.extend(
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(4_100_000),
    );
    tool.write("function", &binary);
    let outcome = package(&tool).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains(" bytes zipped, over 4000000; find out"), "{}", outcome.err);
    assert!(!tool.path("out").exists());
}

#[tokio::test]
async fn without_a_binary_the_error_says_how_to_get_one() {
    let tool = Tool::new();
    let elsewhere = tool.run(&["package"]).await;
    let absent = tool.run(&["package", "--binary", "absent"]).await;
    assert_eq!((elsewhere.code, absent.code), (2, 2));
    insta::assert_snapshot!(format!("{}{}", elsewhere.err, absent.err), @"
    oss-upload: there is nothing to build in this folder; run this in the repository's, or name a function that is built already with --binary
    oss-upload: absent: No such file or directory (os error 2)
    ");
}

#[tokio::test]
async fn without_a_compiler_the_error_says_what_to_do() {
    let tool = Tool::new();
    fs::create_dir(tool.path(".deploy")).unwrap();
    fs::create_dir(tool.path("bin")).unwrap();
    for (name, program) in [("sh", "/bin/sh"), ("dirname", "/usr/bin/dirname")] {
        symlink(program, tool.path("bin").join(name)).unwrap();
    }
    let script = Path::new(PROJECT).join(".deploy/build");
    fs::copy(script, tool.path(".deploy/build")).unwrap();
    let path = tool.path("bin");
    let outcome = tool.with("PATH", path.to_str().unwrap()).run(&["package"]).await;
    assert_eq!(outcome.code, 1);
    insta::assert_snapshot!(outcome.err, @"
    .deploy/build: there is no cargo; install Rust, or package a function that is built already
    oss-upload: the function was not built, for the reason above; without Rust, name one that is built already with --binary
    ");
}
