//! `oss-upload setup`: prepares an account for the function: its role, and the rules of its buckets.
//!
//! It reads the settings of the function, compares what they need with what the account has, shows the difference,
//! asks, and makes the changes. What is not its own is merged or left alone, never replaced.
//!
//! | file | owns |
//! |---|---|
//! | `target` | options and settings: what is wanted, and where |
//! | `ownership` | how its own things are recognised |
//! | `plan` | the difference as steps, for creation and for removal |
//! | `configuration`, `cors_merge`, `lifecycle_merge` | the rules of a bucket: read, merged, written |
//! | `account`, `rpc`, `bucket_client` | RAM, STS and OSS |
//! | `refusal` | refusals as sentences |
//! | `apply` | makes the changes, and reads them back |
//! | `by_hand` | the same as files and commands, for people who may not call the APIs |
//!
//! `requirements` has what a deployment needs; `doctor` uses it too.

mod account;
mod apply;
mod bucket_client;
mod by_hand;
mod configuration;
mod cors_merge;
mod lifecycle_merge;
mod ownership;
mod plan;
mod refusal;
mod rpc;
mod target;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::{fmt, io};

use clap::Args;

use crate::console;
use crate::error::CommandError;
use crate::setup::account::Account;
use crate::setup::plan::{Observed, Plan, Wanted, plan, plan_removal};
use crate::setup::target::SetupTarget;

#[derive(Args, Debug)]
#[command(
    after_help = "The settings are those of the function: its variables, and upload.toml. The access key is that of \
                  the environment, or the one that `aliyun configure` has written.\n\nExit codes: 0 done, or nothing \
                  to do; 1 something was refused, or with --check something differs; 2 the arguments or the settings \
                  were wrong and nothing was tried."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Options {
    /// The bucket; default is that of the settings
    #[arg(long)]
    bucket: Option<String>,
    /// The bucket's region, such as cn-hangzhou; default is that of the settings
    #[arg(long)]
    region: Option<String>,
    // Clippy wants a URL in a doc comment in angle brackets, which the help would show.
    #[arg(
        long,
        value_name = "ORIGIN",
        help = "The origin of a page that uploads, such as https://app.example.com; may be given several times. Those \
                of UPLOAD_ORIGINS are added"
    )]
    origin: Vec<String>,
    /// The settings file; default is the function's own, upload.toml in this folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The name of the function's role, and of its policy; default is that of `OSS_UPLOAD_ROLE`,
    /// otherwise oss-upload-signer
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Change nothing, and end with exit code 1 where something differs
    #[arg(long, conflicts_with_all = ["print", "remove"])]
    check: bool,
    /// Call nothing; print the policies, rules and commands for somebody who makes the changes
    #[arg(long, conflicts_with = "remove")]
    print: bool,
    /// Remove what setup has made, and nothing else
    #[arg(long)]
    remove: bool,
    /// Make the changes without a question
    #[arg(long)]
    yes: bool,
    /// The endpoint of the buckets, such as oss-accelerate.aliyuncs.com; default is that of their region
    #[arg(long, value_name = "HOST")]
    endpoint: Option<String>,
    /// The address of RAM
    #[arg(long, value_name = "URL", default_value = "https://ram.aliyuncs.com")]
    ram_endpoint: String,
}

/// Makes a plan from what is wanted and what is there.
type MakePlan = fn(&Wanted, &Observed) -> Result<Plan, configuration::MergeError>;

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    let target = SetupTarget::new(&options)?;
    if options.print {
        console::print_text(&by_hand::text(&target.wanted));
        return Ok(());
    }
    let account = target.account(&options).await?;
    let id = account.id().await.map_err(refused)?;
    console::print_line(&format!("account  {id}"));
    check_buckets(&account, &id).await?;
    let observed = account.observe().await.map_err(refused)?;
    let make_plan: MakePlan = if options.remove { plan_removal } else { plan };
    let plan = make_plan(&target.wanted, &observed).map_err(|error| CommandError::new(error.0))?;
    print_plan(&plan);
    if plan.steps.is_empty() {
        console::print_line("nothing to change");
        finish(&options, &target);
        return Ok(());
    }
    if options.check {
        let count = plan.steps.len();
        return Err(CommandError::new(format!("{count} changes are needed; nothing was changed")));
    }
    if !options.yes && !confirm(plan.steps.len())? {
        return Err(CommandError::new("nothing was changed"));
    }
    apply::apply(&account, &target.wanted, &observed, &plan).await?;
    apply::verify(&account, &target.wanted, make_plan).await?;
    finish(&options, &target);
    Ok(())
}

fn refused(error: impl fmt::Display) -> CommandError {
    CommandError::new(error.to_string())
}

/// Checks that the buckets are where the settings say.
async fn check_buckets(account: &Account, id: &str) -> Result<(), CommandError> {
    for bucket in &account.buckets {
        let info = bucket.info().await.map_err(refused)?;
        let (name, region) = (&bucket.name, &info.region);
        if *region != bucket.region {
            return Err(CommandError::new(format!(
                "the bucket {name} is in the region {region}, and the settings say {}; set --region \
                 {region}, or region in upload.toml",
                bucket.region
            )));
        }
        console::print_line(&format!("bucket   {name} in {region}"));
        if !info.owner.is_empty() && info.owner != id {
            console::print_line(&format!(
                "note     the bucket {name} belongs to the account {}: its bucket policy has to allow the \
                 role too",
                info.owner
            ));
        }
    }
    Ok(())
}

fn print_plan(plan: &Plan) {
    let lines = plan.unchanged.iter().map(|line| format!("same     {line}"));
    let mut lines: Vec<String> = lines.collect();
    lines.extend(plan.notes.iter().map(|line| format!("note     {line}")));
    for step in &plan.steps {
        lines.push(format!("change   {}", step.title));
        lines.extend(step.details.iter().map(|line| format!("           {line}")));
    }
    if !lines.is_empty() {
        console::print_lines(&lines);
    }
}

/// Asks on the terminal whether to make the changes.
fn confirm(count: usize) -> Result<bool, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::usage(
            "the changes need a confirmation, and standard input is no terminal; add --yes to make them, \
             or --check to see them only",
        ));
    }
    console::print_line(&format!("Make these {count} changes? [y/N]"));
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Prints the commands that follow.
fn finish(options: &Options, target: &SetupTarget) {
    if options.remove || options.check {
        return;
    }
    console::print_line(&format!("next     {}", target.deploy_command()));
    console::print_line(&format!("then     {}", target.doctor_command()));
}
