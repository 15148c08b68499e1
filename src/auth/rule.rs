//! The rule of a route: which credentials a request needs.
//!
//! ```text
//! rule   = "anonymous" | method
//! method = "jwt" | "ticket" | "origin" | "any(" method "," method … ")" | "all(" method "," method … ")"
//! ```
//!
//! A rule that requires less than it seems to is a parse error. [`crate::auth::authenticator`] applies rules.

use std::fmt;

/// The largest nesting depth of rules.
const MAX_DEPTH: usize = 4;

/// The credentials that a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthRule {
    /// None: everyone who reaches the function may upload. Only the word `anonymous` in the settings means this.
    Anonymous,
    /// A token of the identity provider.
    Jwt,
    /// A ticket of the back end.
    Ticket,
    /// A page on the origin list.
    Origin,
    /// All of these.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
}

/// The reason why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidAuthRule {
    /// A word that is not a method.
    Unknown(String),
    /// `anonymous` inside a list.
    AnonymousInside,
    /// `any` or `all` of fewer than two methods.
    TooFew,
    /// The same method twice in one list.
    Twice(AuthRule),
    /// A missing or superfluous bracket or comma, where this text begins.
    Unfinished(String),
    /// More nested lists than [`MAX_DEPTH`].
    TooDeep,
}

impl AuthRule {
    /// Parses `jwt`, `any(jwt, ticket)`, `all(origin, any(jwt, ticket))` and the like.
    pub fn parse(text: &str) -> Result<Self, InvalidAuthRule> {
        let mut parser = RuleParser { rest: text.trim() };
        let rule = parser.rule(0)?;
        if parser.rest.is_empty() { Ok(rule) } else { Err(parser.unfinished()) }
    }

    /// Returns whether the rule contains a method at any depth.
    #[must_use]
    pub fn contains(&self, method: &Self) -> bool {
        match self {
            Self::All(methods) | Self::Any(methods) => {
                methods.iter().any(|one| one.contains(method))
            }
            one => one == method,
        }
    }

    /// Returns whether every caller who passes has sent verified credentials. An origin is not verified: a program can
    /// send any.
    #[must_use]
    pub fn requires_credentials(&self) -> bool {
        match self {
            Self::Anonymous | Self::Origin => false,
            Self::Jwt | Self::Ticket => true,
            Self::All(methods) => methods.iter().any(Self::requires_credentials),
            Self::Any(methods) => methods.iter().all(Self::requires_credentials),
        }
    }

    /// Returns the names of the credentials that a caller may present; empty where none is required.
    #[must_use]
    pub fn credentials(&self) -> Vec<&'static str> {
        let all = [("jwt", Self::Jwt), ("ticket", Self::Ticket)];
        let named = all.into_iter().filter(|(_, way)| self.contains(way)).map(|(name, _)| name);
        if self.requires_credentials() { named.collect() } else { Vec::new() }
    }
}

impl fmt::Display for AuthRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, methods) = match self {
            Self::Anonymous => return formatter.write_str("anonymous"),
            Self::Jwt => return formatter.write_str("jwt"),
            Self::Ticket => return formatter.write_str("ticket"),
            Self::Origin => return formatter.write_str("origin"),
            Self::All(methods) => ("all", methods),
            Self::Any(methods) => ("any", methods),
        };
        let methods: Vec<_> = methods.iter().map(ToString::to_string).collect();
        write!(formatter, "{name}({})", methods.join(", "))
    }
}

impl fmt::Display for InvalidAuthRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(
                formatter,
                "{word:?} is not a method; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' \
                 combine, and 'anonymous', which admits everyone"
            ),
            Self::AnonymousInside => formatter.write_str(
                "'anonymous' cannot be combined: in 'any' it would admit everyone, in 'all' it would have no effect",
            ),
            Self::TooFew => formatter.write_str("'any' and 'all' combine two methods or more"),
            Self::Twice(method) => write!(formatter, "'{method}' occurs twice in one list"),
            Self::Unfinished(rest) if rest.is_empty() => {
                formatter.write_str("it is incomplete; add what is missing at the end")
            }
            Self::Unfinished(rest) => {
                write!(formatter, "{rest:?} was not expected; a list is 'any(jwt, ticket)'")
            }
            Self::TooDeep => formatter.write_str("the lists are nested too deeply"),
        }
    }
}

impl std::error::Error for InvalidAuthRule {}

/// The unread rest of a rule.
struct RuleParser<'a> {
    rest: &'a str,
}

