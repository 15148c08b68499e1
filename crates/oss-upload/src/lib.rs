//! The developer's tool: the whole journey on a laptop, with no account.
//!
//! | command | does |
//! |---|---|
//! | `dev` | the page, the function behind a gateway, and a local OSS, in one process |
//! | `emulate` | the local OSS, alone or with the local STS |
//! | `sign` | a grant as JSON, for scripts and other back ends |
//! | `form` | a page with a signed form, to be hosted anywhere |
//! | `upload` | files of this machine into a bucket, as a browser would |
//! | `ticket` | a ticket that lets its bearer ask, for trying out what a back end will do |
//! | `receipt` | what a receipt says, for a back end that wants to know |
//! | `check` | a settings file in words, and what it would sign |
//! | `explain` | a policy, a form or a refusal in words |
//! | `package` | the function for others: an application for Serverless Devs, and a zip for the console |
//! | `doctor` | whether a deployed signer and its bucket work, as a browser sees them |
//! | `rehearse` | a package, treated as Function Compute would |
//!
//! Owns the command line and what is said on the console; what is judged and how is `emulator/`'s
//! business, what is signed and how is the function's.

mod check;
mod client;
mod cloud;
mod console;
mod desk;
mod dev;
mod dev_keys;
mod doctor;
mod emulate;
mod explain;
mod failure;
mod form;
mod kind;
pub mod language;
mod lender;
mod package;
mod receipt;
mod rehearse;
pub mod remedy;
mod rules;
mod sign;
mod strictness;
mod ticket;
mod told;
mod upload;
mod xml;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Uploads to OSS straight from the browser: try the whole journey on this machine.
#[derive(Debug, Parser)]
#[command(name = "oss-upload", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the page, the function and a local OSS on this machine
    Dev(dev::Options),
    /// Run the local OSS, alone or with the local STS
    Emulate(emulate::Options),
    /// Print a grant as JSON, signed with the keys in the environment
    Sign(sign::Options),
    /// Write a page with a signed form, signed with the keys in the environment
    Form(form::Options),
    /// Upload files, signed with the keys in the environment or by a running function
    Upload(upload::Options),
    /// Mint a ticket that lets its bearer ask, with a key in the environment
    Ticket(ticket::Options),
    /// Verify a receipt, with a key in the environment
    Receipt(receipt::Options),
    /// Say in words what a settings file means, and show what each route would sign
    Check(check::Options),
    /// Say in words what a policy allows, why a form is refused, or what a refusal means
    Explain(explain::Options),
    /// Write the function as others deploy it: an application for Serverless Devs, and a zip
    Package(package::Options),
    /// Find out whether uploads through a deployed function will work, and what mends what does not
    Doctor(doctor::Options),
    /// Start a package and treat it as Function Compute would, and report what would break there
    Rehearse(rehearse::Options),
}

/// Runs the tool with the process's arguments: 0 when all went well, 1 when something failed, 2 when
/// the arguments were wrong.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the system gave no runtime: {error}")))
        .and_then(|runtime| {
            runtime.block_on(async {
                match cli.command {
                    Command::Dev(options) => dev::run(options).await,
                    Command::Emulate(options) => emulate::run(options).await,
                    Command::Sign(options) => sign::run(options).await,
                    Command::Form(options) => form::run(options).await,
                    Command::Upload(options) => upload::run(options).await,
                    Command::Ticket(options) => ticket::run(options),
                    Command::Receipt(options) => receipt::run(options),
                    Command::Check(options) => check::run(options),
                    Command::Explain(options) => explain::run(options),
                    Command::Package(options) => package::run(options),
                    Command::Doctor(options) => doctor::run(options).await,
                    Command::Rehearse(options) => rehearse::run(options).await,
                }
            })
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::complain_text(&failure.to_string());
            failure.exit_code()
        }
    }
}

/// Shows help as it is, and of a mistake the one line that says what it was.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        console::say_text(error.render().to_string().trim_end());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    // Missing options stand on lines of their own, up to the first empty one.
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let sentence = lines.collect::<Vec<_>>().join(" ");
    console::complain(&format!(
        "{}; --help lists the options",
        sentence.trim_start_matches("error: ")
    ));
    ExitCode::from(2)
}
