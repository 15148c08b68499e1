//! The settings of credentials, and the source that is built from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::assume_role::AssumeRole;
use crate::credentials::cache::CredentialCache;
use crate::credentials::chain::ProviderChain;
use crate::credentials::providers::ecs_metadata::{EcsMetadata, EcsMetadataOptions};
use crate::credentials::providers::environment::EnvironmentCredentials;
#[cfg(feature = "local-credentials")]
use crate::credentials::providers::local::{self, LocalOptions};
use crate::credentials::providers::oidc::OidcProvider;
use crate::credentials::providers::uri::CredentialsUri;
use crate::credentials::session::SessionPool;
use crate::credentials::source::{AssumedRole, BaseCredentials, CredentialSource};
use crate::credentials::sts::{RoleRequest, StsClient};
use crate::credentials::{FetchFuture, FetchRequest, Provider, ProviderContext, ProviderError};
use crate::secret::Secret;

/// Selects the sources that are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// All of them, in the order of this list.
    #[default]
    Auto,
    /// The keys that come with each request.
    Request,
    /// The environment.
    Environment,
    /// A role for the identity token of a pod.
    Oidc,
    /// A profile of Alibaba's command line tool.
    Profile,
    /// The shared credentials file.
    File,
    /// The metadata service of a server.
    Metadata,
    /// The service behind `ALIBABA_CLOUD_CREDENTIALS_URI`.
    Uri,
}

impl SourceKind {
    /// Every kind. After the request's keys the order is that of Alibaba's own libraries.
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

    /// Returns whether a source of the kind `other` is used.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == Self::Auto || self == other
    }

    /// Returns the name in the settings.
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

/// The settings of all sources. `None` is a source that is not configured, or switched off.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// The sources that are used.
    pub kind: SourceKind,
    /// The key in the environment.
    pub environment: Option<EnvironmentCredentials>,
    /// The lifetime of the longest form.
    pub longest_form: Duration,
    /// Scheme and host of STS.
    pub sts_endpoint: String,
    /// The name in audit logs of a role's session, where a file describes the role without a name.
    pub session_name: String,
    /// The role of a pod.
    pub oidc: Option<OidcOptions>,
    /// Files of the user's home directory.
    #[cfg(feature = "local-credentials")]
    pub local: LocalOptions,
    /// The metadata service.
    pub metadata: Option<EcsMetadataOptions>,
    /// The URL of a credentials service, which may contain a secret.
    pub uri: Option<Secret>,
    /// The role that is taken with the credentials of the source.
    pub role: Option<RoleRequest>,
}

/// The role of a pod, and the token that identifies the pod.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// The ARN of the identity provider.
    pub provider_arn: String,
    /// The file with the token.
    pub token_file: PathBuf,
    /// The role.
    pub role: RoleRequest,
}

impl SourceOptions {
    /// Builds the source. Fetches nothing yet.
    #[must_use]
    pub fn build(mut self, context: &ProviderContext) -> CredentialSource {
        let sts = StsClient { endpoint: self.sts_endpoint.clone(), context: context.clone() };
        let (role, longest_form) = (self.role.take(), self.longest_form);
        let base = Arc::new(self.build_base(&sts));
        let role = role.map(|role| assume(role, &base, &sts, longest_form));
        CredentialSource::new(base, role)
    }

    fn build_base(mut self, sts: &StsClient) -> BaseCredentials {
        let (kind, longest_form) = (self.kind, self.longest_form);
        let environment = self.environment.take();
        let providers = self.build_providers(sts);
        let random = Arc::clone(&sts.context.random);
        let chain = (!providers.is_empty()).then(|| {
            CredentialCache::new(Arc::new(ProviderChain::new(providers)), longest_form, random)
        });
        BaseCredentials {
            uses_platform_keys: kind.includes(SourceKind::Request),
            uses_environment: kind.includes(SourceKind::Environment),
            environment: environment.filter(|_| kind.includes(SourceKind::Environment)),
            chain,
        }
    }

