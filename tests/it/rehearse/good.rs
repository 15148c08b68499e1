//! Packages with which nothing is wrong.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::rehearse::package::Package;
use crate::support::PROJECT;
use crate::support::function_binary;
use crate::support::tool::Tool;
use crate::support::wait::LIMIT;
use crate::support::wait::poll;
use crate::support::wait::within;

#[tokio::test]
async fn a_python_function_passes() {
    let package = Package::with("");
    let options = ["--idle", "1", "--concurrency", "3", "--initializer", "on", "--pre-stop", "on"];
    let rehearsal = package.rehearse(&options).await;
    rehearsal.assert_good();
    assert_snapshot!(rehearsal.verdicts(), @"
    PASS package
    PASS cold start
    PASS initializer
    PASS answer
    PASS keys by header
    PASS keys by environment
    PASS request head
    PASS request body
    PASS answer's headers
    PASS reserved headers
    PASS default domain
    PASS idle connection
    PASS freeze and thaw
    PASS scale-out
    PASS memory
    PASS kill
    PASS async and retry
    PASS timeout
    PASS pre-stop
    PASS stop
    PASS log
    ");
    assert_eq!(rehearsal.figure("scale-out"), "6 in 2 instances");
    assert_eq!(rehearsal.figure("freeze and thaw"), "stood still");
    assert_eq!(rehearsal.figure("kill"), "502, then 200");
    assert_eq!(rehearsal.figure("async and retry"), "202; runs 502, 200");
    assert!(rehearsal.said("package").starts_with("bootstrap (mode 755) is a script that /bin/sh"));
}

#[tokio::test]
async fn a_command_takes_the_place_of_bootstrap() {
    let package = Package::with("assert sys.argv[1] == 'argument'\n");
    let text = fs::read_to_string(package.path("function.py")).unwrap();
    fs::write(package.path("function.py"), format!("import sys\n{text}")).unwrap();
    fs::remove_file(package.path("bootstrap")).unwrap();
    let command = ["--command", "python3 /code/function.py argument", "--quick"];
    let rehearsal = package.rehearse(&command).await;
    rehearsal.assert_good();
    assert!(rehearsal.said("package").starts_with("python3 is a program of the runtime's image"));
    assert!(rehearsal.said("idle connection").contains("left out by --quick"));
    assert!(rehearsal.said("initializer").starts_with("switched off"));
}

#[tokio::test]
async fn a_function_may_hear_one_connection_at_a_time() {
    let package = Package::with("from http.server import HTTPServer\nServer = HTTPServer\n");
    let rehearsal = package.rehearse(&["--idle", "1"]).await;
    rehearsal.assert_good();
    assert!(rehearsal.said("idle connection").starts_with("stayed open"));
}

/// Packs our own function as it is deployed.
fn pack_ours(path: &Path) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    let bootstrap = Path::new(PROJECT).join("bootstrap");
    for (name, from) in [("bootstrap", &*bootstrap), ("oss-upload-signer", &*function_binary())] {
        // The binary of the tests is large, so it is not packed tightly.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(0o755);
        zip.start_file(name, options).unwrap();
        io::copy(&mut File::open(from).unwrap(), &mut zip).unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
}

#[tokio::test]
async fn our_own_function_passes_as_a_zip() {
    let package = Package::with("");
    pack_ours(&package.tool().path("code.zip"));
    let rehearsal = package
        .rehearse_target("code.zip", &["--idle", "1", "--health-check", "/health timeoutSeconds=3"])
        .await;
    rehearsal.assert_good();
    assert_snapshot!(rehearsal.verdicts(), @"
    NOTE settings
    PASS package
    PASS cold start
    PASS initializer
    PASS health check
    PASS answer
    PASS answer
    PASS keys by header
    PASS keys by environment
    PASS request head
    PASS request body
    PASS answer's headers
    PASS reserved headers
    NOTE default domain
    PASS idle connection
    PASS freeze and thaw
    PASS scale-out
    PASS memory
    PASS kill
    PASS async and retry
    PASS timeout
    PASS pre-stop
    PASS stop
    PASS log
    ");
    assert!(rehearsal.said("settings").contains("UPLOAD_AUTH=anonymous"));
    assert_eq!(rehearsal.figure("scale-out"), "100 in 2 instances");
    assert!(rehearsal.said("keys by header").contains("the keys that the request brought"));
    assert!(rehearsal.said("keys by environment").contains("the keys of the environment"));
}

#[tokio::test]
async fn our_own_function_is_told_what_env_says() {
    let package = Package::with("");
    pack_ours(&package.tool().path("code.zip"));
    let rehearsal = package.rehearse_target("code.zip", &["--env", "OSS_BUCKET=My_Bucket"]).await;
    let said = rehearsal.end();
    assert!(
        said.starts_with("the process ended before it listened, with exit status: 1"),
        "{said}"
    );
    assert!(said.contains("OSS_BUCKET = \"My_Bucket\": a bucket's name has"), "{said}");
}

#[tokio::test]
async fn people_get_a_table() {
    let package = Package::with("");
    let out = package.tool().run(&["rehearse", "package", "--quick"]).await.good();
    let mut lines = out.lines();
    assert_eq!(
        lines.next().unwrap(),
        "act                 verdict figure                 what was seen"
    );
    assert!(lines.next().unwrap().starts_with("package             PASS    2 files"));
    assert!(
        out.contains("\nidle connection     NOTE    -                      left out by --quick")
    );
    assert!(out.ends_with(" 0 failed\n"), "{out}");
}

#[tokio::test]
async fn what_cannot_be_rehearsed_is_refused() {
    let tool = Tool::new();
    tool.write("text", "no zip");
    let complaint = async |arguments: &[&str]| tool.run(arguments).await.complaint();
    assert_snapshot!(complaint(&["rehearse", "nowhere"]).await, @"oss-upload: TARGET: nowhere cannot be read: No such file or directory (os error 2)");
    let said = complaint(&["rehearse", "text"]).await;
    assert!(said.contains("is no folder and no zip that can be unpacked"), "{said}");
    let said = complaint(&["rehearse", ".", "--env", "FC_REGION=x"]).await;
    assert!(said.contains("names that begin with FC_ belong to the platform"), "{said}");
    let said = complaint(&["rehearse", ".", "--request", "health"]).await;
    assert!(said.contains("write a method and a path"), "{said}");
    for (check, what) in [
        ("health", "\"health\" is no path; write one such as /health"),
        ("/ periodSeconds=0", "periodSeconds has to be a number from 1 to 120"),
        ("/ timeoutSeconds=4", "timeoutSeconds has to be a number from 1 to 3"),
        ("/ period=1", "\"period\" is no setting of a health check; there are initialDelaySeconds"),
        ("/ 5", "after the path write NAME=NUMBER"),
    ] {
        let said = complaint(&["rehearse", ".", "--health-check", check]).await;
        assert!(said.contains(what), "{said}");
    }
}

/// The function's process, by its number. It is killed at the end of a test that failed.
struct Instance(String);

impl Instance {
    fn lives(&self) -> bool {
        Path::new("/proc").join(&self.0).exists()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.lives() {
            kill("KILL", &self.0);
        }
    }
}

/// Sends a signal. The shell's own `kill` does it: the program of that name is not on every machine.
fn kill(signal: &str, process: &str) -> bool {
    let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, process]).status();
    status.unwrap().success()
}

#[tokio::test]
async fn a_rehearsal_that_is_broken_off_leaves_nobody_behind() {
    let tells = "import pathlib, time\n\
                 pathlib.Path(os.environ['TOLD']).write_text(str(os.getpid()))\n\
                 time.sleep(600)\n";
    let package = Package::with(tells);
    let told = package.tool().path("told");
    let variable = format!("TOLD={}", told.display());
    let mut child =
        package.tool().command(&["rehearse", "package", "--env", &variable]).spawn().unwrap();
    let process = poll("the function writes its process number", || {
        fs::read_to_string(&told).ok().filter(|text| !text.is_empty())
    });
    let instance = Instance(process.await);
    assert!(instance.lives());
    assert!(kill("TERM", &child.id().unwrap().to_string()));
    let status = within(LIMIT, "the tool ends", child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1));
    // The function is ended before the tool ends; the system may take a moment more.
    poll("the function ends", || (!instance.lives()).then_some(())).await;
}
