//! What a file says about where the key comes from, and the source that is built from it.
//!
//! Both kinds of file are read into the same [`Plan`]; here it meets the network and the defaults.

use std::path::PathBuf;
use std::sync::Arc;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::FailureKind;
use crate::credentials::Fetching;
use crate::credentials::Means;
use crate::credentials::Provider;
use crate::credentials::provider::assume_role::AssumeRole;
use crate::credentials::provider::external::External;
use crate::credentials::provider::found::Found;
use crate::credentials::provider::metadata::Metadata;
use crate::credentials::provider::metadata::MetadataOptions;
use crate::credentials::provider::oidc::Oidc;
use crate::credentials::provider::role::Role;
use crate::secret::Secret;

/// What the sources that a file names are built with, where the file itself does not say.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The network and the dice.
    pub means: Means,
    /// Scheme and host of STS.
    pub sts_endpoint: String,
    /// The name under which a role's session shows in audit logs.
    pub session_name: String,
    /// The metadata service; none when it must not be asked.
    pub metadata: Option<MetadataOptions>,
}

/// Where the key comes from.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// It stands in the file.
    Key(Found),
    /// The instance's role has it.
    Metadata { role: Option<String> },
    /// Another key takes a role.
    AssumeRole { base: Box<Self>, role: Role },
    /// A pod's token takes a role.
    Oidc { provider_arn: String, token_file: PathBuf, role: Role },
    /// A command prints it.
    External { command: Secret },
}

impl Plan {
    /// Fetches the key by this plan.
    pub(super) async fn fetch(
        self,
        around: &Surroundings,
        errand: Errand<'_>,
    ) -> Result<Credentials, Failure> {
        let provider = self.build(around)?;
        provider.fetch(errand).await.map_err(|failure| match failure.kind {
            // The file names this source, so it is set up here, and its silence is a fault.
            FailureKind::Absent => Failure::temporary(failure.reason),
            _ => failure,
        })
    }

    fn build(self, around: &Surroundings) -> Result<Arc<dyn Provider>, Failure> {
        Ok(match self {
            Self::Key(found) => Arc::new(Written(found)),
            Self::Metadata { role } => {
                let options = around.metadata.clone().ok_or_else(|| {
                    Failure::absent("the metadata service that it names is switched off")
                })?;
                let role = role.or(options.role);
                let options = MetadataOptions { role, ..options };
                Arc::new(Metadata::new(options, Arc::clone(&around.means.http)))
            }
            Self::AssumeRole { base, role } => {
                let (request, sts) = (role.request(around)?, role.sts(around)?);
                Arc::new(AssumeRole::new(base.build(around)?, request, sts))
            }
            Self::Oidc { provider_arn, token_file, role } => {
                let (request, sts) = (role.request(around)?, role.sts(around)?);
                Arc::new(Oidc::new(provider_arn, token_file, request, sts))
            }
            Self::External { command } => Arc::new(External::new(command)),
        })
    }
}

/// A key that stands in a file.
#[derive(Debug)]
struct Written(Found);

impl Provider for Written {
    fn name(&self) -> &'static str {
        "file"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        let checked = self.0.clone().check(errand.now);
        Box::pin(async {
            checked.map_err(|flaw| Failure::permanent(format!("its key is of no use: {flaw}")))
        })
    }
}
