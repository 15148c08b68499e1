//! `conformance --signer`: measures from outside what the gateway in front of a deployed function does.
//!
//! The function shows at `/conformance/echo` what of a request arrives, while its variable `UPLOAD_CONFORMANCE` is 1.
//! Each probe sends one request and reduces what is seen to a few fixed words, which are compared with the row of
//! `fc-emulator`'s table of behaviours. Nothing is stored.

mod exchange;
mod facts;
mod probe;
mod probes;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::conformance::gateway::exchange::{GatewayExchange, GatewayTarget};
use crate::conformance::gateway::probe::GatewayProbe;
use crate::conformance::report::{ProbeResult, Report};
use crate::error::CommandError;
use crate::http_client::WebClient;
use fc_emulator::behaviours::GatewayBehaviour;

/// The pause of the slow requests and responses. It is shorter than the timeout of the function's runtime.
const PAUSE: Duration = Duration::from_secs(4);

/// A measurement of the gateway in front of a function.
pub(super) struct GatewayRun {
    target: GatewayTarget,
    probes: Vec<GatewayProbe>,
}

impl GatewayRun {
    /// Prepares the measurement of these rows, of all if there are no names.
    pub(super) fn new(signer: &str, names: &[String]) -> Result<Self, CommandError> {
        let target = GatewayTarget::new(signer, PAUSE).ok_or_else(|| {
            CommandError::usage(format!(
                "--signer {signer:?}: write the address of the function, such as https://signer.example.com"
            ))
        })?;
        Ok(Self { target, probes: select(names)? })
    }

    /// Describes what will be sent.
    pub(super) fn plan(&self) -> String {
        let probes = self.probes.iter();
        let mut lines: Vec<_> = probes
            .map(|probe| {
                let question = probe.row().map_or("", |row| row.question);
                format!("  {:<26} {question}", probe.name)
            })
            .collect();
        lines.extend([
            format!("signer   {}", self.target.url),
            format!("sends    {} requests, less than 1 MB; nothing is stored", self.probes.len()),
        ]);
        lines.join("\n")
    }

    /// Sends a request that shows whether the function can be measured, and then all probes.
    pub(super) async fn measure(
        &self,
        client: &WebClient,
        on_result: impl Fn(&ProbeResult),
    ) -> Result<Report, CommandError> {
        let first = self.check(client).await?;
        let day = first.response.date().unwrap_or(first.response.received_at);
        let region = first.echo.as_ref().and_then(|echo| echo.value("x-fc-region"));
        let region = region.filter(|region| is_region(region));
        let region = region.unwrap_or("unknown").to_owned();
        let mut report = Report::of_gateway(day, region, self.target.is_default_domain());
        for probe in &self.probes {
            let result = probe.run(&self.target, client).await;
            on_result(&result);
            report.probes.push(result);
        }
        Ok(report)
    }

    async fn check(&self, client: &WebClient) -> Result<GatewayExchange, CommandError> {
        let response = client.send(self.target.get("")).await;
        let response = response.map_err(|error| CommandError::new(error.to_string()))?;
        let exchange = GatewayExchange::new(response);
        if exchange.echo.is_some() {
            return Ok(exchange);
        }
        let advice = match exchange.response.status.as_u16() {
            404 => {
                "; set the variable UPLOAD_CONFORMANCE of the function to 1, deploy it, and remove the \
                 variable after the measurement"
            }
            _ => "; `oss-upload doctor` tests the address",
        };
        let refusal = exchange.refusal();
        Err(CommandError::new(format!("{} was {refusal}{advice}", self.target.echo_url(""))))
    }
}

/// Returns the probes of these rows; all if there are no names.
fn select(names: &[String]) -> Result<Vec<GatewayProbe>, CommandError> {
    let probes = probes::all();
    let known: BTreeSet<_> = probes.iter().map(|probe| probe.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name.as_str())) {
        let reason = GatewayBehaviour::named(name).and_then(|row| row.without_probe);
        return Err(CommandError::usage(match reason {
            Some(reason) => format!("--only {name}: there is no probe: it {reason}"),
            None => format!(
                "--only {name}: there is no row of this name; the plan without --only lists them"
            ),
        }));
    }
    let is_selected =
        |probe: &GatewayProbe| names.is_empty() || names.iter().any(|name| name == probe.name);
    Ok(probes.into_iter().filter(is_selected).collect())
}

/// Returns whether a text can be the name of a region, which the report shows.
fn is_region(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(is_plain)
}
