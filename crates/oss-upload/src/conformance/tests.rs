//! The probes, held to the local OSS: in its strict reading and in each other one.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::conformance::form::CONTENT;
use crate::conformance::observation::Prediction;
use crate::conformance::probe::CONTENT_MD5;
use oss_emulator::oss::choices::{CHOICES, ChoiceSetting};
use oss_emulator::oss::{self, LocalBucket, Oss, Strictness};
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time;

const BUCKET: &str = "marker-bucket";
const REGION: &str = "cn-hangzhou";
const KEY_ID: &str = "LTAI5tMarkerKeyId";
const SECRET: &str = "marker-secret";
const TOKEN: &str = "marker-token";

/// A local OSS on a port of its own, and a callback server.
struct LocalService {
    bucket: MeasuredBucket,
    client: WebClient,
    data: TempDir,
    _stop: oneshot::Sender<()>,
}

impl LocalService {
    async fn start(strictness: Strictness) -> Self {
        Self::start_for(strictness, None).await
    }

    /// Starts it for a key that may do no more than a policy allows.
    async fn start_for(strictness: Strictness, policy: Option<&str>) -> Self {
        let permissions = policy.map(|policy| {
            let policy = oss_emulator::ram::RamPolicy::parse(policy).unwrap();
            oss_emulator::ram::Permissions::default().restricted_by(policy)
        });
        let data = TempDir::new().unwrap();
        let mut options = oss::Options::new(data.path(), Arc::new(|| time::now().unix()));
        options.buckets = vec![LocalBucket { name: BUCKET.to_owned(), region: REGION.to_owned() }];
        options.keys = vec![oss::AccessKey {
            security_token: Some(TOKEN.to_owned()),
            permissions,
            ..oss::AccessKey::new(KEY_ID, SECRET)
        }];
        options.strictness = strictness;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let oss = Oss::open(options).unwrap();
        tokio::spawn(oss.serve(listener, async {
            let _ = stopped.await;
        }));
        let bucket = MeasuredBucket {
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            url: format!("http://{BUCKET}.localhost:{port}"),
            credentials: Arc::new(Credentials {
                key_id: KEY_ID.to_owned(),
                secret: Secret::new(SECRET),
                token: Some(Secret::new(TOKEN)),
                usable_until: None,
            }),
            prefix: MeasuredBucket::scratch_prefix(&[7; 16]),
            callback: Some(callback_server().await),
            clock_offset: 0,
        };
        let client = WebClient::new(Some(REQUEST_TIMEOUT)).unwrap();
        Self { bucket, client, data, _stop: stop }
    }

    fn run(&self) -> Run<'_> {
        Run::new(&self.bucket, &self.client)
    }

    async fn outcome(&self, probe: &Probe) -> Outcome {
        self.run().outcome(probe).await
    }
}

fn probe(name: &str) -> Probe {
    probes::all().into_iter().find(|probe| probe.name == name).unwrap()
}

/// Starts a server that answers each callback with JSON, until the test ends.
async fn callback_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut received = [0; 4096];
            let _ = stream.read(&mut received).await;
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
                          Connection: close\r\n\r\n{}";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/")
}

