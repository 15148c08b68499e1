//! A role, taken with the identity token of a pod (RRSA).

use std::path::PathBuf;

use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::sts::RoleRequest;
use crate::credentials::sts::Sts;

/// Takes a role with the token in a file.
#[derive(Clone, Debug)]
pub struct Oidc {
    provider_arn: String,
    token_file: PathBuf,
    request: RoleRequest,
    sts: Sts,
}

impl Oidc {
    /// Will take the role that `request` names, with the token in `token_file`.
    #[must_use]
    pub fn new(provider_arn: String, token_file: PathBuf, request: RoleRequest, sts: Sts) -> Self {
        Self { provider_arn, token_file, request, sts }
    }
}

impl Provider for Oidc {
    fn name(&self) -> &'static str {
        "oidc"
    }

    fn fetch<'a>(&'a self, _: Errand<'a>) -> Fetching<'a> {
        let _ = (&self.provider_arn, &self.token_file, &self.request, &self.sts);
        Box::pin(async { Err(Failure::temporary("not built yet")) })
    }
}
