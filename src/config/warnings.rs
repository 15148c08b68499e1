//! What an operator should read once at the start: settings that are allowed, and have a price.

use crate::auth::origin::Origins;
use crate::auth::rule::AuthRule;
use crate::config::{DEFAULT_ROUTE, Settings};
use crate::credentials::options::SourceKind;
use crate::credentials::providers::environment::EnvironmentCredentials;
use crate::policy::bucket::UploadHost;
use crate::policy::callback::CallbackTarget;
use crate::policy::header::{Header, X_OSS_OBJECT_ACL, X_OSS_TAGGING};
use crate::policy::route::{Route, SignatureVersion};

impl Settings {
    /// Sentences that an operator should read once at the start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        warnings.extend(self.caller_warnings());
        warnings.extend(self.added_route_warning());
        warnings.extend(self.routes.iter().flat_map(host_warnings));
        if self.origins == Origins::Any {
            warnings.push(
                "origins is '*': every web page may ask for uploads in its visitors' browsers"
                    .to_owned(),
            );
        }
        for route in self.routes.iter().filter(|route| can_collide(route)) {
            warnings.push(format!(
                "route '{}' puts all uploads into '{}': uploads of one name can collide; \
                 add {{uuid}}/ to give each grant a directory of its own",
                route.name, route.template
            ));
        }
        let proves_nothing = |route: &&Route| {
            let rule = self.auth.rules.get(&route.name);
            rule.is_some_and(|rule| !rule.requires_credentials())
        };
        let of_caller = self.routes.iter().filter(|route| names_caller(route));
        for route in of_caller.filter(proves_nothing) {
            warnings.push(format!(
                "route '{}' speaks of who asks in its keys or its callback, and lets callers in who prove \
                 nothing: their asks are refused with caller_unknown",
                route.name
            ));
        }
        warnings.extend(self.routes.iter().flat_map(of_fields));
        warnings.extend(self.routes.iter().flat_map(of_callback));
        warnings.extend(self.address_warning());
        warnings.extend(self.role_warnings());
        warnings.extend(self.v1_warnings());
        warnings
    }

    /// Warns that variables add a route, with its own authentication, to those of the file.
    fn added_route_warning(&self) -> Option<String> {
        let variables = self.variables_that_add_a_route.join(", ");
        let rule = self.auth.rules.get(DEFAULT_ROUTE).filter(|_| !variables.is_empty())?;
        Some(format!(
            "{variables}: these variables apply to the route '{DEFAULT_ROUTE}' only, which upload.toml does not have; \
             they add it to the named routes, with auth '{rule}': write the settings into upload.toml, or unset \
             the variables"
        ))
    }

    /// Says that OSS calls the function back under the name of each call.
    fn address_warning(&self) -> Option<String> {
        let is_own = |route: &&Route| {
            route
                .callback
                .as_ref()
                .is_some_and(|callback| callback.target == CallbackTarget::Function)
        };
        let names: Vec<_> = self.routes.iter().filter(is_own).collect();
        if names.is_empty() || self.callback.public_url.is_some() {
            return None;
        }
        let names: Vec<_> = names.iter().map(|route| format!("'{}'", route.name)).collect();
        Some(format!(
            "PUBLIC_URL is not set, and OSS is to call this function (callback.to is 'self', route {}): it \
             is called under the fcapp.run name of each call, and calls under any other name, such as your \
             own domain, are refused with callback_address_unknown; set PUBLIC_URL",
            names.join(", ")
        ))
    }

    /// Those that speak of routes whose forms would outlive the key that signs them.
    fn role_warnings(&self) -> Vec<String> {
        let Some(role) = &self.sources.role else {
            return Vec::new();
        };
        let outlive = |route: &&Route| route.lifetime >= role.duration;
        let warn = |route: &Route| {
            format!(
                "route '{}' wants forms of {} seconds, and the role is taken for {}: they end with its \
                 key; raise role_duration, and before it what the role allows",
                route.name,
                route.lifetime.as_secs(),
                role.duration.as_secs()
            )
        };
        self.routes.iter().filter(outlive).map(warn).collect()
    }

    /// Those that speak of who is let in.
    fn caller_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let rules = &self.auth.rules;
        let of =
            |routes: &str| if routes.is_empty() { String::new() } else { format!(" for {routes}") };
        let open = self.routes_where(|rule| *rule == AuthRule::Anonymous);
        if let Some(open) = open {
            warnings.push(format!(
                "auth is 'anonymous'{}: whoever reaches this address may upload within the routes' limits",
                of(&open)
            ));
        }
        let claimed =
            self.routes_where(|rule| !rule.requires_credentials() && *rule != AuthRule::Anonymous);
        if let Some(claimed) = claimed {
            warnings.push(format!(
                "auth lets callers in by their origin alone{}: it stops other pages in browsers, but a \
                 program can claim any origin",
                of(&claimed)
            ));
        }
        let takes_tokens = rules.values().any(|rule| rule.contains(&AuthRule::Jwt));
        let jwt = self.auth.jwt.as_ref().filter(|_| takes_tokens);
        if jwt.is_some_and(|jwt| jwt.rules.audiences.is_empty()) {
            warnings.push(
                "jwt_audience is not set: tokens that the issuer made for any other service are taken \
                 here too"
                    .to_owned(),
            );
        }
        if jwt.is_some_and(|jwt| jwt.rules.issuers.is_empty() && jwt.jwks_url.is_some()) {
            warnings.push(
                "jwt_issuer is not set: a token of any issuer is taken if one of the keys signed it"
                    .to_owned(),
            );
        }
        let most = self.budget.and_then(|budget| budget.bytes);
        for route in
            self.routes.iter().filter(|route| most.is_some_and(|most| most < route.size.max))
        {
            warnings.push(format!(
                "budget_bytes is smaller than the largest file of route '{}': who asks without a size is \
                 always refused",
                route.name
            ));
        }
        warnings
    }

    /// Names the routes whose rule is like this: nothing when none is, an empty text when all are.
    fn routes_where(&self, is_like_this: impl Fn(&AuthRule) -> bool) -> Option<String> {
        let like: Vec<_> = self.auth.rules.iter().filter(|(_, rule)| is_like_this(rule)).collect();
        if like.is_empty() || like.len() == self.auth.rules.len() {
            return (!like.is_empty()).then(String::new);
        }
        let names: Vec<_> = like.into_iter().map(|(name, _)| format!("route '{name}'")).collect();
        Some(names.join(", "))
    }

    /// Those among the warnings that speak of routes that sign with V1.
    #[must_use]
    pub fn v1_warnings(&self) -> Vec<String> {
        let v1 = self.routes.iter().filter(|route| route.signature == SignatureVersion::V1);
        let names: Vec<_> = v1.map(|route| format!("'{}'", route.name)).collect();
        if names.is_empty() {
            return Vec::new();
        }
        let (noun, verb) = if names.len() == 1 { ("route", "signs") } else { ("routes", "sign") };
        let names = names.join(", ");
        let mut warnings = vec![format!(
            "{noun} {names} {verb} with V1, which OSS has closed to accounts opened since \
             2025-03-01 and to buckets created since 2025-09-01: it refuses their uploads with \
             EC 0002-00000080; take signature 'v4' as soon as the pages can"
        )];
        if !self.signs_with_a_long_lived_key() {
            warnings.push(format!(
                "{noun} {names}: with temporary keys a V1 form needs the field \
                 x-oss-security-token, which the well-known V1 pages do not post; teach the page \
                 to, or set a long-lived key and credentials = 'environment'"
            ));
        }
        warnings
    }

    /// On the platform the role's keys, which are temporary, come first unless they are ruled out.
    fn signs_with_a_long_lived_key(&self) -> bool {
        let first = match self.sources.kind {
            SourceKind::Auto => !self.platform,
            SourceKind::Environment => true,
            _ => false,
        };
        let own = first && self.sources.role.is_none();
        own && self.sources.environment.as_ref().is_some_and(EnvironmentCredentials::is_long_lived)
    }
}

