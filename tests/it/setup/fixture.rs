//! A local cloud with one user and one bucket, and the tool.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use fc_emulator::{Gateway, RoleCredentials};
use fc_http::log::LogWriter;
use oss_emulator::faults::Faults;
use oss_emulator::keys::{AccessKey, KeyRing};
use oss_emulator::ram::{Permissions, RamPolicy};
use oss_emulator::sts::{Options, Sts};
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::sts::request::{canonical, encode, sign, string_to_sign};
use oss_upload_signer::net::{HttpClient, RequestLimits, ReqwestClient};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner};
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time;
use tokio::net::TcpListener;

use crate::support::form::{BUCKET, KEY_ID, REGION, SECRET};
use crate::support::gateway;
use crate::support::oss::{Reply, Server as OssServer};
use crate::support::server::Server;
use crate::support::tool::{Outcome, Tool};
use crate::support::wait::LIMIT;

/// The origin of the page that uploads.
pub(super) const PAGE: &str = "https://app.example";

/// The name of the role.
pub(super) const ROLE: &str = "oss-upload-signer";

/// The key of somebody who may do everything, to look and to prepare.
const OWNER: (&str, &str) = ("LTAI5tOwner", "OwnerSecret");

/// The local cloud.
pub(super) struct Cloud {
    pub(super) oss: OssServer,
    pub(super) sts: Sts,
    pub(super) ring: KeyRing,
    pub(super) faults: Faults,
    pub(super) tool: Tool,
    ram: SocketAddr,
}

impl Cloud {
    /// Opens an empty cloud whose user may do everything.
    pub(super) async fn open() -> Self {
        let ring = KeyRing::default();
        ring.add(AccessKey::new(OWNER.0, OWNER.1));
        let shared = ring.clone();
        let oss = OssServer::with(|options| {
            options.clock = Arc::new(|| time::now().unix());
            options.cors_origins = Vec::new();
            options.keys = vec![AccessKey::new(KEY_ID, SECRET)];
            options.ring = shared;
        })
        .await;
        let mut options = Options::new(Arc::new(|| time::now().unix()), [9; 16]);
        options.ring = ring.clone();
        let faults = options.faults.clone();
        let sts = Sts::open(options).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let ram = listener.local_addr().unwrap();
        tokio::spawn(sts.clone().serve(listener, std::future::pending::<()>()));
        let tool = Tool::new()
            .with("ALIBABA_CLOUD_STS_ENDPOINT", &format!("http://127.0.0.1:{}", ram.port()));
        Self { oss, sts, ring, faults, tool, ram }
    }

    /// Replaces the permissions of the user.
    pub(super) fn allow_user(&self, policy: &str) {
        let policy = RamPolicy::parse(policy).unwrap();
        self.ring.add(AccessKey {
            permissions: Some(Permissions::default().restricted_by(policy)),
            ..AccessKey::new(KEY_ID, SECRET)
        });
    }

    /// Runs `setup` for the page, with further arguments.
    pub(super) async fn setup(&self, arguments: &[&str]) -> Outcome {
        self.setup_of(&["--bucket", BUCKET, "--region", REGION, "--origin", PAGE], arguments).await
    }

    /// Runs `setup` with these arguments and the addresses of this cloud.
    pub(super) async fn setup_of(&self, target: &[&str], arguments: &[&str]) -> Outcome {
        let endpoint = format!("http://localhost:{}", self.oss.address.port());
        let ram = format!("http://127.0.0.1:{}", self.ram.port());
        let addresses = ["--endpoint", &endpoint, "--ram-endpoint", &ram];
        let outcome =
            self.tool.run(&[&["setup"], target, &addresses[..], arguments].concat()).await;
        assert!(!format!("{outcome:?}").contains(SECRET), "{outcome:?}");
        outcome
    }

    /// Reads a configuration of the bucket as its owner.
    pub(super) async fn get(&self, setting: &str) -> Reply {
        self.send("GET", setting, "").await
    }

    /// Replaces a configuration of the bucket as its owner.
    pub(super) async fn put(&self, setting: &str, document: &str) {
        let reply = self.send("PUT", setting, document).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Starts a function with these variables and settings and with a key of the role, behind the gateway. Returns its
    /// address too.
    pub(super) async fn signer(
        &self,
        key: AccessKey,
        variables: &[(&str, &str)],
        file: Option<&str>,
    ) -> (Server, String) {
        let mut environment = Environment::default();
        let host = format!("http://127.0.0.1:{}", self.oss.address.port());
        let needed = [
            ("OSS_BUCKET", BUCKET),
            ("OSS_REGION", REGION),
            ("OSS_UPLOAD_HOST", &host),
            ("FC_FUNCTION_NAME", "signer"),
        ];
        for (name, value) in needed.iter().chain(variables) {
            environment.set(name, *value);
        }
        let settings = Settings::load(&environment, file, time::now()).unwrap();
        let service = oss_upload_signer::http::service(Arc::new(App::new(settings)));
        let log = LogWriter::new(io::sink());
        let options = fc_http::Options { platform: true, log, ..fc_http::Options::default() };
        let function = Server::start(service, options).await;
        let mut options = gateway::options(function.address);
        options.credentials = Some(RoleCredentials {
            access_key_id: key.id,
            access_key_secret: key.secret,
            security_token: key.security_token.unwrap(),
        });
        let address = gateway::serve(Gateway::new(options)).await;
        (function, format!("http://{address}"))
    }

    /// Calls RAM as the owner of the account.
    pub(super) async fn ram(&self, action: &str, parameters: &[(&str, &str)]) {
        let now = time::now().rfc3339();
        let mut all = vec![
            ("Action", action),
            ("Version", "2015-05-01"),
            ("Format", "JSON"),
            ("Timestamp", now.as_str()),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", action),
            ("AccessKeyId", OWNER.0),
        ];
        all.extend_from_slice(parameters);
        let text = string_to_sign("POST", &canonical(&all));
        let signature = sign(&Secret::new(OWNER.1), &text);
        all.push(("Signature", &signature));
        let request = http::Request::post(format!("http://{}/?{}", self.ram, encode(&all)));
        let request = request.body(Bytes::new()).unwrap();
        let limits = RequestLimits { timeout: LIMIT, max_body: 1 << 16, use_proxy: false };
        let response = ReqwestClient::new(None).send(request, limits).await.unwrap();
        assert_eq!(response.status(), 200, "{action}: {:?}", response.body());
    }

    async fn send(&self, method: &str, setting: &str, body: &str) -> Reply {
        let secret = Secret::new(OWNER.1);
        let signer = RequestSigner::new(V4Signer {
            key_id: OWNER.0,
            secret: &secret,
            token: None,
            region: REGION,
            now: time::now(),
        });
        let query = [(setting, None)];
        let headers = signer.sign_headers(&OssRequest {
            method,
            bucket: BUCKET,
            key: None,
            query: &query,
            headers: &[],
            additional_headers: &[],
        });
        let lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let lines = lines.concat();
        let head = format!(
            "{method} /?{setting} HTTP/1.1\r\nHost: {BUCKET}.localhost\r\nConnection: close\r\n\
             Content-Length: {}\r\n{lines}\r\n",
            body.len()
        );
        self.oss.send((head + body).as_bytes()).await
    }
}

/// Returns the titles of the changes that a run has planned.
pub(super) fn changes(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.out.lines().filter_map(|line| line.strip_prefix("change   "));
    lines.map(str::to_owned).collect()
}
