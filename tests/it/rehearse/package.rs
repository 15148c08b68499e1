//! Packages to rehearse, laid out by the tests, and what the tool says of them.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::tool::Tool;

const FUNCTION: &str = include_str!("function.py");

/// Where a test's own lines go.
const PLACE: &str = "# What a test adds stands here.\n";

const BOOTSTRAP: &str = "#!/bin/sh\nexec python3 \"$FC_FUNC_CODE_PATH/function.py\"\n";

/// A folder with a function in Python, which a test may spoil.
pub(super) struct Package {
    tool: Tool,
}

impl Package {
    /// The function, with lines of the test's own.
    pub(super) fn with(lines: &str) -> Self {
        let package = Self { tool: Tool::new().with("MARKER_OF_THE_TESTER", "1") };
        fs::create_dir(package.path("")).unwrap();
        fs::write(package.path("function.py"), FUNCTION.replace(PLACE, lines)).unwrap();
        package.bootstrap(BOOTSTRAP, 0o755);
        package
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.tool.path("package").join(name)
    }

    pub(super) fn tool(&self) -> &Tool {
        &self.tool
    }

    /// Writes another `bootstrap`.
    pub(super) fn bootstrap(&self, content: impl AsRef<[u8]>, mode: u32) {
        fs::write(self.path("bootstrap"), content).unwrap();
        fs::set_permissions(self.path("bootstrap"), Permissions::from_mode(mode)).unwrap();
    }

    /// Rehearses the folder.
    pub(super) async fn rehearse(&self, options: &[&str]) -> Rehearsal {
        self.rehearse_target("package", options).await
    }

    /// Rehearses something else beside it.
    pub(super) async fn rehearse_target(&self, target: &str, options: &[&str]) -> Rehearsal {
        let outcome = self.tool.run(&[&["rehearse", target, "--json"], options].concat()).await;
        assert!(outcome.out.starts_with('{'), "{outcome:?}");
        Rehearsal { code: outcome.code, report: serde_json::from_str(&outcome.out).unwrap() }
    }
}

/// What came of a rehearsal.
pub(super) struct Rehearsal {
    pub(super) code: i32,
    report: Value,
}

impl Rehearsal {
    /// Gives act and verdict, one line for each.
    pub(super) fn verdicts(&self) -> String {
        let lines = self.acts().iter().map(|act| {
            format!("{} {}", act["verdict"].as_str().unwrap(), act["act"].as_str().unwrap())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Sees to it that nothing failed.
    pub(super) fn assert_good(&self) {
        assert_eq!(self.code, 0, "{}", self.report);
    }

    /// Gives what was said of an act.
    pub(super) fn said(&self, name: &str) -> &str {
        self.act(name)["sentence"].as_str().unwrap()
    }

    pub(super) fn figure(&self, name: &str) -> &str {
        self.act(name)["figure"].as_str().unwrap()
    }

    /// Gives the one failure of a rehearsal that ends with it.
    pub(super) fn end(&self) -> &str {
        assert_eq!(self.code, 1, "{}", self.report);
        let act = self.acts().last().unwrap();
        assert_eq!(act["verdict"], "FAIL", "{}", self.report);
        assert_eq!(self.report["violated"].as_array().unwrap().len(), 1, "{}", self.report);
        act["sentence"].as_str().unwrap()
    }

    fn act(&self, name: &str) -> &Value {
        let found = self.acts().iter().find(|act| act["act"] == name);
        assert!(found.is_some(), "no act {name}: {}", self.report);
        found.unwrap()
    }

    fn acts(&self) -> &Vec<Value> {
        self.report["acts"].as_array().unwrap()
    }
}
