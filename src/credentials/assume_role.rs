//! A role, taken with another source's key.

use std::sync::Arc;

use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::sts::RoleRequest;
use crate::credentials::sts::Sts;

/// Takes a role with the key of another source.
#[derive(Clone, Debug)]
pub struct AssumeRole {
    base: Arc<dyn Provider>,
    request: RoleRequest,
    sts: Sts,
}

impl AssumeRole {
    /// Will take the role that `request` names, with keys of `base`.
    #[must_use]
    pub fn new(base: Arc<dyn Provider>, request: RoleRequest, sts: Sts) -> Self {
        Self { base, request, sts }
    }
}

impl Provider for AssumeRole {
    fn name(&self) -> &'static str {
        "assume-role"
    }

    fn fetch<'a>(&'a self, _: Errand<'a>) -> Fetching<'a> {
        let _ = (&self.base, &self.request, &self.sts);
        Box::pin(async { Err(Failure::temporary("not built yet")) })
    }
}
