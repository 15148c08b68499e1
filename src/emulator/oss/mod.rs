//! OSS: a bucket that checks what the real one checks.

mod answer;
mod auth;
mod call;
mod cors;
mod dates;
mod dispatch;
mod fields;
mod form;
mod get_object;
mod host;
mod inflow;
mod judge;
mod judgement;
mod key;
mod multipart;
mod options;
mod outflow;
pub mod policy;
mod post_object;
mod reception;
mod refusal;
mod server;
mod site;
mod store;
mod xml;

use std::fmt;
use std::future::Future;
use std::io;

use tokio::net::TcpListener;

use self::site::Site;

pub use self::fields::Success;
pub use self::fields::Wishes;
pub use self::form::Form;
pub use self::judge::Court;
pub use self::judge::Verdict;
pub use self::judgement::Judgement;
pub use self::judgement::Leniency;
pub use self::judgement::Patience;
pub use self::options::AccessKey;
pub use self::options::Bucket;
pub use self::options::Clock;
pub use self::options::Event;
pub use self::options::Observer;
pub use self::options::OpenError;
pub use self::options::Options;
pub use self::refusal::Kind;
pub use self::refusal::Refusal;

/// A local OSS, opened and not yet serving.
pub struct Oss {
    site: Site,
}

impl Oss {
    /// Opens the data folder and clears what an earlier run left unfinished.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Site::open(options).map(|site| Self { site })
    }

    /// Serves until `shutdown` ends; uploads that are under way then have ten seconds to finish.
    pub async fn serve<F: Future<Output = ()>>(
        self,
        listener: TcpListener,
        shutdown: F,
    ) -> io::Result<()> {
        server::serve(self.site, listener, shutdown).await
    }
}

impl fmt::Debug for Oss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Oss").finish_non_exhaustive()
    }
}
