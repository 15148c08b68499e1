//! Warnings at the start and in `check`: settings that are valid and have a cost.

use crate::auth::origin::Origins;
use crate::auth::rate_limit::{Budget, BudgetScope};
use crate::auth::rule::AuthRule;
use crate::config::value::size_text;
use crate::config::{DEFAULT_ROUTE, Settings};
use crate::credentials::options::SourceKind;
use crate::credentials::providers::environment::EnvironmentCredentials;
use crate::policy::bucket::UploadHost;
use crate::policy::callback::CallbackTarget;
use crate::policy::header::{Header, X_OSS_OBJECT_ACL, X_OSS_TAGGING};
use crate::policy::route::{Route, SignatureVersion};

impl Settings {
    /// Returns a sentence for each setting that is valid and has a cost.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        warnings.extend(self.caller_warnings());
        warnings.extend(self.limit_warnings());
        warnings.extend(self.added_route_warning());
        warnings.extend(self.routes.iter().flat_map(host_warnings));
        if self.origins == Origins::Any {
            warnings.push(
                "origins is '*': every web page may request uploads in its visitors' browsers"
                    .to_owned(),
            );
        }
        if self.measures_gateway {
            warnings.push(
                "UPLOAD_CONFORMANCE is 1: everybody may call /conformance/echo, which shows what of a request \
                 arrives; remove the variable after the measurement"
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
                "route '{}' uses attributes of the caller in its keys, file names or callback, and its auth admits \
                 callers without credentials: their requests are refused with caller_unknown",
                route.name
            ));
        }
        warnings.extend(self.routes.iter().flat_map(header_warnings));
        warnings.extend(self.routes.iter().flat_map(callback_warnings));
        warnings.extend(self.routes.iter().flat_map(multipart_warnings));
        warnings.extend(self.routes.iter().flat_map(access_warnings));
        warnings.extend(self.address_warning());
        warnings.extend(self.role_warnings());
        warnings.extend(self.v1_warnings());
        warnings
    }

    /// Warns that variables add a route, with its own authentication, to those of the file.
    #[must_use]
    pub fn added_route_warning(&self) -> Option<String> {
        let variables = self.variables_that_add_a_route.join(", ");
        let rule = self.auth.rules.get(DEFAULT_ROUTE).filter(|_| !variables.is_empty())?;
        Some(format!(
            "{variables}: these variables apply to the route '{DEFAULT_ROUTE}' only, which upload.toml does not have; \
             they add it to the named routes, with auth '{rule}': write the settings into upload.toml, or unset \
             the variables"
        ))
    }

    /// Warns that OSS calls the function under the host name of each request.
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

    /// Warns of forms that would outlive the session of the role that signs them.
    fn role_warnings(&self) -> Vec<String> {
        let Some(role) = &self.sources.role else {
            return Vec::new();
        };
        let outlive = |route: &&Route| route.lifetime >= role.duration;
        let warn = |route: &Route| {
            format!(
                "route '{}' has forms of {} seconds, and a session of the role lasts {}: forms end with the \
                 session; raise the role's own limit, then role_duration",
                route.name,
                route.lifetime.as_secs(),
                role.duration.as_secs()
            )
        };
        self.routes.iter().filter(outlive).map(warn).collect()
    }

    /// Warns of callers that are admitted without proof, and of tokens that are checked for little.
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
        warnings
    }

    /// Warns of budgets that no request without a size can fit, of those that every instance counts by itself, and of a
    /// store that is reached without TLS.
    fn limit_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for Budget { scope, limit } in &self.budgets {
            let most = limit.bytes.unwrap_or(u64::MAX);
            let name = match scope {
                BudgetScope::Caller => "budget_bytes".to_owned(),
                scope => format!("the budget of bytes for the {}", scope.as_str()),
            };
            for route in self.routes.iter().filter(|route| most < route.size.max) {
                warnings.push(format!(
                    "{name} ({}) is smaller than max_size of route '{}' ({}): a request without a size is always \
                     refused",
                    size_text(most),
                    route.name,
                    size_text(route.size.max)
                ));
            }
        }
        let is_of_many = |budget: &&Budget| budget.scope != BudgetScope::Caller;
        if let (None, Some(budget)) = (&self.store, self.budgets.iter().find(is_of_many)) {
            warnings.push(format!(
                "budgets has one for the {}, and UPLOAD_STORE_URL is not set: each instance counts by itself, so all \
                 of them together grant more",
                budget.scope.as_str()
            ));
        }
        if let Some(store) = self.store.as_ref().filter(|store| store.url.is_readable()) {
            warnings.push(format!(
                "UPLOAD_STORE_URL ({}) has no TLS: everyone on the network path can read the password; write rediss://, \
                 or keep the store inside the VPC",
                store.url
            ));
        }
        warnings
    }

    /// Names the routes whose rule matches: `None` when none does, an empty text when all do.
    fn routes_where(&self, matches: impl Fn(&AuthRule) -> bool) -> Option<String> {
        let like: Vec<_> = self.auth.rules.iter().filter(|(_, rule)| matches(rule)).collect();
        if like.is_empty() || like.len() == self.auth.rules.len() {
            return (!like.is_empty()).then(String::new);
        }
        let names: Vec<_> = like.into_iter().map(|(name, _)| format!("route '{name}'")).collect();
        Some(names.join(", "))
    }

    /// Returns the warnings about routes that sign with V1.
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
                 x-oss-security-token, which the well-known V1 pages do not post; add it to the page, or set a long-lived key and credentials = 'environment'"
            ));
        }
        warnings
    }

    /// On Function Compute the role's temporary credentials come first, unless another source is set.
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