/// A key that leaves nothing to the file and may be overwritten is meant to be one and the same.
fn can_collide(route: &Route) -> bool {
    let is_meant = route.overwrite && !route.template.uses_file_name();
    !route.template.is_unique() && !is_meant
}

/// Tells whether only callers who have shown who they are get a grant.
fn names_caller(route: &Route) -> bool {
    let mut variables = route.callback.iter().flat_map(|callback| &callback.variables);
    route.template.uses_caller()
        || route.headers.iter().any(Header::uses_caller)
        || variables.any(|(_, value)| value.uses_caller())
}

/// Warns of an upload host of OSS itself at which it refuses the route's forms, or which browsers cannot reach.
/// A domain of the operator's own tells nothing of the bucket behind it.
fn host_warnings(route: &Route) -> Vec<String> {
    let (name, url) = (&route.name, route.host.as_str());
    let (bucket, region) = (route.bucket.as_str(), route.region.as_str());
    let host = url.split("://").nth(1).unwrap_or(url).to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    let Some(oss) = host.strip_suffix(".aliyuncs.com") else { return Vec::new() };
    // `<bucket>.oss-<region>`, or `<bucket>.<region>.oss` for IPv6 too.
    let (first, endpoint) = match oss.split_once('.') {
        Some((first, endpoint)) if endpoint != "oss" => (Some(first), endpoint),
        _ => (None, oss),
    };
    let is_internal = endpoint.ends_with("-internal");
    let place = endpoint.strip_suffix("-internal").unwrap_or(endpoint);
    let place = place.strip_prefix("oss-").or_else(|| place.strip_suffix(".oss"));
    // Acceleration is for every region. Financial and government clouds have endpoints of other names.
    let is_general = |place: &&str| {
        !["accelerate", "finance", "gov", "jbp"].iter().any(|other| place.contains(other))
    };
    let mut problems = Vec::new();
    match first {
        None => problems.push("an endpoint without a bucket, where OSS takes no form".to_owned()),
        Some(first) if first != bucket => problems.push(format!(
            "the address of the bucket '{first}', which refuses forms for the bucket '{bucket}'"
        )),
        Some(_) => {}
    }
    if let Some(place) = place.filter(is_general).filter(|place| *place != region) {
        problems.push(format!(
            "an address in the region '{place}', which refuses forms for the region '{region}'"
        ));
    }
    if is_internal {
        problems.push("an address inside Alibaba Cloud, which browsers cannot reach".to_owned());
    }
    let right = UploadHost::default_for(&route.bucket, &route.region);
    let warn = |problem| {
        format!(
            "route '{name}': upload_host {url} is {problem}; the bucket's own is {}",
            right.as_str()
        )
    };
    problems.into_iter().map(warn).collect()
}

