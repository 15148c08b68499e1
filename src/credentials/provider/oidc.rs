//! A role, taken with the identity token of a pod (RRSA).
//!
//! The cluster renews the token by writing the file anew, so it is read for each exchange, and once
//! more when STS finds the token expired. The token goes nowhere but into the request's body.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::PathBuf;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::sts::RoleRequest;
use crate::credentials::sts::Sts;
use crate::credentials::sts::call;
use crate::credentials::sts::call::Declined;
use crate::credentials::sts::message::Proof;
use crate::credentials::sts::watch::Watch;
use crate::secret::Secret;

/// How long a token may be for STS.
const SHORTEST: usize = 4;
const LONGEST: usize = 20_000;

/// Takes a role with the token in a file.
#[derive(Clone, Debug)]
pub struct Oidc {
    provider_arn: String,
    token_file: PathBuf,
    request: RoleRequest,
    sts: Sts,
}

impl Oidc {
    /// Will take the role that `request` names, with the token in `token_file`. STS knows no
    /// external id here, so one in `request` is not sent.
    #[must_use]
    pub fn new(provider_arn: String, token_file: PathBuf, request: RoleRequest, sts: Sts) -> Self {
        Self { provider_arn, token_file, request, sts }
    }

    async fn take(&self, watch: &Watch) -> Result<Credentials, Failure> {
        match self.exchange(watch).await {
            Err(declined) if declined.is_stale => self.exchange(watch).await,
            done => done,
        }
        .map_err(|declined| declined.failure)
    }

    async fn exchange(&self, watch: &Watch) -> Result<Credentials, Declined> {
        let token = self.read()?;
        let proof = Proof::Identity { provider_arn: &self.provider_arn, token: &token };
        call::exchange(&self.sts, &self.request, proof, watch).await
    }

    /// Reads the token. The file is small and in memory, so waiting for it holds nobody up.
    fn read(&self) -> Result<Secret, Failure> {
        let path = self.token_file.display();
        let token = read(&self.token_file).map_err(|error| {
            Failure::permanent(format!("the token file {path} cannot be read: {error}"))
        })?;
        match token.expose().chars().count() {
            SHORTEST..=LONGEST => Ok(token),
            _ => Err(Failure::permanent(format!(
                "the token file {path} does not hold {SHORTEST} to {LONGEST} characters"
            ))),
        }
    }
}

impl Provider for Oidc {
    fn name(&self) -> &'static str {
        "oidc"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(async move {
            let watch = Watch::start(errand);
            watch.limit(self.take(&watch)).await
        })
    }
}

/// Reads a file without its last line's end, and never much more than a token may be.
fn read(path: &PathBuf) -> io::Result<Secret> {
    let mut text = String::new();
    File::open(path)?.take(4 * LONGEST as u64).read_to_string(&mut text)?;
    text.truncate(text.trim_end().len());
    Ok(Secret::new(text))
}
