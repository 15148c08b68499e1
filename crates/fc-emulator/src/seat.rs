//! The place of one request at a function: a standing one, or room in an instance.

use std::sync::Arc;

use crate::fleet::Reserved;
use crate::forward::Upstream;
use crate::instance::Instance;

/// A request's place. An instance counts as busy until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    upstream: Arc<Upstream>,
    taken: Option<Taken>,
}

#[derive(Debug)]
struct Taken {
    instance: Arc<Instance>,
    request_id: String,
    _room: Reserved,
}

impl Seat {
    /// A place at a function that somebody else runs.
    pub(crate) fn standing(upstream: Arc<Upstream>) -> Self {
        Self { upstream, taken: None }
    }

    /// A place in an instance.
    pub(crate) fn taken(instance: Arc<Instance>, room: Reserved, request_id: &str) -> Self {
        instance.under_way().begin(request_id);
        let upstream = Arc::clone(instance.upstream());
        let request_id = request_id.to_owned();
        Self { upstream, taken: Some(Taken { instance, request_id, _room: room }) }
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn instance(&self) -> Option<&Arc<Instance>> {
        self.taken.as_ref().map(|taken| &taken.instance)
    }

    /// Ends the instance: its request has taken too long.
    pub(crate) fn kill(&self) {
        if let Some(instance) = self.instance() {
            instance.kill();
        }
    }

    /// Finds out whether the instance has ended, after its connection has broken.
    pub(crate) async fn settle(&self) {
        if let Some(instance) = self.instance() {
            instance.settle().await;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.instance.under_way().end(&self.request_id);
    }
}
