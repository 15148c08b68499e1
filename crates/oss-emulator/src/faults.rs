//! Fault injection: errors that a client must handle, produced when a test asks for them.
//!
//! A [`FaultPlan`] says which operation fails, how, and how often. [`Faults`] holds the plans in
//! order and gives each to the first matching request. Nothing is random. A plan can also be
//! written as text for a command line: `assume-role:throttle-429=500*2`.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An operation that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// STS, `AssumeRole`.
    AssumeRole,
    /// STS, `AssumeRoleWithOIDC`.
    AssumeRoleWithOidc,
    /// The metadata service's token.
    MetadataToken,
    /// The metadata service's role name.
    MetadataRole,
    /// The metadata service's keys.
    MetadataKeys,
    /// The credentials URI.
    CredentialsUri,
    /// STS, `GetCallerIdentity`.
    CallerIdentity,
    /// RAM, any operation.
    Ram,
}

impl Operation {
    const NAMES: [(&str, Self); 8] = [
        ("assume-role", Self::AssumeRole),
        ("assume-role-with-oidc", Self::AssumeRoleWithOidc),
        ("metadata-token", Self::MetadataToken),
        ("metadata-role", Self::MetadataRole),
        ("metadata-keys", Self::MetadataKeys),
        ("credentials-uri", Self::CredentialsUri),
        ("get-caller-identity", Self::CallerIdentity),
        ("ram", Self::Ram),
    ];
}

/// The way in which an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The response is correct but delayed.
    Delay(Duration),
    /// `Throttling.User` with this status (400 and 429 were both observed), optionally with
    /// `x-acs-retry-after`.
    Throttle {
        /// The status of the answer.
        status: u16,
        /// The value of the header, written in milliseconds.
        retry_after: Option<Duration>,
    },
    /// A service error with this status, 500 to 599.
    Failure(u16),
    /// The connection is closed before the response.
    Cut,
    /// The connection is closed in the middle of an otherwise correct response.
    CutInside,
    /// The service's clock differs from the real time by this number of seconds.
    Clock(i64),
    /// A success response whose JSON ends in the middle.
    MalformedJson,
    /// An error of the gateway, which is XML whatever format was requested.
    GatewayXml,
}

/// A fault that is to be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// The operation that fails; `None` means any operation.
    pub operation: Option<Operation>,
    /// The kind of failure.
    pub fault: Fault,
    /// The number of requests that fail.
    pub times: u32,
}

/// The planned faults of a service. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<FaultPlan>>>);

impl Faults {
    /// Appends a plan.
    pub fn plan(&self, plan: FaultPlan) {
        self.change(|plans| plans.push(plan));
    }

    /// Plans a fault for the next requests of one operation.
    pub fn next(&self, operation: Operation, fault: Fault, times: u32) {
        self.plan(FaultPlan { operation: Some(operation), fault, times });
    }

    /// Removes all plans.
    pub fn clear(&self) {
        self.change(Vec::clear);
    }

