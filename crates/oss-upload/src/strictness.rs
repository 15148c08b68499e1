//! How strictly the local OSS judges, as options that `dev` and `emulate` share.
//!
//! Without any of them it is strict where the real OSS may be, and takes V1 and default hosts as it
//! does for old accounts. [`oss::Strictness`] says what each setting means.

use clap::Args;

use oss_emulator::oss;

#[derive(Args, Clone, Debug)]
pub(super) struct StrictnessArgs {
    /// Refuse V1 forms, as OSS does for new accounts and new buckets
    #[arg(long)]
    refuse_v1: bool,
    /// Refuse hosts below localhost, as OSS does its default hosts for new accounts; the bare
    /// address plays a custom domain
    #[arg(long)]
    refuse_public_endpoint: bool,
    /// Take field names only as they are documented, with upper and lower case
    #[arg(long)]
    case_sensitive_names: bool,
    /// The longest value of a form field
    #[arg(long, value_name = "BYTES", default_value_t = oss::Strictness::default().value_limit)]
    value_limit: u64,
    /// Believe the client on an uncertain point; may be given several times, and a wrong name
    /// lists all there are
    #[arg(long = "lenient", value_name = "NAME")]
    relaxed: Vec<oss::Relaxation>,
}

impl StrictnessArgs {
    /// Gives the judge's settings.
    pub(super) fn strictness(self) -> oss::Strictness {
        oss::Strictness {
            relaxed: self.relaxed.into_iter().collect(),
            refuse_v1: self.refuse_v1,
            refuse_public_endpoint: self.refuse_public_endpoint,
            case_sensitive_names: self.case_sensitive_names,
            value_limit: self.value_limit,
            ..oss::Strictness::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        strictness: StrictnessArgs,
    }

    fn strictness(options: &[&str]) -> oss::Strictness {
        let options = ["oss-upload"].iter().chain(options);
        Cli::try_parse_from(options).map(|cli| cli.strictness.strictness()).unwrap()
    }

    #[test]
    fn without_options_it_is_the_judges_own_strictness() {
        let strict = format!("{:?}", oss::Strictness::default());
        assert_eq!(format!("{:?}", strictness(&[])), strict);
    }

    #[test]
    fn every_leniency_can_be_asked_for() {
        for relaxation in oss::Relaxation::ALL {
            let two = ["--lenient", "preamble", "--lenient", relaxation.name()];
            assert!(strictness(&two).allows(*relaxation));
        }
    }
}
