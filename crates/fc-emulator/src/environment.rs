//! The variables that an instance is started with: the platform's and the function's own, and
//! nothing of the process that rehearses.
//!
//! From "Environment variables": the list of reserved names, what a name may look like, and that
//! all of a function's own have to fit into 4 KB.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::function::ACCOUNT;
use crate::function::Function;
use crate::function::HANDLER;
use crate::function::Keys;

/// Where the platform's images keep their programs.
pub(crate) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The prefix of names that the platform keeps for itself.
const RESERVED: &str = "FC_";

/// What all names and values of a function's own variables may measure together.
const MAX_BYTES: usize = 4 * 1024;

/// The function's own variables. Values may be secrets, so only the names show.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a variable, as far as the platform lets it be set.
    ///
    /// # Errors
    ///
    /// If the platform would refuse the name, or all of them together.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), VariableError> {
        let fault = |reason| Err(VariableError { name: name.to_owned(), reason });
        if name.starts_with(RESERVED) {
            return fault(Reason::Reserved);
        }
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || !name.chars().all(fits) {
            return fault(Reason::Name);
        }
        if value.contains('\0') {
            return fault(Reason::Value);
        }
        self.0.insert(name.to_owned(), value.to_owned());
        let bytes: usize = self.0.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_BYTES {
            return fault(Reason::Together(bytes));
        }
        Ok(())
    }

    /// Tells whether a variable is set.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Tells whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives what an instance is started with.
    pub(crate) fn complete(&self, place: &Place<'_>) -> BTreeMap<String, String> {
        let function = place.function;
        let mut code = place.code.display().to_string();
        code.push('/');
        let mut all = BTreeMap::from([
            ("PATH", SEARCH_PATH.to_owned()),
            ("FC_FUNC_CODE_PATH", code),
            ("FC_ACCOUNT_ID", ACCOUNT.to_owned()),
            ("FC_FUNCTION_HANDLER", HANDLER.to_owned()),
            ("FC_FUNCTION_MEMORY_SIZE", function.memory.to_string()),
            ("FC_FUNCTION_NAME", function.name.clone()),
            ("FC_REGION", function.region.clone()),
            ("FC_CUSTOM_LISTEN_PORT", place.port.to_string()),
            ("FC_INSTANCE_ID", place.instance_id.to_owned()),
        ]);
        if let Some(keys) = place.keys {
            all.insert("ALIBABA_CLOUD_ACCESS_KEY_ID", keys.access_key_id.clone());
            all.insert("ALIBABA_CLOUD_ACCESS_KEY_SECRET", keys.access_key_secret.clone());
            all.insert("ALIBABA_CLOUD_SECURITY_TOKEN", keys.security_token.clone());
        }
        let mut all: BTreeMap<String, String> =
            all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        all.extend(self.0.clone());
        all
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where an instance is started.
pub(crate) struct Place<'a> {
    pub(crate) code: &'a Path,
    pub(crate) function: &'a Function,
    pub(crate) keys: Option<&'a Keys>,
    pub(crate) instance_id: &'a str,
    pub(crate) port: u16,
}

/// Says why a variable cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableError {
    name: String,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Reserved,
    Name,
    Value,
    Together(usize),
}

impl fmt::Display for VariableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        match reason {
            Reason::Reserved => write!(
                formatter,
                "{name}: names that begin with {RESERVED} belong to the platform; choose another"
            ),
            Reason::Name => write!(
                formatter,
                "{name:?} is no name of a variable; it begins with a letter and has letters, digits \
                 and underscores"
            ),
            Reason::Value => write!(formatter, "{name}: its value has a zero byte; leave it out"),
            Reason::Together(bytes) => write!(
                formatter,
                "{name} brings the function's variables to {bytes} bytes, and the platform takes \
                 {MAX_BYTES}; put the large ones into a file of the package"
            ),
        }
    }
}

impl std::error::Error for VariableError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_platform_takes_can_be_set() {
        let mut variables = Variables::default();
        variables.set("A_1", "x").unwrap();
        for (name, value) in [("FC_REGION", "x"), ("1A", "x"), ("", "x"), ("A-B", "x"), ("A", "\0")]
        {
            variables.set(name, value).unwrap_err();
        }
        variables.set("LARGE", &"l".repeat(MAX_BYTES - 4 - "LARGE".len())).unwrap();
        let error = variables.set("B", "").unwrap_err().to_string();
        assert!(error.starts_with("B brings the function's variables to 4097 bytes"), "{error}");
    }

    #[test]
    fn an_instance_gets_the_platforms_variables_and_its_own() {
        let mut variables = Variables::default();
        variables.set("OWN", "marker-value").unwrap();
        assert_eq!(format!("{variables:?}"), r#"{"OWN"}"#);
        let function = Function::new("signer", "cn-hangzhou");
        let keys = Keys {
            access_key_id: "STS.id".to_owned(),
            access_key_secret: "secret".to_owned(),
            security_token: "token".to_owned(),
        };
        let mut place = Place {
            code: Path::new("/unpacked"),
            function: &function,
            keys: Some(&keys),
            instance_id: "c-1",
            port: 9000,
        };
        let lines = |place: &Place<'_>| {
            let all = variables.complete(place);
            all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        insta::assert_snapshot!(lines(&place).join("\n"), @"
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
        place.keys = None;
        assert_eq!(lines(&place).len(), 10);
    }
}
