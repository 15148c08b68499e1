//! Packages that pass every check, and the output and arguments of the command.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::{fs, io};

use insta::assert_snapshot;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::rehearse::package::Package;
use crate::support::signal::send_signal;
use crate::support::tool::Tool;
use crate::support::wait::{LIMIT, poll, within};
use crate::support::{PROJECT, function_binary};

#[tokio::test]
async fn a_python_function_passes_every_check() {
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
    assert_eq!(rehearsal.figure("freeze and thaw"), "frozen");
    assert_eq!(rehearsal.figure("kill"), "502, then 200");
    assert_eq!(rehearsal.figure("async and retry"), "202; runs 502, 200");
    assert!(
        rehearsal.sentence("package").starts_with("bootstrap (mode 755) is a script that /bin/sh")
    );
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
    assert!(
        rehearsal.sentence("package").starts_with("python3 is a program of the runtime's image")
    );
    assert!(rehearsal.sentence("idle connection").contains("left out, because it takes long"));
    assert!(rehearsal.sentence("initializer").starts_with("switched off"));
}

#[tokio::test]
async fn a_function_may_serve_one_connection_at_a_time() {
    let package = Package::with("from http.server import HTTPServer\nServer = HTTPServer\n");
    let rehearsal = package.rehearse(&["--idle", "1"]).await;
    rehearsal.assert_good();
    assert!(rehearsal.sentence("idle connection").starts_with("stayed open"));
}

/// Packs this project's own function as it is deployed.
fn pack_own_function(path: &Path) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    let bootstrap = Path::new(PROJECT).join("bootstrap");
    for (name, from) in [("bootstrap", &*bootstrap), ("oss-upload-signer", &*function_binary())] {
        // The binary of the tests is large, so compression would take long.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(0o755);
        zip.start_file(name, options).unwrap();
        io::copy(&mut File::open(from).unwrap(), &mut zip).unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
}

#[tokio::test]
async fn this_projects_function_passes_as_a_zip() {
    let package = Package::with("");
    pack_own_function(&package.tool().path("code.zip"));
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
    assert!(rehearsal.sentence("settings").contains("UPLOAD_AUTH=anonymous"));
    assert_eq!(rehearsal.figure("scale-out"), "100 in 2 instances");
    assert!(rehearsal.sentence("keys by header").contains("the keys that the request brought"));
    assert!(rehearsal.sentence("keys by environment").contains("the keys of the environment"));
}

#[tokio::test]
async fn env_replaces_the_default_settings_of_this_projects_function() {
    let package = Package::with("");
    pack_own_function(&package.tool().path("code.zip"));
    let rehearsal = package.rehearse_target("code.zip", &["--env", "OSS_BUCKET=My_Bucket"]).await;
    let sentence = rehearsal.failure();
    assert!(
        sentence.starts_with("the process ended before it listened, with exit status: 1"),
        "{sentence}"
    );
    assert!(sentence.contains("OSS_BUCKET = \"My_Bucket\": a bucket's name has"), "{sentence}");
}

#[tokio::test]
async fn the_default_output_is_a_table() {
    let package = Package::with("");
    let out = package.tool().run(&["rehearse", "package", "--quick"]).await.good();
    let mut lines = out.lines();
    assert_eq!(
        lines.next().unwrap(),
        "check               verdict figure                 what was seen"
    );
    assert!(lines.next().unwrap().starts_with("package             PASS    2 files"));
    assert!(out.contains(
        "\nidle connection     NOTE    -                      left out, because it takes long"
    ));
    assert!(out.ends_with(" 0 failed\n"), "{out}");
}

#[tokio::test]
async fn an_unusable_target_or_option_is_refused() {
    let tool = Tool::new();
    tool.write("text", "no zip");
    let complaint = async |arguments: &[&str]| tool.run(arguments).await.complaint();
    assert_snapshot!(complaint(&["rehearse", "nowhere"]).await, @"oss-upload: TARGET: nowhere cannot be read: No such file or directory (os error 2)");
    let sentence = complaint(&["rehearse", "text"]).await;
    assert!(sentence.contains("is no folder and no zip that can be unpacked"), "{sentence}");
    let sentence = complaint(&["rehearse", ".", "--env", "FC_REGION=x"]).await;
    assert!(sentence.contains("names that begin with FC_ belong to the platform"), "{sentence}");
    let sentence = complaint(&["rehearse", ".", "--request", "health"]).await;
    assert!(sentence.contains("write a method and a path"), "{sentence}");
    for (check, what) in [
        ("health", "\"health\" is no path; write one such as /health"),
        ("/ periodSeconds=0", "periodSeconds has to be a number from 1 to 120"),
        ("/ timeoutSeconds=4", "timeoutSeconds has to be a number from 1 to 3"),
        ("/ period=1", "\"period\" is no setting of a health check; there are initialDelaySeconds"),
        ("/ 5", "after the path write NAME=NUMBER"),
    ] {
        let sentence = complaint(&["rehearse", ".", "--health-check", check]).await;
        assert!(sentence.contains(what), "{sentence}");
    }
}

/// The id of the function's process, which is killed if a test fails.
struct FunctionProcess(String);

impl FunctionProcess {
    fn exists(&self) -> bool {
        Path::new("/proc").join(&self.0).exists()
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        if self.exists() {
            send_signal("KILL", &self.0);
        }
    }
}

#[tokio::test]
async fn an_interrupted_rehearsal_leaves_no_process_behind() {
    let lines = "import pathlib, time\n\
                 pathlib.Path(os.environ['PID_FILE']).write_text(str(os.getpid()))\n\
                 time.sleep(600)\n";
    let package = Package::with(lines);
    let pid_file = package.tool().path("pid");
    let variable = format!("PID_FILE={}", pid_file.display());
    let mut child =
        package.tool().command(&["rehearse", "package", "--env", &variable]).spawn().unwrap();
    let process = poll("the function writes its process number", || {
        fs::read_to_string(&pid_file).ok().filter(|text| !text.is_empty())
    });
    let instance = FunctionProcess(process.await);
    assert!(instance.exists());
    assert!(send_signal("TERM", &child.id().unwrap().to_string()));
    let status = within(LIMIT, "the tool ends", child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1));
    // The function is ended before the tool ends; the system may take a moment more.
    poll("the function ends", || (!instance.exists()).then_some(())).await;
}