impl RuleParser<'_> {
    fn rule(&mut self, depth: usize) -> Result<AuthRule, InvalidAuthRule> {
        let end = self.rest.find(['(', ')', ',']).unwrap_or(self.rest.len());
        let word = self.rest[..end].trim_end();
        let is_list = self.rest[end..].starts_with('(');
        let rule = match word {
            "anonymous" if depth > 0 => return Err(InvalidAuthRule::AnonymousInside),
            "" => return Err(self.unfinished()),
            "anonymous" => AuthRule::Anonymous,
            "jwt" => AuthRule::Jwt,
            "ticket" => AuthRule::Ticket,
            "origin" => AuthRule::Origin,
            "any" | "all" if is_list => {
                let combine = if word == "any" { AuthRule::Any } else { AuthRule::All };
                self.skip(end + 1);
                return self.list(depth + 1).map(combine);
            }
            word => return Err(InvalidAuthRule::Unknown(word.to_owned())),
        };
        self.skip(end);
        Ok(rule)
    }

    /// Parses the rest of a list after its opening bracket, including the closing one.
    fn list(&mut self, depth: usize) -> Result<Vec<AuthRule>, InvalidAuthRule> {
        if depth > MAX_DEPTH {
            return Err(InvalidAuthRule::TooDeep);
        }
        let mut methods = Vec::new();
        loop {
            let method = self.rule(depth)?;
            if methods.contains(&method) {
                return Err(InvalidAuthRule::Twice(method));
            }
            methods.push(method);
            match self.rest.as_bytes().first() {
                Some(b',') => self.skip(1),
                Some(b')') if methods.len() < 2 => return Err(InvalidAuthRule::TooFew),
                Some(b')') => {
                    self.skip(1);
                    return Ok(methods);
                }
                _ => return Err(self.unfinished()),
            }
        }
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest[count..].trim_start();
    }

    fn unfinished(&self) -> InvalidAuthRule {
        InvalidAuthRule::Unfinished(self.rest.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsed_rule_is_displayed_as_it_was_written() {
        for text in [
            "anonymous",
            "jwt",
            "ticket",
            "origin",
            "any(jwt, ticket)",
            "all(origin, any(jwt, ticket))",
            "all(any(jwt, ticket), origin)",
        ] {
            assert_eq!(AuthRule::parse(text).unwrap().to_string(), text);
        }
        let spaced = AuthRule::parse("  all ( origin ,any(jwt,  ticket ) ) ").unwrap();
        assert_eq!(spaced.to_string(), "all(origin, any(jwt, ticket))");
    }

    #[test]
    fn credentials_are_named_where_a_rule_requires_one() {
        for (text, credentials) in [
            ("anonymous", &[][..]),
            ("origin", &[]),
            ("any(origin, ticket)", &[]),
            ("ticket", &["ticket"]),
            ("all(origin, jwt)", &["jwt"]),
            ("all(origin, any(ticket, jwt))", &["jwt", "ticket"]),
        ] {
            assert_eq!(AuthRule::parse(text).unwrap().credentials(), credentials, "{text}");
        }
    }

    #[test]
    fn a_rule_that_requires_less_than_it_seems_to_is_refused() {
        let refused = |text: &str| AuthRule::parse(text).unwrap_err().to_string();
        let table: Vec<_> = [
            "",
            "everyone",
            "JWT",
            "any",
            "anonymous(jwt, ticket)",
            "all(anonymous, jwt)",
            "any(jwt, anonymous)",
            "any(jwt)",
            "any()",
            "any(jwt, jwt)",
            "all(any(jwt, ticket), any(jwt, ticket))",
            "any(jwt, ticket",
            "any(jwt ticket)",
            "any(jwt,, ticket)",
            "any(jwt, ticket,)",
            "any(jwt, ticket))",
            "jwt, ticket",
            "any(jwt, any(jwt, any(jwt, any(jwt, any(jwt, ticket)))))",
        ]
        .into_iter()
        .map(|text| format!("{text}: {}", refused(text)))
        .collect();
        insta::assert_snapshot!(table.join("\n"), @r#"
        : it is incomplete; add what is missing at the end
        everyone: "everyone" is not a method; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which admits everyone
        JWT: "JWT" is not a method; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which admits everyone
        any: "any" is not a method; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which admits everyone
        anonymous(jwt, ticket): "(jwt, ticket)" was not expected; a list is 'any(jwt, ticket)'
        all(anonymous, jwt): 'anonymous' cannot be combined: in 'any' it would admit everyone, in 'all' it would have no effect
        any(jwt, anonymous): 'anonymous' cannot be combined: in 'any' it would admit everyone, in 'all' it would have no effect
        any(jwt): 'any' and 'all' combine two methods or more
        any(): ")" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, jwt): 'jwt' occurs twice in one list
        all(any(jwt, ticket), any(jwt, ticket)): 'any(jwt, ticket)' occurs twice in one list
        any(jwt, ticket: it is incomplete; add what is missing at the end
        any(jwt ticket): "jwt ticket" is not a method; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which admits everyone
        any(jwt,, ticket): ", ticket)" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, ticket,): ")" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, ticket)): ")" was not expected; a list is 'any(jwt, ticket)'
        jwt, ticket: ", ticket" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, any(jwt, any(jwt, any(jwt, any(jwt, ticket))))): the lists are nested too deeply
        "#);
    }

    #[test]
    fn an_origin_alone_is_not_authentication() {
        let needs = |text: &str| AuthRule::parse(text).unwrap().requires_credentials();
        assert!(needs("jwt") && needs("all(origin, ticket)") && needs("any(jwt, ticket)"));
        assert!(!needs("anonymous") && !needs("origin") && !needs("any(origin, jwt)"));
        let rule = AuthRule::parse("all(origin, any(jwt, ticket))").unwrap();
        assert!(rule.contains(&AuthRule::Ticket) && !rule.contains(&AuthRule::Anonymous));
    }
}
