//! What every call to a function is stamped with: the platform's headers and a request id.

use http::HeaderMap;

use crate::header::Call;
use crate::header::Platform;
use crate::request_id::RequestIds;

/// The desk of a gateway.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) platform: Platform,
    pub(crate) request_ids: RequestIds,
}

impl Desk {
    /// Stamps a call of the platform's own: a hook or an event, whose path is also its kind.
    pub(crate) fn stamp(&self, headers: &mut HeaderMap, path: &str, request_id: &str) {
        let call = Call { control_path: path, path, request_id, retry_count: 0 };
        self.platform.sign(headers, &call);
    }
}
