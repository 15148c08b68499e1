//! `oss-upload ticket`: issues a ticket, as a back end does for its users.
//!
//! The key comes from the environment only, because arguments are visible in the process list.

use std::time::Duration;

use clap::Args;

use crate::console;
use crate::error::CommandError;
use oss_upload_signer::auth::ticket::{Options as TicketOptions, Ticket};
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::{auth, value};
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The subject of the ticket: the user who may upload
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// The only route of the ticket; default is every route that accepts tickets
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// The lifetime of the ticket
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = value::duration)]
    lifetime: Duration,
}

pub(super) fn run(options: Options) -> Result<(), CommandError> {
    let tickets = auth::tickets(&Environment::of_process()).map_err(|errors| {
        let errors: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        CommandError::usage(errors.join("; "))
    })?;
    let missing =
        "there is no key to sign the ticket with; set UPLOAD_TICKET_KEYS to what the function has";
    let tickets = tickets.ok_or_else(|| CommandError::usage(missing))?;
    options.check(&tickets)?;
    let key = tickets.keys.first().ok_or_else(|| CommandError::usage(missing))?;
    console::print_line(&options.ticket(time::now()).sign(key));
    Ok(())
}

impl Options {
    fn check(&self, tickets: &TicketOptions) -> Result<(), CommandError> {
        if self.sub.is_empty() {
            return Err(CommandError::usage("--sub is empty; name the user of the ticket"));
        }
        if self.lifetime.is_zero() || self.lifetime > tickets.max_lifetime {
            return Err(CommandError::usage(format!(
                "--for: the lifetime of a ticket is 1s to {}s; UPLOAD_TICKET_LIFETIME raises the limit, here and in the function",
                tickets.max_lifetime.as_secs()
            )));
        }
        Ok(())
    }

    fn ticket(self, now: Timestamp) -> Ticket {
        Ticket {
            subject: self.sub,
            route: self.route,
            expires_at: now.plus(self.lifetime).unix(),
            issued_at: Some(now.unix()),
            not_before: None,
            id: None,
        }
    }
}
