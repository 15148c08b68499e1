//! The developer tool: try, inspect and deploy the upload signer.
//!
//! | command | purpose |
//! |---|---|
//! | `dev` | runs the page, the function behind a gateway, and a local OSS, in one process |
//! | `emulate` | runs the local OSS, alone or with the local STS |
//! | `sign` | prints a signed form as JSON, for scripts and other back ends |
//! | `form` | writes a page with a signed form, to be hosted anywhere |
//! | `upload` | uploads files of this machine, as a browser would |
//! | `ticket` | prints a ticket, to try what a back end will do |
//! | `receipt` | verifies a receipt and prints what it says |
//! | `check` | explains a settings file, and shows what each route would sign |
//! | `explain` | explains a policy, a form or an error of OSS |
//! | `setup` | creates the role of the function, and the rules of its buckets |
//! | `package` | writes the function as an application for Serverless Devs and as a zip |
//! | `doctor` | tests a deployed signer and its bucket as a browser uses them |
//! | `conformance` | measures how a real bucket answers where the documentation is unclear |
//! | `rehearse` | runs a package as Function Compute would |
//!
//! This crate has the command line and the console output. Forms are validated by `oss-emulator`,
//! packages are run by `fc-emulator`, and everything is signed by the function's own library.

mod atomic_file;
mod check;
mod conformance;
mod console;
mod dev;
mod doctor;
mod emulate;
mod error;
pub mod explain;
mod file_type;
mod form;
mod http_client;
pub mod language;
mod local_oss;
mod local_sts;
pub mod oss_errors;
mod package;
mod receipt;
mod rehearse;
mod requirements;
mod setup;
mod sign;
mod signing_context;
mod signing_options;
mod ticket;
mod upload;
mod xml;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::error::CommandError;

/// Uploads to OSS straight from the browser: try everything on this machine.
#[derive(Debug, Parser)]
#[command(name = "oss-upload", version)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Run the page, the function and a local OSS on this machine
    Dev(dev::Options),
    /// Run the local OSS, alone or with the local STS
    Emulate(emulate::Options),
    /// Print a signed form as JSON, signed with the keys in the environment
    Sign(sign::Options),
    /// Write a page with a signed form, signed with the keys in the environment
    Form(form::Options),
    /// Upload files, with forms signed with the keys in the environment or by a running function
    Upload(upload::Options),
    /// Print a ticket for an upload, signed with a key in the environment
    Ticket(ticket::Options),
    /// Verify a receipt with a key in the environment
    Receipt(receipt::Options),
    /// Explain a settings file, and show what each route would sign
    Check(check::Options),
    /// Explain what a policy allows, why a form is refused, or what an error of OSS means
    Explain(explain::Options),
    /// Write the function for deployment: an application for Serverless Devs, and a zip
    Package(package::Options),
    /// Prepare an account: the role of the function, and the CORS and lifecycle rules of its buckets
    Setup(setup::Options),
    /// Test whether uploads through a deployed function work, and print a fix for each failure
    Doctor(doctor::Options),
    /// Measure how a real bucket answers where the documentation is unclear, and write a report
    Conformance(conformance::Options),
    /// Run a package as Function Compute would, and report what would fail there
    Rehearse(rehearse::Options),
}

/// Runs the tool with the arguments of the process. Exit code 0 means success, 1 a failure, and 2
/// wrong arguments.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error),
    };
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("the async runtime did not start: {error}")))
        .and_then(|runtime| runtime.block_on(run_command(cli.command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::print_error_text(&error.to_string());
            error.exit_code()
        }
    }
}

async fn run_command(command: CliCommand) -> Result<(), CommandError> {
    match command {
        CliCommand::Dev(options) => dev::run(options).await,
        CliCommand::Emulate(options) => emulate::run(options).await,
        CliCommand::Sign(options) => sign::run(options).await,
        CliCommand::Form(options) => form::run(options).await,
        CliCommand::Upload(options) => upload::run(options).await,
        CliCommand::Ticket(options) => ticket::run(options),
        CliCommand::Receipt(options) => receipt::run(options),
        CliCommand::Check(options) => check::run(options),
        CliCommand::Explain(options) => explain::run(options).await,
        CliCommand::Package(options) => package::run(options),
        CliCommand::Setup(options) => setup::run(options).await,
        CliCommand::Doctor(options) => doctor::run(options).await,
        CliCommand::Conformance(options) => conformance::run(options).await,
        CliCommand::Rehearse(options) => rehearse::run(options).await,
    }
}

/// Prints help as it is, and a mistake in the arguments as one line.
fn print_usage(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        console::print_text(error.render().to_string().trim_end());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    // Missing options have lines of their own, up to the first empty one.
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let sentence = lines.collect::<Vec<_>>().join(" ");
    console::print_error(&format!(
        "{}; --help lists the options",
        sentence.trim_start_matches("error: ")
    ));
    ExitCode::from(2)
}
