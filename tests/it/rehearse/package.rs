//! A package for the tests to rehearse, and the report of the tool.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::tool::Tool;

pub(super) const FUNCTION: &str = include_str!("function.py");

/// The line of the function that a test replaces by lines of its own.
pub(super) const PLACEHOLDER: &str = "# Lines of a test go here.\n";

const BOOTSTRAP: &str = "#!/bin/sh\nexec python3 \"$FC_FUNC_CODE_PATH/function.py\"\n";

/// A folder with a function in Python, which a test may change.
pub(super) struct Package {
    tool: Tool,
}

impl Package {
    /// Creates the package, with lines of the test in its function.
    pub(super) fn with(lines: &str) -> Self {
        let package = Self { tool: Tool::new().with("MARKER_OF_THE_TESTER", "1") };
        fs::create_dir(package.path("")).unwrap();
        fs::write(package.path("function.py"), FUNCTION.replace(PLACEHOLDER, lines)).unwrap();
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

    /// Rehearses another target in the same directory.
    pub(super) async fn rehearse_target(&self, target: &str, options: &[&str]) -> Rehearsal {
        let outcome = self.tool.run(&[&["rehearse", target, "--json"], options].concat()).await;
        assert!(outcome.out.starts_with('{'), "{outcome:?}");
        Rehearsal { code: outcome.code, report: serde_json::from_str(&outcome.out).unwrap() }
    }
}

/// The report of a rehearsal.
pub(super) struct Rehearsal {
    pub(super) code: i32,
    report: Value,
}

impl Rehearsal {
    /// Returns verdict and name of each check, one per line.
    pub(super) fn verdicts(&self) -> String {
        let lines = self.checks().iter().map(|check| {
            format!("{} {}", check["verdict"].as_str().unwrap(), check["act"].as_str().unwrap())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Asserts that no check failed.
    pub(super) fn assert_good(&self) {
        assert_eq!(self.code, 0, "{}", self.report);
    }

    /// Returns the sentence of a check.
    pub(super) fn sentence(&self, name: &str) -> &str {
        self.check(name)["sentence"].as_str().unwrap()
    }

    pub(super) fn figure(&self, name: &str) -> &str {
        self.check(name)["figure"].as_str().unwrap()
    }

    /// Returns the sentence of the only failed check, which has to be the last one.
    pub(super) fn failure(&self) -> &str {
        assert_eq!(self.code, 1, "{}", self.report);
        let check = self.checks().last().unwrap();
        assert_eq!(check["verdict"], "FAIL", "{}", self.report);
        assert_eq!(self.report["violated"].as_array().unwrap().len(), 1, "{}", self.report);
        check["sentence"].as_str().unwrap()
    }

    fn check(&self, name: &str) -> &Value {
        let found = self.checks().iter().find(|check| check["act"] == name);
        assert!(found.is_some(), "no check {name}: {}", self.report);
        found.unwrap()
    }

    fn checks(&self) -> &Vec<Value> {
        self.report["acts"].as_array().unwrap()
    }
}
