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

use std::io;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use crate::console;
use crate::error::CommandError;
use crate::language::{Language, Text, text};
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
    /// The language of the plan and of refusals
    #[arg(long, value_enum, default_value = "en")]
    lang: Language,
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
    let language = options.lang;
    let account = target.account(&options).await?;
    let id = account.id().await.map_err(|error| failed(&error.text(), language))?;
    print_labelled(language, ("account", "账号"), &id);
    check_buckets(&account, &id, language).await?;
    let observed = account.observe().await.map_err(|error| failed(&error.text(), language))?;
    let make_plan: MakePlan = if options.remove { plan_removal } else { plan };
    let plan = make_plan(&target.wanted, &observed).map_err(|error| failed(&error.0, language))?;
    print_plan(&plan, language);
    if plan.steps.is_empty() {
        console::print_line(language.choose("nothing to change", "无需更改"));
        finish(&options, &target);
        return Ok(());
    }
    let count = plan.steps.len();
    if options.check {
        let sentence = text!(
            "{count} changes are needed; nothing was changed",
            "需要 {count} 项更改；未做任何更改"
        );
        return Err(failed(&sentence, language));
    }
    if !options.yes && !confirm(count, language)? {
        return Err(failed(&text!("nothing was changed", "未做任何更改"), language));
    }
    apply::apply(&account, &target.wanted, &observed, &plan, language).await?;
    let verified = apply::verify(&account, &target.wanted, make_plan).await;
    verified.map_err(|error| failed(&error, language))?;
    finish(&options, &target);
    Ok(())
}

fn failed(sentence: &Text, language: Language) -> CommandError {
    CommandError::new(sentence.in_language(language))
}

/// Prints a line that begins with a label, in English and Chinese.
fn print_labelled(language: Language, labels: (&str, &str), content: &str) {
    console::print_line(&labelled(language, labels, content));
}

/// A Chinese character is as wide as two others.
fn labelled(language: Language, (english, chinese): (&str, &str), content: &str) -> String {
    match language {
        Language::En => format!("{english:<8} {content}"),
        Language::Zh => {
            let width = |letter: char| if letter.is_ascii() { 1 } else { 2 };
            let pad = 8_usize.saturating_sub(chinese.chars().map(width).sum());
            format!("{chinese}{:pad$} {content}", "")
        }
    }
}

/// Checks that the buckets are where the settings say.
async fn check_buckets(
    account: &Account,
    id: &str,
    language: Language,
) -> Result<(), CommandError> {
    for bucket in &account.buckets {
        let info = bucket.info().await.map_err(|error| failed(&error.text(), language))?;
        let (name, region, set) = (&bucket.name, &info.region, &bucket.region);
        if region != set {
            let sentence = text!(
                "the bucket {name} is in the region {region}, and the settings say {set}; set --region \
                 {region}, or region in upload.toml",
                "Bucket {name} 位于地域 {region}，而设置为 {set}；请设置 --region {region}，或 upload.toml 中的 region"
            );
            return Err(failed(&sentence, language));
        }
        let place = text!("{name} in {region}", "{name}，地域 {region}");
        print_labelled(language, ("bucket", "Bucket"), place.in_language(language));
        let owner = &info.owner;
        if !owner.is_empty() && owner != id {
            let note = text!(
                "the bucket {name} belongs to the account {owner}: its bucket policy has to allow the role too",
                "Bucket {name} 属于账号 {owner}：其 Bucket Policy 也要允许该角色"
            );
            print_labelled(language, NOTE, note.in_language(language));
        }
    }
    Ok(())
}

/// The label of a note.
const NOTE: (&str, &str) = ("note", "说明");

fn print_plan(plan: &Plan, language: Language) {
    let line = |labels, text: &Text| labelled(language, labels, text.in_language(language));
    let mut lines: Vec<_> =
        plan.unchanged.iter().map(|text| line(("same", "不变"), text)).collect();
    lines.extend(plan.notes.iter().map(|text| line(NOTE, text)));
    for step in &plan.steps {
        lines.push(line(("change", "更改"), &step.title));
        lines.extend(step.details.iter().map(|line| format!("           {line}")));
    }
    if !lines.is_empty() {
        console::print_lines(&lines);
    }
}

/// Asks on the terminal whether to make the changes.
fn confirm(count: usize, language: Language) -> Result<bool, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::usage(language.choose(
            "the changes need a confirmation, and standard input is no terminal; add --yes to make them, \
             or --check to see them only",
            "更改需要确认，而标准输入不是终端；加 --yes 执行，或加 --check 只查看",
        )));
    }
    let question = text!("Make these {count} changes? [y/N]", "是否执行这 {count} 项更改？[y/N]");
    console::print_line(question.in_language(language));
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
    print_labelled(options.lang, ("next", "下一步"), &target.deploy_command());
    print_labelled(options.lang, ("then", "然后"), &target.doctor_command(options.lang));
}
