//! Which sources there are, and how they are put together: what the settings say, made real.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Means;
use crate::credentials::Provider;
use crate::credentials::broker::Broker;
use crate::credentials::broker::Role;
use crate::credentials::cache::Cache;
use crate::credentials::chain::Chain;
use crate::credentials::own::Own;
use crate::credentials::provider::assume_role::AssumeRole;
use crate::credentials::provider::environment::EnvironmentKey;
use crate::credentials::provider::ini::Ini;
use crate::credentials::provider::ini::IniOptions;
use crate::credentials::provider::metadata::Metadata;
use crate::credentials::provider::metadata::MetadataOptions;
use crate::credentials::provider::oidc::Oidc;
use crate::credentials::provider::plan::Surroundings;
use crate::credentials::provider::profile::Profile;
use crate::credentials::provider::profile::ProfileOptions;
use crate::credentials::provider::uri::CredentialsUri;
use crate::credentials::sessions::Open;
use crate::credentials::sessions::Sessions;
use crate::credentials::sts::RoleRequest;
use crate::credentials::sts::Sts;
use crate::secret::Secret;

/// Which sources may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// All of them, in the order of this list.
    #[default]
    Auto,
    /// The keys that come with each request.
    Request,
    /// The environment.
    Environment,
    /// A role for the identity token of a pod.
    Oidc,
    /// A profile of the command line tool.
    Profile,
    /// The shared credentials file.
    File,
    /// The metadata service of a server.
    Metadata,
    /// The address in `ALIBABA_CLOUD_CREDENTIALS_URI`.
    Uri,
}

impl Source {
    /// Every source; the order is that of Alibaba's own libraries behind the request's keys.
    pub const ALL: [Self; 8] = [
        Self::Auto,
        Self::Request,
        Self::Environment,
        Self::Oidc,
        Self::Profile,
        Self::File,
        Self::Metadata,
        Self::Uri,
    ];

    /// Tells whether `source` may be asked.
    fn admits(self, source: Self) -> bool {
        self == Self::Auto || self == source
    }

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Request => "request",
            Self::Environment => "environment",
            Self::Oidc => "oidc",
            Self::Profile => "profile",
            Self::File => "file",
            Self::Metadata => "metadata",
            Self::Uri => "uri",
        }
    }
}

/// What the settings say of credentials. What is none is not set up, or switched off.
#[derive(Debug)]
pub struct Sources {
    /// Which sources may be asked.
    pub source: Source,
    /// The key in the environment.
    pub environment_key: Option<EnvironmentKey>,
    /// How long the longest form lasts.
    pub longest: Duration,
    /// Scheme and host of STS.
    pub sts_endpoint: String,
    /// The name in audit logs of a role's session that a file describes.
    pub session_name: String,
    /// The role of a pod.
    pub pod: Option<PodRole>,
    /// The profile of the command line tool.
    pub profile: Option<ProfileOptions>,
    /// The shared credentials file.
    pub ini: Option<IniOptions>,
    /// The metadata service.
    pub metadata: Option<MetadataOptions>,
    /// The address of a credentials service, which may itself be a secret.
    pub uri: Option<Secret>,
    /// The role that is taken with the key of any of them.
    pub role: Option<RoleRequest>,
}

/// The role of a pod, and the token that proves which pod it is.
#[derive(Clone, Debug)]
pub struct PodRole {
    /// The ARN of the identity provider.
    pub provider_arn: String,
    /// The file with the token.
    pub token_file: PathBuf,
    /// The role.
    pub request: RoleRequest,
}

impl Sources {
    /// Puts the sources together.
    #[must_use]
    pub fn build(mut self, means: &Means) -> Broker {
        let sts = Sts { endpoint: self.sts_endpoint.clone(), means: means.clone() };
        let (role, longest) = (self.role.take(), self.longest);
        let own = Arc::new(self.own(&sts));
        let role = role.map(|request| take(request, &own, &sts, longest));
        Broker::new(own, role)
    }

