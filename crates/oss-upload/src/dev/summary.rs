//! The lines that `dev` prints at the start: addresses, settings file, routes, callbacks, and the generated
//! keys that a back end needs. Keys of the environment are never printed.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::dev::keys;
use crate::dev::keys::KeyVariable;
use crate::error::CommandError;
use crate::local_sts::LocalSts;
use crate::{console, local_oss};
use oss_upload_signer::auth::rule::AuthRule;
use oss_upload_signer::auth::ticket::{self, Ticket};
use oss_upload_signer::config::{DEFAULT_ROUTE, Settings};
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time;

/// The subject of the ticket in a printed link.
const SUBJECT: &str = "dev";

/// What the lines are made of.
pub(super) struct Summary<'a> {
    pub(super) settings: &'a Settings,
    pub(super) page: SocketAddr,
    pub(super) oss: SocketAddr,
    /// The generated keys that the settings use.
    pub(super) generated: &'a [KeyVariable],
}

impl Summary<'_> {
    /// Prints all lines. `file` is the path of the settings file that was read.
    pub(super) fn print(
        &self,
        sts: Option<&LocalSts>,
        file: Option<&str>,
        data_directory: &Path,
    ) -> Result<(), CommandError> {
        let page = self.page;
        console::print_line(&format!("page  http://{page}/"));
        console::print_line(&format!("sign  http://{page}/get_post_signature_for_oss_upload"));
        console::print_line(&format!("oss   http://{}", self.oss));
        if let Some(sts) = sts {
            sts.print_addresses()?;
        }
        console::print_line(&match file {
            Some(path) => format!("file  {}", local_oss::absolute(Path::new(path))),
            None => "file  none: there is no upload.toml in this folder".to_owned(),
        });
        let added_route = self.settings.added_route_warning();
        for warning in self.settings.v1_warnings().into_iter().chain(added_route) {
            console::print_line(&format!("note  {warning}"));
        }
        self.print_routes();
        self.print_callbacks();
        self.print_keys();
        console::print_line(&format!("data  {}", local_oss::absolute(data_directory)));
        console::print_line("Ctrl-C stops all of it.");
        Ok(())
    }

    fn print_routes(&self) {
        let routes = &self.settings.routes;
        let width = routes.iter().map(|route| route.name.len()).max().unwrap_or_default();
        for route in routes {
            let name = format!("{:<width$}", route.name);
            let (url, rules) = (self.page_url(route), self.rules(route));
            console::print_line(&format!("route {name}  {url}  {rules}"));
        }
        for route in routes.iter().filter(|route| self.needs(route, &AuthRule::Ticket)) {
            let name = &route.name;
            console::print_line(&format!(
                "note  route {name} needs a ticket{}. More tickets: oss-upload ticket --sub alice \
                 --route {name}, with UPLOAD_TICKET_KEYS in the environment",
                match self.ticket(route) {
                    Some(_) => "; the link has one for an hour",
                    None => "",
                }
            ));
        }
        let has_default = routes.iter().any(|route| route.name == DEFAULT_ROUTE);
        if !has_default && routes.len() > 1 {
            let names: Vec<_> = routes.iter().map(|route| route.name.as_str()).collect();
            console::print_line(&format!(
                "note  there is no route {DEFAULT_ROUTE}: name a route in each call, such as \
                 ?route={}; there are {}",
                names.first().unwrap_or(&""),
                names.join(", ")
            ));
        }
    }

    /// Returns the address of the page for a route, with a ticket if the route needs one.
    fn page_url(&self, route: &Route) -> String {
        let query = if route.name == DEFAULT_ROUTE {
            String::new()
        } else {
            format!("?route={}", route.name)
        };
        let fragment =
            self.ticket(route).map(|ticket| format!("#ticket={ticket}")).unwrap_or_default();
        format!("http://{}/{query}{fragment}", self.page)
    }

    /// Describes authentication, types and size of a route.
    fn rules(&self, route: &Route) -> String {
        let auth = self.rule(route).map(ToString::to_string).unwrap_or_default();
        let types: Vec<_> = route.types.iter().map(ToString::to_string).collect();
        let types = if types.is_empty() { "any type".to_owned() } else { types.join(" or ") };
        format!("{auth}, {types}, up to {}", console::size(route.size.max))
    }

    fn rule(&self, route: &Route) -> Option<&AuthRule> {
        self.settings.auth.rules.get(&route.name)
    }

    fn needs(&self, route: &Route, rule: &AuthRule) -> bool {
        self.rule(route).is_some_and(|known| known.contains(rule))
    }

    /// Issues a ticket for a route that needs one. Only a generated key signs it: a ticket that is signed
    /// with a key of the environment could be valid elsewhere.
    fn ticket(&self, route: &Route) -> Option<String> {
        if !self.needs(route, &AuthRule::Ticket) {
            return None;
        }
        let (_, key) = self.generated.iter().find(|(name, _)| *name == keys::TICKET_KEYS)?;
        let configured = self.settings.auth.tickets.as_ref().map(|tickets| tickets.max_lifetime);
        let lifetime: Duration = ticket::MAX_LIFETIME.min(configured.unwrap_or(Duration::MAX));
        let now = time::now();
        let ticket = Ticket {
            subject: SUBJECT.to_owned(),
            route: Some(route.name.clone()),
            expires_at: now.plus(lifetime).unix(),
            issued_at: Some(now.unix()),
            not_before: None,
            id: None,
        };
        Some(ticket.sign(&Secret::new(key)))
    }

    /// Prints the callback address of each route that has one, and its webhook.
    fn print_callbacks(&self) {
        let public_url = self.settings.callback.public_url.as_deref();
        for route in &self.settings.routes {
            let callback = route.callback.as_ref();
            let Some(address) = callback.and_then(|one| one.address(&route.name, public_url))
            else {
                continue;
            };
            let webhook = self.settings.callback.webhook_urls.get(&route.name);
            let webhook = webhook.map(|url| format!(", then {url}")).unwrap_or_default();
            let address = address.replace(';', ", ");
            console::print_line(&format!("calls {}: {address}{webhook}", route.name));
        }
    }

    /// Prints the generated keys that a back end of these settings needs.
    fn print_keys(&self) {
        let settings = self.settings;
        let has_callback = settings.routes.iter().any(|route| route.callback.is_some());
        let has_tickets = settings.routes.iter().any(|route| self.needs(route, &AuthRule::Ticket));
        for (name, value) in self.generated {
            let is_used = match *name {
                keys::WEBHOOK_SECRET => !settings.callback.webhook_urls.is_empty(),
                keys::TICKET_KEYS => has_tickets,
                keys::TOKEN_KEYS => false,
                _ => has_callback,
            };
            if is_used {
                console::print_line(&format!("env   {name}={value}"));
            }
        }
    }
}
