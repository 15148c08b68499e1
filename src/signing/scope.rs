//! The scope of a V4 signature: one day, one region, the service.

use crate::time::Timestamp;

/// The product in a scope; the acceleration and custom-domain hosts use it too.
pub const SERVICE: &str = "oss";

/// The last part of every scope.
pub const TERMINATOR: &str = "aliyun_v4_request";

/// One day in one region, for which a signing key is derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The day as `YYYYMMDD` in UTC.
    pub date: String,
    /// The general region id.
    pub region: String,
}

impl Scope {
    /// Takes the day of `now`, which has to be the moment of `x-oss-date` too.
    #[must_use]
    pub fn new(now: Timestamp, region: &str) -> Self {
        Self { date: now.date(), region: region.to_owned() }
    }

    /// Writes the `x-oss-credential` field: the key id, then the scope.
    #[must_use]
    pub fn credential(&self, key_id: &str) -> String {
        format!("{key_id}/{}/{}/{SERVICE}/{TERMINATOR}", self.date, self.region)
    }
}
