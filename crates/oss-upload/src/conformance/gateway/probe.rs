//! One probe of the gateway: what is sent, how the fact is read, and what each reading says.

use crate::conformance::gateway::exchange::{GatewayExchange, GatewayTarget};
use crate::conformance::gateway::facts::PUT_IS_LISTED;
use crate::conformance::report::{ProbeResult, ResultKind};
use crate::http_client::{WebClient, WebRequest};
use fc_emulator::behaviours::GatewayBehaviour;

/// Reads a fact.
pub(super) type ReadFact = fn(&GatewayTarget, &GatewayExchange) -> String;

/// A probe of a row of the table of behaviours, with its name.
pub(super) struct GatewayProbe {
    pub(super) name: &'static str,
    pub(super) send: fn(&GatewayTarget) -> WebRequest,
    pub(super) read: ReadFact,
    /// The fact that the local gateway gives.
    pub(super) here: &'static str,
    /// The facts of other readings.
    pub(super) others: &'static [&'static str],
}

impl GatewayProbe {
    /// Returns the row of the table.
    pub(super) fn row(&self) -> Option<&'static GatewayBehaviour> {
        GatewayBehaviour::named(self.name)
    }

    /// Sends the request and compares the fact.
    pub(super) async fn run(&self, target: &GatewayTarget, client: &WebClient) -> ProbeResult {
        let seen = match client.send((self.send)(target)).await {
            Ok(response) => (self.read)(target, &GatewayExchange::new(response)),
            Err(error) => return self.not_run(format!("no answer: {error}")),
        };
        if seen == PUT_IS_LISTED { self.not_run(seen) } else { self.judge(seen) }
    }

    fn judge(&self, fact: String) -> ProbeResult {
        let result = if fact == self.here {
            ResultKind::Same
        } else if self.others.contains(&fact.as_str()) {
            ResultKind::Other
        } else {
            ResultKind::Unknown
        };
        let reading = (result == ResultKind::Other).then(|| fact.clone());
        ProbeResult { observed: Some(fact), reading, ..self.result(result) }
    }

    fn not_run(&self, reason: String) -> ProbeResult {
        ProbeResult { reason: Some(reason), ..self.result(ResultKind::NotRun) }
    }

    fn result(&self, result: ResultKind) -> ProbeResult {
        ProbeResult {
            probe: self.name.to_owned(),
            choice: Some(self.name.to_owned()),
            result,
            here: self.here.to_owned(),
            observed: None,
            reading: None,
            reason: None,
        }
    }
}
