//! The settings of a function: what it is, how its instances start, and how many there may be.
//!
//! [`Function`] is what every request names in its headers. [`FunctionConfig`] is what instances are
//! started from. The child modules hold the settings that have bounds of their own.

mod environment;
mod health_check;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use environment::SEARCH_PATH;
pub use environment::{EnvironmentError, EnvironmentVariables};
pub use health_check::{HealthCheck, HealthCheckError};

/// The account id in headers and variables.
pub(crate) const ACCOUNT: &str = "1000000000000000";

/// The handler's name; the platform sets it for custom runtimes too, which do not use it.
pub(crate) const HANDLER: &str = "index.handler";

/// How long the platform waits for the port of a new instance.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// A function as its settings on the platform describe it.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name of the function.
    pub name: String,
    /// The region, such as `cn-hangzhou`.
    pub region: String,
    /// The memory in MB (`memorySize`).
    pub memory: u32,
    /// How long one request may take (`timeout`).
    pub timeout: Duration,
}

impl Function {
    /// Describes a function of 128 MB with a timeout of one minute.
    #[must_use]
    pub fn new(name: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            region: region.into(),
            memory: 128,
            timeout: Duration::from_mins(1),
        }
    }
}

/// The temporary credentials of the function's role. `Debug` prints none of them.
#[derive(Clone)]
pub struct RoleCredentials {
    /// The access key id, which begins with `STS.`.
    pub access_key_id: String,
    /// The access key secret.
    pub access_key_secret: String,
    /// The security token.
    pub security_token: String,
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RoleCredentials(…)")
    }
}

/// What instances are started from, and how many there may be.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// The directory of the code.
    pub code: PathBuf,
    /// The start command, in which `/code/` means that directory. Empty starts `bootstrap`.
    pub command: Vec<String>,
    /// The function's own environment variables.
    pub variables: EnvironmentVariables,
    /// The role's credentials in the environment, if the function has a role.
    pub credentials: Option<RoleCredentials>,
    /// The function.
    pub function: Function,
    /// The port, if the function does not read `FC_CUSTOM_LISTEN_PORT`. There is then at most one
    /// instance, because all instances share this machine. `None` gives each instance a free port.
    pub port: Option<u16>,
    /// How long an instance may take to open its port.
    pub start_timeout: Duration,
    /// The timeout of the initializer hook; `None` if the hook is off.
    pub initializer: Option<Duration>,
    /// The health check; `None` if it is off.
    pub health_check: Option<HealthCheck>,
    /// The timeout of the pre-stop hook; `None` if the hook is off.
    pub pre_stop: Option<Duration>,
    /// How many requests an instance takes at once (`instanceConcurrency`).
    pub concurrency: usize,
    /// How many instances there may be.
    pub max_instances: usize,
    /// Whether an instance without requests is frozen.
    pub freeze_idle: bool,
}

impl FunctionConfig {
    /// The longest timeout that the platform accepts for the initializer hook.
    pub const MAX_INITIALIZER: Duration = Duration::from_mins(5);

    /// The longest timeout that the platform accepts for the pre-stop hook.
    pub const MAX_PRE_STOP: Duration = Duration::from_secs(90);

    /// The platform's defaults: one request at a time, no hooks, no health check. One instance.
    #[must_use]
    pub fn new(code: PathBuf, function: Function) -> Self {
        Self {
            code,
            command: Vec::new(),
            variables: EnvironmentVariables::default(),
            credentials: None,
            function,
            port: None,
            start_timeout: START_TIMEOUT,
            initializer: None,
            health_check: None,
            pre_stop: None,
            concurrency: 1,
            max_instances: 1,
            freeze_idle: true,
        }
    }

    /// Returns the whole environment of an instance: the platform's variables and the function's own.
    /// Nothing of this process's environment is in it.
    pub(crate) fn environment(&self, instance_id: &str, port: u16) -> BTreeMap<String, String> {
        let function = &self.function;
        let mut all = BTreeMap::from([
            ("PATH", SEARCH_PATH.to_owned()),
            ("FC_FUNC_CODE_PATH", format!("{}/", self.code.display())),
            ("FC_ACCOUNT_ID", ACCOUNT.to_owned()),
            ("FC_FUNCTION_HANDLER", HANDLER.to_owned()),
            ("FC_FUNCTION_MEMORY_SIZE", function.memory.to_string()),
            ("FC_FUNCTION_NAME", function.name.clone()),
            ("FC_REGION", function.region.clone()),
            ("FC_CUSTOM_LISTEN_PORT", port.to_string()),
            ("FC_INSTANCE_ID", instance_id.to_owned()),
        ]);
        if let Some(credentials) = &self.credentials {
            all.insert("ALIBABA_CLOUD_ACCESS_KEY_ID", credentials.access_key_id.clone());
            all.insert("ALIBABA_CLOUD_ACCESS_KEY_SECRET", credentials.access_key_secret.clone());
            all.insert("ALIBABA_CLOUD_SECURITY_TOKEN", credentials.security_token.clone());
        }
        let platform = all.into_iter().map(|(name, value)| (name.to_owned(), value));
        let own = self.variables.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        platform.chain(own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_gets_the_platforms_variables_and_its_own() {
        let mut config =
            FunctionConfig::new("/unpacked".into(), Function::new("signer", "cn-hangzhou"));
        config.variables.set("OWN", "marker-value").unwrap();
        assert_eq!(format!("{:?}", config.variables), r#"{"OWN"}"#);
        config.credentials = Some(RoleCredentials {
            access_key_id: "STS.id".to_owned(),
            access_key_secret: "secret".to_owned(),
            security_token: "token".to_owned(),
        });
        let lines = |config: &FunctionConfig| {
            let all = config.environment("c-1", 9000);
            all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        insta::assert_snapshot!(lines(&config).join("\n"), @"
        ALIBABA_CLOUD_ACCESS_KEY_ID=STS.id
        ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret
        ALIBABA_CLOUD_SECURITY_TOKEN=token
        FC_ACCOUNT_ID=1000000000000000
        FC_CUSTOM_LISTEN_PORT=9000
        FC_FUNCTION_HANDLER=index.handler
        FC_FUNCTION_MEMORY_SIZE=128
        FC_FUNCTION_NAME=signer
        FC_FUNC_CODE_PATH=/unpacked/
        FC_INSTANCE_ID=c-1
        FC_REGION=cn-hangzhou
        OWN=marker-value
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        ");
        config.credentials = None;
        assert_eq!(lines(&config).len(), 10);
    }
}