#[test]
fn each_row_has_probes_or_a_reason_why_it_has_none() {
    let probes = probes::all();
    let covered: BTreeSet<_> = probes.iter().filter_map(|probe| probe.choice).collect();
    let without: BTreeSet<_> =
        CHOICES.iter().filter(|row| row.without_probe.is_some()).map(|row| row.name).collect();
    let rows: BTreeSet<_> = CHOICES.iter().map(|choice| choice.name).collect();
    assert_eq!(covered.intersection(&without).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(covered.union(&without).copied().collect::<BTreeSet<_>>(), rows);
}

#[test]
fn each_probe_has_a_name_of_its_own() {
    let probes = probes::all();
    let names: BTreeSet<_> = probes.iter().map(|probe| probe.name).collect();
    assert_eq!(names.len(), probes.len());
    assert_eq!(probes.first().map(|probe| probe.name), Some(form::BASELINE));
}

#[test]
fn each_setting_of_a_row_is_selected_by_one_of_its_probes() {
    let probes = probes::all();
    for choice in CHOICES {
        let of_row = || probes.iter().filter(|probe| probe.choice == Some(choice.name));
        let applied: Vec<_> = of_row()
            .flat_map(|probe| &probe.others)
            .filter_map(|other| other.apply)
            .map(|apply| {
                let mut strictness = Strictness::default();
                apply(&mut strictness);
                strictness
            })
            .collect();
        let is_without = of_row().next().is_none();
        match choice.setting {
            ChoiceSetting::ByRelaxation(relaxation) => {
                let selects = |strictness: &Strictness| strictness.allows(relaxation);
                assert!(is_without || applied.iter().any(selects), "{}", choice.name);
            }
            ChoiceSetting::ByFields(names) => {
                let default = format!("{:#?}", Strictness::default());
                for name in names {
                    let line = |text: &str| {
                        text.lines().find(|line| line.trim().starts_with(name)).map(str::to_owned)
                    };
                    let changes = |strictness: &Strictness| {
                        line(&format!("{strictness:#?}")) != line(&default)
                    };
                    assert!(is_without || applied.iter().any(changes), "{name}");
                }
            }
            ChoiceSetting::NoSetting => assert_eq!(applied.len(), 0, "{}", choice.name),
        }
    }
}

#[test]
fn a_run_sends_less_than_20_mb() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = LocalService::start(Strictness::default()).await;
        let bytes: u64 =
            probes::all().iter().map(|probe| probe.prepare(&service.bucket).bytes()).sum();
        assert!(bytes < MAX_SENT, "{bytes}");
    });
}

#[tokio::test]
async fn the_local_oss_answers_every_probe_as_its_reading_says() {
    let service = LocalService::start(Strictness::default()).await;
    let mut run = service.run();
    let report = run.measure(&probes::all(), |_| {}).await;
    let others: Vec<_> =
        report.probes.iter().filter(|result| result.result != report::ResultKind::Same).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(run.clean_up().await, 0);
    let stored = walk(service.data.path());
    assert!(stored.iter().all(|path| !path.contains("conformance")), "{stored:?}");
    let unfinished = stored.iter().filter(|path| path.contains("/.uploads/"));
    assert_eq!(unfinished.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Returns the paths of all files below a folder.
fn walk(folder: &Path) -> Vec<String> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.display().to_string());
            }
        }
    }
    files
}

