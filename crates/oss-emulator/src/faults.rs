//! Faults on request: what a client has to live with, made to happen when a test wants it.
//!
//! A [`Plan`] says which call fails how often and in which way; [`Faults`] holds the plans and hands
//! them out to the service, first come first served. Nothing happens by chance. A plan can be
//! written as text, for a command line: `assume-role:throttle-429=500*2`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// Names the calls that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
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
}

impl Call {
    const NAMES: [(&str, Self); 6] = [
        ("assume-role", Self::AssumeRole),
        ("assume-role-with-oidc", Self::AssumeRoleWithOidc),
        ("metadata-token", Self::MetadataToken),
        ("metadata-role", Self::MetadataRole),
        ("metadata-keys", Self::MetadataKeys),
        ("credentials-uri", Self::CredentialsUri),
    ];
}

/// Says in which way a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer is right and comes late.
    Delay(Duration),
    /// `Throttling.User`, with this status (400 and 429 were both seen) and perhaps
    /// `x-acs-retry-after`.
    Throttle {
        /// The status of the answer.
        status: u16,
        /// What the header says, in milliseconds.
        retry_after: Option<Duration>,
    },
    /// A failure of the service with this status, 500 to 599.
    Failure(u16),
    /// The connection is cut before the answer.
    Cut,
    /// The connection is cut in the middle of an answer that is otherwise right.
    CutInside,
    /// The service's clock is ahead by these seconds, or behind.
    Clock(i64),
    /// A success whose JSON stops in the middle.
    MalformedJson,
    /// A gateway's own failure, which is XML whatever was asked for.
    GatewayXml,
}

/// Plans a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The call that fails; none means whichever comes next.
    pub call: Option<Call>,
    /// How it fails.
    pub fault: Fault,
    /// How often.
    pub times: u32,
}

/// Holds the plans of a service; its clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Plan>>>);

impl Faults {
    /// Adds a plan behind the others.
    pub fn plan(&self, plan: Plan) {
        self.change(|plans| plans.push(plan));
    }

    /// Makes the next calls of a kind fail.
    pub fn next(&self, call: Call, fault: Fault, times: u32) {
        self.plan(Plan { call: Some(call), fault, times });
    }

    /// Forgets all plans.
    pub fn clear(&self) {
        self.change(Vec::clear);
    }

    /// Takes the fault that this call meets, if one is planned.
    #[must_use]
    pub fn take(&self, call: Call) -> Option<Fault> {
        self.change(|plans| {
            plans.retain(|plan| plan.times > 0);
            let meets = |plan: &&mut Plan| plan.call.is_none_or(|planned| planned == call);
            let plan = plans.iter_mut().find(meets)?;
            plan.times -= 1;
            Some(plan.fault)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Plan>) -> T) -> T {
        // No change can panic half way, so a poisoned lock is still good.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Says why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError(String);

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        let calls: Vec<&str> = Call::NAMES.iter().map(|(name, _)| *name).collect();
        write!(
            formatter,
            "{text:?} is no fault; write [CALL:]FAULT[*TIMES], where CALL is one of {} and FAULT is \
             delay=MILLISECONDS, throttle-400[=MILLISECONDS], throttle-429[=MILLISECONDS], \
             status=500..599, cut, cut-inside, clock=SECONDS, malformed-json or gateway-xml",
            calls.join(", ")
        )
    }
}

impl std::error::Error for PlanError {}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| PlanError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Plan> {
    let (call, rest) = match text.split_once(':') {
        Some((name, rest)) => (Some(call(name)?), rest),
        None => (None, text),
    };
    let (fault, times) = rest.split_once('*').unwrap_or((rest, "1"));
    Some(Plan { call, fault: parse_fault(fault)?, times: times.parse().ok()? })
}

fn call(name: &str) -> Option<Call> {
    let (_, call) = Call::NAMES.iter().find(|(known, _)| *known == name)?;
    Some(*call)
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
    fn plans_are_met_in_their_order_and_as_often_as_planned() {
        let faults = Faults::default();
        faults.next(Call::AssumeRole, Fault::Cut, 2);
        faults.plan(Plan { call: None, fault: Fault::GatewayXml, times: 1 });
        let other = faults.clone();
        assert_eq!(other.take(Call::MetadataToken), Some(Fault::GatewayXml));
        assert_eq!(other.take(Call::MetadataToken), None);
        assert_eq!(other.take(Call::AssumeRole), Some(Fault::Cut));
        assert_eq!(faults.take(Call::AssumeRole), Some(Fault::Cut));
        assert_eq!(faults.take(Call::AssumeRole), None);
        faults.next(Call::AssumeRole, Fault::Cut, 2);
        faults.clear();
        assert_eq!(faults.take(Call::AssumeRole), None);
    }

    #[test]
    fn a_plan_can_be_written() {
        let throttle = |status, millis: Option<u64>| Fault::Throttle {
            status,
            retry_after: millis.map(Duration::from_millis),
        };
        for (text, call, fault, times) in [
            ("cut", None, Fault::Cut, 1),
            ("assume-role:cut-inside*3", Some(Call::AssumeRole), Fault::CutInside, 3),
            ("delay=1500", None, Fault::Delay(Duration::from_millis(1500)), 1),
            ("throttle-400", None, throttle(400, None), 1),
            ("throttle-429=500*2", None, throttle(429, Some(500)), 2),
            ("credentials-uri:status=503", Some(Call::CredentialsUri), Fault::Failure(503), 1),
            ("clock=-3600", None, Fault::Clock(-3600), 1),
            ("malformed-json", None, Fault::MalformedJson, 1),
            ("gateway-xml", None, Fault::GatewayXml, 1),
        ] {
            assert_eq!(text.parse(), Ok(Plan { call, fault, times }), "{text}");
        }
        for text in ["", "cut=1", "delay", "status=404", "nobody:cut", "cut*", "clock=x"] {
            assert_eq!(text.parse::<Plan>(), Err(PlanError(text.to_owned())));
        }
    }
}
