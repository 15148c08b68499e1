//! Why there is no grant: what the function says no with, and what mends it.

use crate::doctor::alien::Problem;
use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::{caller, role};

/// Makes the finding of a refusal.
pub(super) fn explain(id: &'static str, case: &Case, problem: &Problem) -> Finding {
    let code = problem.error.as_str();
    let seen = format!("{code}: {}", problem.message);
    let finding = Finding::fail(id, seen).why("Without a grant no page can upload.");
    match code {
        "no_credentials" => missing_role(case, finding),
        "credentials_expired" => finding
            .cause("credentials-expired")
            .mend("Deploy again, so that new instances start with new keys of the role."),
        "credentials_unavailable" => finding.cause("credentials-unavailable").mend(
            "Function Compute console > Functions > the function > Logs: the line with this code \
             says what STS or the metadata service answered. With role_arn, the function's own \
             role has to be allowed sts:AssumeRole on it, and that role has to trust the \
             function's role.",
        ),
        code if code.starts_with("metadata_") => {
            finding.cause(code).mend("Give a value that the route takes: --metadata NAME=VALUE")
        }
        code if caller::is_of_caller(code) && case.proof.is_empty() => finding.cause(code).mend(
            "The route wants to know who asks. Set what a page would show, and run this \
             again:\n  \
             export DOCTOR_TICKET=$(oss-upload ticket --sub doctor)   # with UPLOAD_TICKET_KEYS\n  \
             export DOCTOR_TOKEN=...                                  # a token of your issuer",
        ),
        code => finding.cause(code).mend("The message says what to do."),
    }
}

/// Prints both policies with what is known of bucket and directory, here from the deployer's shell.
fn missing_role(case: &Case, finding: Finding) -> Finding {
    let directory = role::steady(case.directory.as_deref().unwrap_or("uploads/"));
    let bucket = case.bucket.as_deref();
    let unknown = match bucket {
        Some(_) => "",
        None => {
            "\nPut your bucket in place of my-bucket, or set OSS_BUCKET (and UPLOAD_DIR) here and \
             run this again."
        }
    };
    finding.cause("missing-role").mend(format!(
        "RAM console > Roles > Create Role > Alibaba Cloud Service > Function Compute, with this \
         trust policy:\n{}\nGive it this permission policy and no other:\n{}{unknown}\nThen \
         Function Compute console > Functions > the function > Configuration > Role: choose it \
         (s.yaml: role), and deploy.",
        role::TRUST,
        role::permission(bucket, &directory),
    ))
}