/// What the fields of a route cost.
fn of_fields(route: &Route) -> Vec<String> {
    let name = &route.name;
    let warn = |header: &Header| match (header.name, header.value.as_str()) {
        (X_OSS_TAGGING, _) => Some(format!(
            "route '{name}' gives tags, of which the documentation has said that form uploads take \
             none: upload once and look whether the object has them"
        )),
        (X_OSS_OBJECT_ACL, "public-read-write") => Some(format!(
            "route '{name}' makes objects that everybody may overwrite: x-oss-object-acl is \
             'public-read-write'"
        )),
        _ => None,
    };
    route.headers.iter().filter_map(warn).collect()
}

/// What a callback costs, or what of it is not certain.
fn of_callback(route: &Route) -> Vec<String> {
    let Some(callback) = &route.callback else { return Vec::new() };
    let name = &route.name;
    let mut warnings = Vec::new();
    if let CallbackTarget::Addresses(addresses) = &callback.target
        && addresses.iter().any(|address| address.starts_with("http:"))
    {
        warnings.push(format!(
            "route '{name}' is told by plain http: whoever is on the way reads it, receipt included"
        ));
    }
    let uncertain: Vec<_> = callback.body.uncertain().collect();
    if !uncertain.is_empty() {
        warnings.push(format!(
            "route '{name}' tells {}, under names on which the documentation does not agree: upload \
             once and look what comes",
            uncertain.join(", ")
        ));
    }
    if !callback.body.has_receipt() {
        warnings.push(format!(
            "route '{name}' does not tell ${{x:receipt}}: who is called cannot know what was granted"
        ));
    }
    warnings
}