    fn own(mut self, sts: &Sts) -> Own {
        let (source, longest) = (self.source, self.longest);
        let environment = self.environment_key.take();
        let chain = self.chain(sts);
        let draw = Arc::clone(&sts.means.draw);
        let discovered =
            (!chain.is_empty()).then(|| Cache::new(Arc::new(Chain::new(chain)), longest, draw));
        Own {
            request: source.admits(Source::Request),
            reads_environment: source.admits(Source::Environment),
            environment: environment.filter(|_| source.admits(Source::Environment)),
            discovered,
        }
    }

    /// The sources that have to be asked, in their order. A pod's role comes before the metadata
    /// service, which would give the role of the pod's node.
    fn chain(self, sts: &Sts) -> Vec<Arc<dyn Provider>> {
        let Means { http, .. } = &sts.means;
        let around = Surroundings {
            means: sts.means.clone(),
            sts_endpoint: self.sts_endpoint,
            session_name: self.session_name,
            metadata: self.metadata.clone(),
        };
        let sources = [
            set_up(Source::Oidc, self.pod, |pod| {
                Oidc::new(pod.provider_arn, pod.token_file, pod.request, sts.clone())
            }),
            set_up(Source::Profile, self.profile, |options| Profile::new(options, around.clone())),
            set_up(Source::File, self.ini, |options| Ini::new(options, around.clone())),
            set_up(Source::Metadata, self.metadata, |options| {
                Metadata::new(options, Arc::clone(http))
            }),
            set_up(Source::Uri, self.uri, |uri| CredentialsUri::new(uri, Arc::clone(http))),
        ];
        let asked = sources.into_iter().filter(|(source, _)| self.source.admits(*source));
        asked.map(|(_, provider)| provider).collect()
    }
}

/// Makes a source of its options; without any it only says why it has nothing to give.
fn set_up<O, P: Provider + 'static>(
    source: Source,
    options: Option<O>,
    make: impl FnOnce(O) -> P,
) -> (Source, Arc<dyn Provider>) {
    match options {
        Some(options) => (source, Arc::new(make(options))),
        None => (source, Arc::new(NotSetUp(source))),
    }
}

/// Stands in the place of a source that is not set up, to say so when nobody has a key.
#[derive(Debug)]
struct NotSetUp(Source);

impl Provider for NotSetUp {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fetch<'a>(&'a self, _: Errand<'a>) -> Fetching<'a> {
        let reason = match self.0 {
            Source::Oidc => {
                "ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and \
                 ALIBABA_CLOUD_OIDC_TOKEN_FILE are not all set"
            }
            Source::Uri => "ALIBABA_CLOUD_CREDENTIALS_URI is not set",
            Source::Metadata => "it is switched off, or this is Function Compute",
            _ => "it is switched off, or HOME is not set",
        };
        Box::pin(async move { Err(Failure::absent(reason)) })
    }
}

/// Takes a role with the function's own key: one session for all, and one for each caller that
/// needs its own.
fn take(request: RoleRequest, own: &Arc<Own>, sts: &Sts, longest: Duration) -> Role {
    let shared = AssumeRole::new(Arc::clone(own) as _, request.clone(), sts.clone());
    let draw = Arc::clone(&sts.means.draw);
    let shared = Cache::new(Arc::new(shared), longest, Arc::clone(&draw));
    let (own, sts) = (Arc::clone(own), sts.clone());
    let open: Open = Box::new(move |session| {
        let narrowed = RoleRequest::new(&request.role_arn, &session.name, request.duration)
            .and_then(|narrowed| narrowed.with_policy(&session.policy))
            .and_then(|narrowed| match &request.external_id {
                Some(id) => narrowed.with_external_id(id),
                None => Ok(narrowed),
            });
        let narrowed = narrowed.map_err(|error| Failure::permanent(error.to_string()))?;
        Ok(Arc::new(AssumeRole::new(Arc::clone(&own) as _, narrowed, sts.clone())))
    });
    Role { shared, sessions: Sessions::new(open, longest, draw) }
}
