//! Which port to listen on.
//!
//! The platform names it in `FC_CUSTOM_LISTEN_PORT`, its local emulator in `FC_SERVER_PORT`, and
//! without either it is 9000. The environment comes in as a lookup: it is not read here.

use std::error::Error;
use std::fmt;

const VARIABLES: [&str; 2] = ["FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT"];
const DEFAULT: u16 = 9000;

/// Finds the port the platform will call; an empty variable counts as absent.
///
/// # Errors
///
/// [`PortError`] names the variable whose value is no port. Guessing another port instead would
/// leave the platform knocking at a closed door for two minutes.
///
/// ```
/// ///
/// assert_eq!(fc_http::port(|_| None).unwrap(), 9000);
/// assert!(fc_http::port(|_| Some("http".to_owned())).is_err());
/// ```
pub fn port(lookup: impl Fn(&str) -> Option<String>) -> Result<u16, PortError> {
    let found = VARIABLES.into_iter().find_map(|variable| {
        let value = lookup(variable)?;
        (!value.is_empty()).then_some((variable, value))
    });
    let Some((variable, value)) = found else {
        return Ok(DEFAULT);
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
            let complaint = port_with(&[("FC_SERVER_PORT", bad)]).unwrap_err();
            assert_eq!(
                complaint.to_string(),
                format!("FC_SERVER_PORT is {bad:?}, but a port is a number from 1 to 65535")
            );
        }
    }
}
