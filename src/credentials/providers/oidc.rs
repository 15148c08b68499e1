//! A role, taken with the identity token of a pod (RRSA).
//!
//! The cluster renews the token by writing its file again, so the file is read for each exchange, and once more
//! when STS reports the token as expired. The token is sent in the body of the request only.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::PathBuf;

use crate::credentials::sts::request::StsAuthentication;
use crate::credentials::sts::{ExchangeError, RoleRequest, StsClient};
use crate::credentials::{
    Credentials, FetchDeadline, FetchFuture, FetchRequest, Provider, ProviderError,
};
use crate::secret::Secret;

/// Characters of a token that STS accepts.
const MIN_TOKEN: usize = 4;
const MAX_TOKEN: usize = 20_000;

/// Takes a role with the token in a file.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    provider_arn: String,
    token_file: PathBuf,
    role: RoleRequest,
    sts: StsClient,
}

impl OidcProvider {
    /// Takes `role` with the token in `token_file`. This request has no external id, so that of `role` is not
    /// sent.
    #[must_use]
    pub fn new(
        provider_arn: String,
        token_file: PathBuf,
        role: RoleRequest,
        sts: StsClient,
    ) -> Self {
        Self { provider_arn, token_file, role, sts }
    }

    async fn assume(&self, deadline: &FetchDeadline) -> Result<Credentials, ProviderError> {
        match self.exchange(deadline).await {
            Err(error) if error.is_stale => self.exchange(deadline).await,
            done => done,
        }
        .map_err(|error| error.error)
    }

    async fn exchange(&self, deadline: &FetchDeadline) -> Result<Credentials, ExchangeError> {
        let token = self.read_token()?;
        let authentication =
            StsAuthentication::IdentityToken { provider_arn: &self.provider_arn, token: &token };
        self.sts.exchange(&self.role, authentication, deadline).await
    }

    /// Reads the token. The file is small and in memory, so this does not block noticeably.
    fn read_token(&self) -> Result<Secret, ProviderError> {
        let path = self.token_file.display();
        let token = read(&self.token_file).map_err(|error| {
            ProviderError::permanent(format!("the token file {path} cannot be read: {error}"))
        })?;
        match token.expose().chars().count() {
            MIN_TOKEN..=MAX_TOKEN => Ok(token),
            _ => Err(ProviderError::permanent(format!(
                "the token file {path} does not hold {MIN_TOKEN} to {MAX_TOKEN} characters"
            ))),
        }
    }
}

impl Provider for OidcProvider {
    fn name(&self) -> &'static str {
        "oidc"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async move {
            let deadline = FetchDeadline::start(request);
            deadline.limit(self.assume(&deadline)).await
        })
    }
}

/// Reads a file without the line break at its end, and not much more than the length of a token.
fn read(path: &PathBuf) -> io::Result<Secret> {
    let mut text = String::new();
    File::open(path)?.take(4 * MAX_TOKEN as u64).read_to_string(&mut text)?;
    text.truncate(text.trim_end().len());
    Ok(Secret::new(text))
}
