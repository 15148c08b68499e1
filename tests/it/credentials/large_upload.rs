//! A role's key that ends while a large file is uploaded: the function signs with the next one, and the upload goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use oss_emulator::keys::AccessKey;
use oss_emulator::oss::{self, BucketAcl, LocalBucket, Oss};
use oss_emulator::sts::{self, Sts};
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use oss_upload_signer::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cloud;
use super::cloud::ROLE_ARN;
use crate::support::app::NOW;

/// The size of a part: the smallest that OSS accepts.
const PART: usize = 100 << 10;

/// The address of the bucket; a local OSS has no other hosts than those below `localhost`.
const HOST: &str = "http://examplebucket.oss-cn-hangzhou.localhost";

/// The life of a session of the role in seconds.
const SESSION: i64 = 3600;

/// A local STS and a local OSS that know the same keys and have the same clock. No sockets.
struct RoleCloud {
    sts: Sts,
    oss: Oss,
    clock: Arc<AtomicI64>,
    _folder: TempDir,
}

impl RoleCloud {
    fn open() -> Arc<Self> {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(AtomicI64::new(NOW));
        let time = || {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.load(Ordering::Relaxed))
        };
        let mut sts_options = sts::Options::new(time(), [7; 16]);
        sts_options.roles = vec![sts::RamRole::new("oss-uploader")];
        sts_options.ring.add(AccessKey::new("LTAI5tUser", "marker-user-secret"));
        let mut oss_options = oss::Options::new(folder.path(), time());
        oss_options.ring = sts_options.ring.clone();
        oss_options.buckets =
            vec![LocalBucket { name: "examplebucket".into(), region: "cn-hangzhou".into() }];
        oss_options.bucket_acl = BucketAcl::PublicRead;
        let (sts, oss) = (Sts::open(sts_options).unwrap(), Oss::open(oss_options).unwrap());
        Arc::new(Self { sts, oss, clock, _folder: folder })
    }

    fn app(self: &Arc<Self>) -> Arc<App> {
        let mut environment = Environment::default();
        for (name, value) in [
            ("OSS_BUCKET", "examplebucket"),
            ("OSS_REGION", "cn-hangzhou"),
            ("OSS_UPLOAD_HOST", HOST),
            ("UPLOAD_AUTH", "anonymous"),
            ("UPLOAD_DIR", "films/{uuid}/"),
            ("UPLOAD_EXPIRES", "12h"),
            ("UPLOAD_MULTIPART", "true"),
            ("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes"),
            ("OSS_STS_ROLE_ARN", ROLE_ARN),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tUser"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-user-secret"),
        ] {
            environment.set(name, value);
        }
        let start = Timestamp::from_unix(NOW).unwrap();
        let settings = Settings::load(&environment, None, start).unwrap();
        let clock = Arc::clone(&self.clock);
        let http = Arc::new(RoleCloudClient(Arc::clone(self)));
        let now = move || Timestamp::from_unix(clock.load(Ordering::Relaxed)).unwrap();
        Arc::new(App::with_http(settings, http).with_clock(now))
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        let is_bucket = request.uri().host().is_some_and(|host| host.starts_with("examplebucket."));
        let length = request.body().len();
        let mut request = request.map(Full::new);
        // An HTTP client adds it, and the parts are signed with it.
        request.headers_mut().insert("content-length", length.into());
        if is_bucket {
            let (head, body) = self.oss.call(request).await.into_parts();
            return Response::from_parts(head, body.collect().await.unwrap().to_bytes());
        }
        let (head, body) = self.sts.call(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    async fn put(&self, signed: &Value, number: usize, content: &[u8]) -> Response<Bytes> {
        let signature = signed["signatures"][number.to_string()].as_str().unwrap();
        let url = signed["url"].as_str().unwrap();
        let url = format!("{url}&partNumber={number}&x-oss-signature={signature}");
        let part = &content[(number - 1) * PART..number * PART];
        let host = url.split('/').nth(2).unwrap();
        let request = Request::builder().method(Method::PUT).header("host", host).uri(&url);
        self.send(request.body(Bytes::copy_from_slice(part)).unwrap()).await
    }
}

/// The client of the function, which leads to the cloud.
struct RoleCloudClient(Arc<RoleCloud>);

impl std::fmt::Debug for RoleCloudClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RoleCloudClient")
    }
}

impl HttpClient for RoleCloudClient {
    fn send(&self, mut request: Request<Bytes>, _: RequestLimits) -> ResponseFuture<'_> {
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().parse();
            request.headers_mut().insert("host", host.map_err(|_| SendError::TimedOut)?);
            Ok(self.0.send(request).await)
        })
    }
}

async fn call(app: &Arc<App>, path: &str, body: &Value) -> Value {
    let request = Request::post(path).body(Bytes::from(body.to_string())).unwrap();
    let (status, body) = cloud::answer(app, request).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Returns the id of the key in a URL.
fn key_of(signed: &Value) -> String {
    let url = signed["url"].as_str().unwrap();
    let credential = url.split("x-oss-credential=").nth(1).unwrap();
    credential.split("%2F").next().unwrap().to_owned()
}

#[tokio::test]
async fn an_upload_outlives_the_key_of_the_role_that_began_it() {
    let cloud = RoleCloud::open();
    let app = cloud.app();
    let content: Vec<u8> = (0..4 * PART)
        .map(|index| u8::try_from((index * 7 + index / PART) % 251).unwrap())
        .collect();
    let file = json!({"name": "a.mp4", "type": "video/mp4", "size": content.len()});
    let begun = call(&app, "/multipart", &json!({"file": file, "part_size": PART})).await;
    let first = key_of(&begun);
    assert!(first.starts_with("STS."), "{first}");
    for number in [1, 3] {
        assert_eq!(cloud.put(&begun, number, &content).await.status(), 200);
    }
    cloud.pass(SESSION + 1);
    // The session is over: OSS accepts nothing that it has signed.
    let refused = cloud.put(&begun, 2, &content).await;
    assert_eq!(refused.status(), 403, "{refused:?}");
    let token = json!({"token": begun["token"]});
    assert_eq!(call(&app, "/multipart/status", &token).await["done"], json!([[1, 1], [3, 3]]));
    let wish = json!({"token": begun["token"], "from": 1, "count": 4});
    let again = call(&app, "/multipart/parts", &wish).await;
    assert_ne!(key_of(&again), first);
    for number in [2, 4] {
        assert_eq!(cloud.put(&again, number, &content).await.status(), 200);
    }
    let done = call(&app, "/multipart/complete", &token).await;
    assert_eq!(done["size"], json!(content.len()));
    let key = done["key"].as_str().unwrap();
    let host = HOST.trim_start_matches("http://");
    let request = Request::get(format!("{HOST}/{key}")).header("host", host);
    let stored = cloud.send(request.body(Bytes::new()).unwrap()).await;
    assert!(stored.body() == &content, "{:?}", stored.status());
}