/// Returns whether two uploads can get one key by mistake. A key that does not depend on the file and may be
/// overwritten is meant to be the same.
fn can_collide(route: &Route) -> bool {
    let is_meant = route.overwrite && !route.template.uses_file_name();
    !route.template.is_unique() && !is_meant
}

/// Returns whether only callers with credentials get a grant.
fn names_caller(route: &Route) -> bool {
    let mut variables = route.callback.iter().flat_map(|callback| &callback.variables);
    route.template.uses_caller()
        || route.headers.iter().any(Header::uses_caller)
        || variables.any(|(_, value)| value.uses_caller())
}

/// Warns of an upload host of OSS itself at which it refuses the route's forms, or which browsers cannot reach.
/// A domain of the operator's own does not show which bucket is behind it.
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

/// Warns of headers.
fn header_warnings(route: &Route) -> Vec<String> {
    let name = &route.name;
    let warn = |header: &Header| match (header.name, header.value.as_str()) {
        (X_OSS_TAGGING, _) => Some(format!(
            "route '{name}' sets tags, and the documentation has said that form uploads take none: upload once and check whether the object has them"
        )),
        (X_OSS_OBJECT_ACL, "public-read-write") => Some(format!(
            "route '{name}' makes objects that everybody may overwrite: x-oss-object-acl is \
             'public-read-write'"
        )),
        _ => None,
    };
    route.headers.iter().filter_map(warn).collect()
}

/// Warns of uploads in parts that no file uses, or whose size is not known before their end.
fn multipart_warnings(route: &Route) -> Vec<String> {
    let Some(rules) = &route.multipart else { return Vec::new() };
    let name = &route.name;
    let mut warnings = Vec::new();
    if route.size.max < rules.threshold {
        warnings.push(format!(
            "route '{name}' has multipart.enabled, and max_size ({}) is smaller than multipart.threshold ({}): the \
             client uploads no file in parts",
            size_text(route.size.max),
            size_text(rules.threshold)
        ));
    }
    if rules.unsized_files {
        warnings.push(format!(
            "route '{name}' has multipart.unsized: until such an upload ends, its parts can have up to 5GiB each, \
             and max_size is checked only then"
        ));
    }
    warnings
}

/// Warns of keys that cannot limit an upload, and of links that every caller gets.
fn access_warnings(route: &Route) -> Vec<String> {
    let name = &route.name;
    let mut warnings = Vec::new();
    if route.session_keys.is_some() {
        warnings.push(format!(
            "route '{name}' gives out session keys (sts.enabled): they cannot limit the size, the type or the number \
             of uploads, and overwrite objects; multipart.enabled allows the same files within the limits of the route"
        ));
    }
    if route.download.is_some() && !route.template.has_caller_prefix() {
        warnings.push(format!(
            "route '{name}' gives out download links (download.enabled), and its keys do not begin with a directory of \
             the caller's own: whoever may call the route can read each of its objects whose key is known; add {{sub}}/"
        ));
    }
    warnings
}

/// Warns of callbacks.
fn callback_warnings(route: &Route) -> Vec<String> {
    let Some(callback) = &route.callback else { return Vec::new() };
    let name = &route.name;
    let mut warnings = Vec::new();
    if let CallbackTarget::Addresses(addresses) = &callback.target
        && addresses.iter().any(|address| address.starts_with("http:"))
    {
        warnings.push(format!(
            "route '{name}' has a callback by plain http: everyone on the network path can read it, with its receipt"
        ));
    }
    let uncertain: Vec<_> = callback.body.uncertain().collect();
    if !uncertain.is_empty() {
        warnings.push(format!(
            "route '{name}' sends {} in its callback, under names on which the documentation does not agree: \
             upload once and check what arrives",
            uncertain.join(", ")
        ));
    }
    if !callback.body.has_receipt() {
        warnings.push(format!(
            "route '{name}' has a callback without ${{x:receipt}}: the back end cannot verify what was granted"
        ));
    }
    warnings
}
