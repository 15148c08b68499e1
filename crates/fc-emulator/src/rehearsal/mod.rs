//! A rehearsal: a package is started and treated as the platform would treat it, and each behaviour that
//! would matter there is checked. The function may be in any language.
//!
//! | file | checks |
//! |---|---|
//! | `startup` | the package, the start, the initializer, the health check, the first responses |
//! | `credentials` | credentials in the headers, and in the environment only |
//! | `limits` | sizes of requests and responses, reserved headers, the default domain |
//! | `idle` | a kept connection without requests, an instance that is frozen between requests |
//! | `concurrency` | more requests at once than one instance takes |
//! | `failures` | a process that dies, an asynchronous request, a timeout |
//! | `shutdown` | memory, the end of an instance, its log |

mod concurrency;
mod credentials;
mod failures;
mod harness;
mod idle;
mod limits;
mod report;
mod request;
mod shutdown;
mod startup;

use std::time::Duration;

use crate::config::FunctionConfig;
use crate::package::Package;
use crate::rehearsal::harness::Harness;

pub use report::{CheckOutcome, CheckResult, RehearsalReport};
pub use request::TestRequest;

/// What a rehearsal starts, and what it sends.
#[derive(Clone, Debug)]
pub struct TestPlan {
    /// The settings of the function. The rehearsal brings credentials of its own.
    pub config: FunctionConfig,
    /// The requests. The first one is also used where a check needs one request only; an empty list
    /// means `GET /`.
    pub requests: Vec<TestRequest>,
    /// How long the kept connection has no requests; `None` leaves the check out.
    pub idle: Option<Duration>,
}

/// Rehearses a package. Each result is passed to `report` as soon as it is there. If the function does
/// not start, the failed check is the last one.
pub async fn rehearse(package: &Package, plan: TestPlan, mut report: impl FnMut(CheckResult)) {
    let harness = Harness::new(plan.config, plan.requests);
    match startup::package(&harness, package) {
        Ok(result) => report(result),
        Err(failure) => return report(failure),
    }
    match startup::cold_start(&harness).await {
        Ok(results) => results.into_iter().for_each(&mut report),
        Err(failure) => return report(failure),
    }
    for request in &harness.requests {
        report(startup::response(&harness, request).await);
    }
    report(credentials::in_headers(&harness).await);
    report(credentials::in_environment(&harness).await);
    report(limits::request_head(&harness).await);
    report(limits::request_body(&harness).await);
    report(limits::response_headers(&harness));
    report(limits::reserved_headers(&harness).await);
    report(limits::default_domain(&harness).await);
    report(match plan.idle {
        Some(idle) => idle::connection(&harness, idle).await,
        None => CheckResult::note("idle connection", "-", "left out, because it takes long"),
    });
    report(idle::freeze(&harness).await);
    report(concurrency::scale_out(&harness).await);
    report(shutdown::memory(&harness).await);
    report(failures::kill(&harness).await);
    report(failures::async_retry(&harness).await);
    report(failures::timeout(&harness).await);
    shutdown::stop(&harness).await.into_iter().for_each(&mut report);
    report(shutdown::log(&harness));
}