    /// Builds the providers of the chain in their order. A pod's role comes before the metadata service,
    /// which would return the role of the pod's node.
    fn build_providers(self, sts: &StsClient) -> Vec<Arc<dyn Provider>> {
        let kind = self.kind;
        let http = &sts.context.http;
        #[cfg(feature = "local-credentials")]
        let profile_context = self.profile_context(&sts.context);
        let mut providers = vec![configured(SourceKind::Oidc, self.oidc, |oidc| {
            OidcProvider::new(oidc.provider_arn, oidc.token_file, oidc.role, sts.clone())
        })];
        #[cfg(feature = "local-credentials")]
        providers.extend(build_local(self.local, &profile_context));
        providers.extend([
            configured(SourceKind::Metadata, self.metadata, |options| {
                EcsMetadata::new(options, Arc::clone(http))
            }),
            configured(SourceKind::Uri, self.uri, |uri| CredentialsUri::new(uri, Arc::clone(http))),
        ]);
        providers.retain(|(provider, _)| kind.includes(*provider));
        providers.into_iter().map(|(_, provider)| provider).collect()
    }

    /// Builds the providers that read files of the user's home directory, and no others, whatever the settings
    /// select for the function. The developer tool signs with these, as Alibaba's command line tool does.
    #[cfg(feature = "local-credentials")]
    #[must_use]
    pub fn build_local(self, context: &ProviderContext) -> ProviderChain {
        let profile_context = self.profile_context(context);
        let providers = build_local(self.local, &profile_context);
        ProviderChain::new(providers.map(|(_, provider)| provider).into())
    }

    #[cfg(feature = "local-credentials")]
    fn profile_context(&self, context: &ProviderContext) -> local::profile_source::ProfileContext {
        local::profile_source::ProfileContext {
            context: context.clone(),
            sts_endpoint: self.sts_endpoint.clone(),
            session_name: self.session_name.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

#[cfg(feature = "local-credentials")]
fn build_local(
    options: LocalOptions,
    context: &local::profile_source::ProfileContext,
) -> [(SourceKind, Arc<dyn Provider>); 2] {
    [
        configured(SourceKind::Profile, options.profile, |profile| {
            local::config_json::CliProfile::new(profile, context.clone())
        }),
        configured(SourceKind::File, options.file, |file| {
            local::credentials_file::CredentialsFile::new(file, context.clone())
        }),
    ]
}

/// Creates a provider; without options it is one that only reports what is missing.
fn configured<O, P: Provider + 'static>(
    kind: SourceKind,
    options: Option<O>,
    create: impl FnOnce(O) -> P,
) -> (SourceKind, Arc<dyn Provider>) {
    match options {
        Some(options) => (kind, Arc::new(create(options))),
        None => (kind, Arc::new(UnconfiguredProvider(kind))),
    }
}

/// Reports that a source is not configured, for the error that lists all sources.
#[derive(Debug)]
struct UnconfiguredProvider(SourceKind);

impl Provider for UnconfiguredProvider {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fetch<'a>(&'a self, _: FetchRequest<'a>) -> FetchFuture<'a> {
        let reason = match self.0 {
            SourceKind::Oidc => {
                "ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and \
                 ALIBABA_CLOUD_OIDC_TOKEN_FILE are not all set"
            }
            SourceKind::Uri => "ALIBABA_CLOUD_CREDENTIALS_URI is not set",
            SourceKind::Metadata => "it is switched off, or this is Function Compute",
            _ => "it is switched off, or HOME is not set",
        };
        Box::pin(async move { Err(ProviderError::absent(reason)) })
    }
}

/// Takes a role with the function's own credentials: one session for all callers, and a pool for those that
/// need their own.
fn assume(
    role: RoleRequest,
    base: &Arc<BaseCredentials>,
    sts: &StsClient,
    longest_form: Duration,
) -> AssumedRole {
    let base = Arc::clone(base) as Arc<dyn Provider>;
    let shared = AssumeRole::new(Arc::clone(&base), role.clone(), sts.clone());
    let random = Arc::clone(&sts.context.random);
    let shared = CredentialCache::new(Arc::new(shared), longest_form, Arc::clone(&random));
    let sts = sts.clone();
    let sessions = SessionPool::new(
        Box::new(move |session| {
            let narrowed = role
                .narrowed(&session.name, &session.policy)
                .and_then(|role| match session.duration {
                    Some(duration) => role.with_duration(duration),
                    None => Ok(role),
                })
                .map_err(|error| ProviderError::permanent(error.to_string()))?;
            Ok(Arc::new(AssumeRole::new(Arc::clone(&base), narrowed, sts.clone())))
        }),
        longest_form,
        random,
    );
    AssumedRole { shared, sessions }
}
