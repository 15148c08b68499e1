//! The settings of the server. Plain values with defaults; reading them from an environment or a file is left to the
//! program.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::log::LogWriter;

/// The variables that name the port, the first one that is set wins. The platform sets the first, its local emulator
/// the second.
const PORT_VARIABLES: [&str; 2] = ["FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT"];

/// The platform's default port.
const DEFAULT_PORT: u16 = 9000;

/// Limits, timeouts, and whether the platform is in front.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest request body in bytes; a longer one is answered 413. Default 1 MiB.
    pub max_body: usize,
    /// The largest sum of header fields in bytes; more is answered 431. Default 16 KiB, twice the platform's limit.
    pub max_header_bytes: usize,
    /// The longest time of one request, the reading of its body included. Default 10 s.
    pub deadline: Duration,
    /// How long a shutdown waits for requests in progress. Default 5 s.
    pub drain: Duration,
    /// The most open connections. At the limit a new connection replaces the oldest that has sent no whole request. An
    /// instance serves at most 200 requests at a time, so this bounds idle and half-dead connections. Default 1024.
    pub max_connections: usize,
    /// How long a connection may be open without one whole request head. A connection that is idle after a request is
    /// never closed for its age. Default 30 s.
    pub fresh_timeout: Duration,
    /// How long a client may read nothing of a response before its connection is closed. Default 10 s.
    pub write_timeout: Duration,
    /// Whether the platform's gateway is in front, so that the `x-fc-*` headers are its own. Default `false`: then
    /// anybody may have written them, and no keys and hooks are taken from them.
    pub platform: bool,
    /// Returns what is logged of a path, which comes without its query. Default: all of it. A program that takes
    /// secrets in paths removes them here.
    pub log_path: for<'a> fn(&'a str) -> Cow<'a, str>,
    /// Where the platform's lines go. Default: standard output.
    pub log: LogWriter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_body: 1024 * 1024,
            max_header_bytes: 16 * 1024,
            deadline: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            max_connections: 1024,
            fresh_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            platform: false,
            log_path: |path| Cow::Borrowed(path),
            log: LogWriter::stdout(),
        }
    }
}

/// Returns the port that the platform will call: the value of `FC_CUSTOM_LISTEN_PORT` or `FC_SERVER_PORT`, else 9000.
/// An empty variable counts as unset.
///
/// # Errors
///
/// [`PortError`] names the variable whose value is no port. With another port instead, the platform would wait two
/// minutes for a connection and then fail without a reason.
///
/// ```
/// assert_eq!(fc_http::port(|_| None).unwrap(), 9000);
/// assert!(fc_http::port(|_| Some("http".to_owned())).is_err());
/// ```
pub fn port(variable: impl Fn(&str) -> Option<String>) -> Result<u16, PortError> {
    let found = PORT_VARIABLES.into_iter().find_map(|name| {
        let value = variable(name)?;
        (!value.is_empty()).then_some((name, value))
    });
    let Some((variable, value)) = found else {
        return Ok(DEFAULT_PORT);
    };
    match value.parse() {
        Ok(0) | Err(_) => Err(PortError { variable, value }),
        Ok(port) => Ok(port),
    }
}

/// A variable that should name a port and does not. Correct its value, or unset it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortError {
    variable: &'static str,
    value: String,
}

impl fmt::Display for PortError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value } = self;
        write!(formatter, "{variable} is {value:?}, but a port is a number from 1 to 65535")
    }
}

impl Error for PortError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn port_with(variables: &[(&str, &str)]) -> Result<u16, PortError> {
        port(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_platforms_variable_wins_over_its_emulators() {
        let both = [("FC_SERVER_PORT", "9002"), ("FC_CUSTOM_LISTEN_PORT", "9001")];
        assert_eq!(port_with(&both), Ok(9001));
        assert_eq!(port_with(&both[..1]), Ok(9002));
        assert_eq!(port_with(&[]), Ok(9000));
        assert_eq!(port_with(&[("FC_CUSTOM_LISTEN_PORT", "")]), Ok(9000));
    }

    #[test]
    fn a_bad_value_is_named_with_its_variable() {
        for bad in ["0", "65536", "-1", "http", " 9000", "9000\n"] {
            let error = port_with(&[("FC_SERVER_PORT", bad)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("FC_SERVER_PORT is {bad:?}, but a port is a number from 1 to 65535")
            );
        }
    }
}