#[tokio::test]
async fn every_probe_with_a_setting_distinguishes_its_readings() {
    let mut compared = 0;
    for probe in probes::all() {
        for (at, other) in probe.others.iter().enumerate() {
            let Some(apply) = other.apply else { continue };
            let mut strictness = Strictness::default();
            apply(&mut strictness);
            let service = LocalService::start(strictness).await;
            let outcome = service.outcome(&probe).await;
            assert!(
                matches!(outcome, Outcome::Other(_, found) if found == at),
                "{}: {outcome:?}",
                probe.name
            );
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn every_other_reading_predicts_something_else() {
    for probe in probes::all() {
        for other in &probe.others {
            assert_ne!(other.predicted, probe.here, "{}", probe.name);
        }
    }
}

#[test]
fn the_md5_of_the_content_is_the_one_of_the_probe() {
    use md5::Digest;
    assert_eq!(hex::encode(md5::Md5::digest(CONTENT)), CONTENT_MD5);
}

#[tokio::test]
async fn a_report_has_no_key_no_bucket_and_no_host() {
    let service = LocalService::start(Strictness::default()).await;
    let probes =
        select(probes::all(), &["wrong-signature".to_owned(), "condition-failed".to_owned()]);
    let report = service.run().measure(&probes.unwrap(), |_| {}).await.json();
    for marker in [BUCKET, KEY_ID, SECRET, TOKEN, "localhost", "127.0.0.1"] {
        assert!(!report.contains(marker), "{marker}: {report}");
    }
}

#[tokio::test]
async fn a_local_oss_like_a_report_answers_as_the_measured_one() {
    let mut strictness = Strictness { refuse_v1: true, ..Strictness::default() };
    strictness.relaxed.insert(oss::Relaxation::Preamble);
    strictness.value_limit = 8 * 1024;
    let names = ["preamble", "v1", "value-limit", "quoted-boundary"].map(str::to_owned);
    let measured = LocalService::start(strictness).await;
    let probes = select(probes::all(), &names).unwrap();
    let report = measured.run().measure(&probes, |_| {}).await;
    let readings = MeasuredReadings::of("conformance.json", &report);
    let mut taken = Strictness::default();
    readings.apply(&mut taken);
    assert!(taken.allows(oss::Relaxation::Preamble) && taken.refuse_v1);
    assert_eq!((taken.relaxed.len(), taken.value_limit), (1, 8 * 1024));
    assert!(readings.line().ends_with("other readings taken: 3"), "{}", readings.line());
    let like = LocalService::start(taken).await;
    let again = like.run().measure(&probes, |_| {}).await;
    let observed = |report: &Report| {
        report.probes.iter().map(|result| result.observed.clone()).collect::<Vec<_>>()
    };
    assert_eq!(observed(&again), observed(&report));
}

#[tokio::test]
async fn a_probe_that_cannot_run_says_why_and_sends_nothing() {
    let mut service = LocalService::start(Strictness::default()).await;
    service.bucket.callback = None;
    let mut run = service.run();
    let outcome = run.outcome(&probe("callback-and-redirect")).await;
    assert_eq!(outcome, Outcome::NotRun("no callback server is named; see --callback".to_owned()));
    assert_eq!((run.sent, run.keys.len()), (0, 0));
}

#[tokio::test]
async fn a_probe_whose_right_is_missing_is_not_run() {
    let start = async |actions: &str| {
        let policy = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":["*"]}}]}}"#
        );
        LocalService::start_for(Strictness::default(), Some(&policy)).await
    };
    let service = start(r#""oss:PutObject""#).await;
    let mut run = service.run();
    let reason = "the key needs oss:AbortMultipartUpload to clean up".to_owned();
    assert_eq!(run.outcome(&probe("max-parts")).await, Outcome::NotRun(reason));
    assert!(run.begun.is_empty());
    let service = start(r#""oss:PutObject","oss:AbortMultipartUpload","oss:DeleteObject""#).await;
    let mut run = service.run();
    let Outcome::NotRun(reason) = run.outcome(&probe("max-parts")).await else { panic!("it ran") };
    assert_eq!(reason, "the key may not do this: refused 403 AccessDenied 0003-00000001");
    assert!(matches!(run.outcome(&probe("min-part-size")).await, Outcome::Same(_)));
    assert_eq!((run.begun.len(), run.clean_up().await), (2, 0));
}

#[tokio::test]
async fn a_bucket_that_refuses_a_correct_form_is_not_measured() {
    let refuse = Strictness { refuse_public_endpoint: true, ..Strictness::default() };
    let mut service = LocalService::start(refuse).await;
    let error = check_bucket(&mut service.bucket, &service.client).await.unwrap_err().to_string();
    assert!(error.contains("PublicEndpointForbidden 0048-00000401"), "{error}");
    assert!(error.contains("--upload-host"), "{error}");
}

#[test]
fn a_row_without_probe_is_named_with_its_reason() {
    let error = select(probes::all(), &["reserved-keys".to_owned()]).err().unwrap().to_string();
    assert!(error.contains("a rule of the local OSS only"), "{error}");
    let error = select(probes::all(), &["reserved".to_owned()]).err().unwrap().to_string();
    assert!(error.contains("there is no probe and no row"), "{error}");
}

#[test]
fn the_correct_form_is_always_sent_first() {
    let selected = select(probes::all(), &["overwrite".to_owned(), "date-age".to_owned()]).unwrap();
    let names: Vec<_> = selected.iter().map(|probe| probe.name).collect();
    assert_eq!(names, ["baseline", "date-behind", "date-long-behind", "date-ahead", "overwrite"]);
}

#[test]
fn an_unknown_result_is_not_taken_for_a_reading() {
    let probe = probe("etag");
    let observation = Observation { status: 418, code: None, ec: None, fact: None };
    assert!(!Prediction::Accepted.matches(&observation));
    assert_eq!(probe.judge(observation.clone()), Outcome::Unknown(observation));
}
