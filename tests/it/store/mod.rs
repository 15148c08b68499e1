//! The store that all instances share, on a real Redis server: what holds for all of them, and what happens if it fails.

mod counting;
mod failures;
mod processes;
mod sessions;
mod settings;
mod tickets;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oss_upload_signer::app::App;
use oss_upload_signer::auth::ticket::Ticket;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

use crate::support::app::{Function, NOW, SMALL};
use crate::support::ticket::ticket_of;

/// A limit that a busy machine keeps too.
const PATIENT: Duration = Duration::from_secs(20);

const TICKET_KEY: &str = "an example key of more than 32 bytes";

const ROUTES: &str = "[routes.default]\n[routes.videos]\nbucket = \"otherbucket\"\n";

/// One instance of the function, in process.
struct Instance {
    url: String,
    variables: Vec<(String, String)>,
    time_limit: Duration,
    connect_limit: Duration,
    seconds: i64,
}

impl Instance {
    fn of(url: &str, variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(owned).collect();
        Self {
            url: url.to_owned(),
            variables,
            time_limit: PATIENT,
            connect_limit: PATIENT,
            seconds: 0,
        }
    }

    /// Starts it.
    fn start(&self) -> Function {
        self.start_with_clock(Arc::new(AtomicI64::new(NOW + self.seconds)))
    }

    /// Starts it with a clock that a test moves, in Unix seconds.
    fn start_with_clock(&self, clock: Arc<AtomicI64>) -> Function {
        let now = move || Timestamp::from_unix(clock.load(Ordering::Relaxed)).unwrap();
        let mut settings = Settings::load(&self.environment(), Some(ROUTES), now()).unwrap();
        if let Some(store) = &mut settings.store {
            store.time_limit = self.time_limit;
            store.connect_limit = self.connect_limit;
        }
        Function::of(App::new(settings).with_clock(now))
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::default();
        for (name, value) in SMALL {
            environment.set(name, value);
        }
        environment.set("UPLOAD_STORE_URL", self.url.as_str());
        for (name, value) in &self.variables {
            environment.set(name, value.as_str());
        }
        environment
    }
}

/// Signs a ticket for a subject, with an id if there is one.
fn ticket(subject: &str, id: Option<&str>) -> String {
    let ticket = Ticket { id: id.map(str::to_owned), ..ticket_of(subject, NOW + 600) };
    ticket.sign(&Secret::new(TICKET_KEY))
}

/// Lets the pause after a failure end without waiting for it.
async fn end_pause() {
    tokio::time::pause();
    tokio::time::advance(oss_upload_signer::store::PAUSE).await;
    tokio::time::resume();
}
