//! The rate of new sessions, which all instances share.

use std::sync::Arc;
use std::time::Duration;

use oss_upload_signer::app;
use oss_upload_signer::credentials::session::{RoleSession, SESSIONS_PER_SECOND, SessionPool};
use oss_upload_signer::credentials::{Credentials, FetchFuture, FetchRequest, Provider};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::store::{Options, SharedStore, StoreUrl};
use oss_upload_signer::time::Timestamp;

use crate::store::PATIENT;
use crate::support::app::NOW;
use crate::support::redis::RedisServer;

/// A provider that has a key for everyone.
#[derive(Debug)]
struct Generous;

impl Provider for Generous {
    fn name(&self) -> &'static str {
        "generous"
    }

    fn fetch<'a>(&'a self, _: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async {
            Ok(Credentials {
                key_id: "STS.id".to_owned(),
                secret: Secret::new("secret"),
                token: Some(Secret::new("token")),
                usable_until: Timestamp::from_unix(NOW + 3600),
            })
        })
    }
}

/// The sessions of one instance.
fn pool(redis: &RedisServer) -> SessionPool {
    let options = Options::new(StoreUrl::parse(&redis.url()).unwrap());
    let options = Options { time_limit: PATIENT, connect_limit: PATIENT, ..options };
    let store = Arc::new(SharedStore::new(options, app::system_random()));
    let open = Box::new(|_: &RoleSession| Ok(Arc::new(Generous) as Arc<dyn Provider>));
    SessionPool::new(open, Duration::from_mins(10), app::system_random()).with_store(store)
}

#[tokio::test]
async fn all_instances_together_open_fifty_sessions_a_second() {
    let redis = RedisServer::start(&[]).await;
    let (one, other) = (pool(&redis), pool(&redis));
    let now = Timestamp::from_unix(NOW).unwrap();
    let mut opened = 0;
    for number in 0..SESSIONS_PER_SECOND + 10 {
        let pool = if number % 2 == 0 { &one } else { &other };
        let session = RoleSession::for_subject(&number.to_string(), "policy".to_owned());
        match pool.open_once(&session, None, now).await {
            Ok(_) => opened += 1,
            Err(error) => {
                assert_eq!(error.reason, "50 sessions a second are opened and no more");
            }
        }
        if number == 0 {
            // A busy machine needs longer than a second.
            assert_eq!(redis.ask(&["PEXPIRE", &redis.names()[0], "60000"]), "1");
        }
    }
    assert_eq!(opened, SESSIONS_PER_SECOND);
    redis.ask(&["FLUSHALL"]);
    let session = RoleSession::for_subject("alice", "policy".to_owned());
    assert!(other.open_once(&session, None, now).await.is_ok());
}