    /// Returns the fault for a request of this operation, if one is planned, and counts it.
    #[must_use]
    pub fn take(&self, operation: Operation) -> Option<Fault> {
        self.change(|plans| {
            plans.retain(|plan| plan.times > 0);
            let meets =
                |plan: &&mut FaultPlan| plan.operation.is_none_or(|planned| planned == operation);
            let plan = plans.iter_mut().find(meets)?;
            plan.times -= 1;
            Some(plan.fault)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<FaultPlan>) -> T) -> T {
        // A change cannot panic halfway, so the data of a poisoned lock is still consistent.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The error for a text that is not a fault plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlanError(String);

impl fmt::Display for FaultPlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        let calls: Vec<&str> = Operation::NAMES.iter().map(|(name, _)| *name).collect();
        write!(
            formatter,
            "{text:?} is no fault; write [CALL:]FAULT[*TIMES], where CALL is one of {} and FAULT is \
             delay=MILLISECONDS, throttle-400[=MILLISECONDS], throttle-429[=MILLISECONDS], \
             status=500..599, cut, cut-inside, clock=SECONDS, malformed-json or gateway-xml",
            calls.join(", ")
        )
    }
}

impl std::error::Error for FaultPlanError {}

impl FromStr for FaultPlan {
    type Err = FaultPlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| FaultPlanError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<FaultPlan> {
    let (operation, rest) = match text.split_once(':') {
        Some((name, rest)) => (Some(operation(name)?), rest),
        None => (None, text),
    };
    let (fault, times) = rest.split_once('*').unwrap_or((rest, "1"));
    Some(FaultPlan { operation, fault: parse_fault(fault)?, times: times.parse().ok()? })
}

fn operation(name: &str) -> Option<Operation> {
    let (_, operation) = Operation::NAMES.iter().find(|(known, _)| *known == name)?;
    Some(*operation)
}

fn parse_fault(text: &str) -> Option<Fault> {
    let (name, number) = match text.split_once('=') {
        Some((name, number)) => (name, Some(number)),
        None => (text, None),
    };
    let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
    let throttle = |status| match number {
        None => Some(Fault::Throttle { status, retry_after: None }),
        Some(text) => Some(Fault::Throttle { status, retry_after: Some(millis(text)?) }),
    };
    match (name, number) {
        ("delay", Some(text)) => millis(text).map(Fault::Delay),
        ("throttle-400", _) => throttle(400),
        ("throttle-429", _) => throttle(429),
        ("status", Some(text)) => {
            text.parse().ok().filter(|status| (500..=599).contains(status)).map(Fault::Failure)
        }
        ("cut", None) => Some(Fault::Cut),
        ("cut-inside", None) => Some(Fault::CutInside),
        ("clock", Some(text)) => text.parse().ok().map(Fault::Clock),
        ("malformed-json", None) => Some(Fault::MalformedJson),
        ("gateway-xml", None) => Some(Fault::GatewayXml),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_apply_in_order_and_as_often_as_planned() {
        let faults = Faults::default();
        faults.next(Operation::AssumeRole, Fault::Cut, 2);
        faults.plan(FaultPlan { operation: None, fault: Fault::GatewayXml, times: 1 });
        let other = faults.clone();
        assert_eq!(other.take(Operation::MetadataToken), Some(Fault::GatewayXml));
        assert_eq!(other.take(Operation::MetadataToken), None);
        assert_eq!(other.take(Operation::AssumeRole), Some(Fault::Cut));
        assert_eq!(faults.take(Operation::AssumeRole), Some(Fault::Cut));
        assert_eq!(faults.take(Operation::AssumeRole), None);
        faults.next(Operation::AssumeRole, Fault::Cut, 2);
        faults.clear();
        assert_eq!(faults.take(Operation::AssumeRole), None);
    }

    #[test]
    fn a_plan_is_parsed_from_text() {
        let throttle = |status, millis: Option<u64>| Fault::Throttle {
            status,
            retry_after: millis.map(Duration::from_millis),
        };
        for (text, operation, fault, times) in [
            ("cut", None, Fault::Cut, 1),
            ("assume-role:cut-inside*3", Some(Operation::AssumeRole), Fault::CutInside, 3),
            ("delay=1500", None, Fault::Delay(Duration::from_millis(1500)), 1),
            ("throttle-400", None, throttle(400, None), 1),
            ("throttle-429=500*2", None, throttle(429, Some(500)), 2),
            ("credentials-uri:status=503", Some(Operation::CredentialsUri), Fault::Failure(503), 1),
            ("clock=-3600", None, Fault::Clock(-3600), 1),
            ("malformed-json", None, Fault::MalformedJson, 1),
            ("gateway-xml", None, Fault::GatewayXml, 1),
        ] {
            assert_eq!(text.parse(), Ok(FaultPlan { operation, fault, times }), "{text}");
        }
        for text in ["", "cut=1", "delay", "status=404", "nobody:cut", "cut*", "clock=x"] {
            assert_eq!(text.parse::<FaultPlan>(), Err(FaultPlanError(text.to_owned())));
        }
    }
}
