//! `oss-upload ticket`: what a back end does for its users, on the command line.
//!
//! The key comes from the environment only: an argument would stand in the process list.

use std::time::Duration;

use clap::Args;

use crate::console;
use crate::failure::Failure;
use oss_upload_signer::auth::ticket::{Options as Tickets, Ticket};
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::{auth, value};
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// For whom it is
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// The one route that it is good for; without it every route that takes tickets
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// How long it is good
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = value::duration)]
    lifetime: Duration,
}

pub(super) fn run(options: Options) -> Result<(), Failure> {
    let tickets = auth::tickets(&Environment::of_process()).map_err(|complaints| {
        let complaints: Vec<_> = complaints.0.iter().map(ToString::to_string).collect();
        Failure::arguments(complaints.join("; "))
    })?;
    let missing = "there is no key to mint with; set UPLOAD_TICKET_KEYS to what the function has";
    let tickets = tickets.ok_or_else(|| Failure::arguments(missing))?;
    options.check(&tickets)?;
    let key = tickets.keys.first().ok_or_else(|| Failure::arguments(missing))?;
    console::say(&options.ticket(time::now()).sign(key));
    Ok(())
}

impl Options {
    fn check(&self, tickets: &Tickets) -> Result<(), Failure> {
        if self.sub.is_empty() {
            return Err(Failure::arguments("--sub is empty; name whom the ticket is for"));
        }
        if self.lifetime.is_zero() || self.lifetime > tickets.lifetime {
            return Err(Failure::arguments(format!(
                "--for: a ticket lives from 1s to {}s; UPLOAD_TICKET_LIFETIME raises that, here and in the function",
                tickets.lifetime.as_secs()
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
