//! The rule of a route: what a caller has to show before it signs for them.
//!
//! ```text
//! rule = "anonymous" | way
//! way  = "jwt" | "ticket" | "origin" | "any(" way "," way … ")" | "all(" way "," way … ")"
//! ```
//!
//! Strict on purpose: a rule that says less than it seems to is refused when it is read. Whether
//! somebody passes is [`crate::auth::authenticator`]'s business.

use std::fmt;

/// How deep rules may lie in each other; nobody can read more.
const MAX_DEPTH: usize = 4;

/// What callers have to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthRule {
    /// Nothing: whoever reaches the address may upload. Written out as `anonymous`, never a default.
    Anonymous,
    /// A token of the identity provider.
    Jwt,
    /// A ticket of the back end.
    Ticket,
    /// A page that is on the origin list.
    Origin,
    /// All of these.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
}

/// Says why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidAuthRule {
    /// A word that names no way in.
    Unknown(String),
    /// `anonymous` beside or inside something else.
    AnonymousInside,
    /// `any` or `all` of fewer than two.
    TooFew,
    /// The same way twice in one list.
    Twice(AuthRule),
    /// A bracket or a comma that is missing or too many, where this text begins.
    Unfinished(String),
    /// Rules inside rules inside rules.
    TooDeep,
}

impl AuthRule {
    /// Reads `jwt`, `any(jwt, ticket)`, `all(origin, any(jwt, ticket))` and their like.
    pub fn parse(text: &str) -> Result<Self, InvalidAuthRule> {
        let mut reader = Reader { rest: text.trim() };
        let rule = reader.rule(0)?;
        if reader.rest.is_empty() { Ok(rule) } else { Err(reader.unfinished()) }
    }

    /// Tells whether a way in is named anywhere in the rule.
    #[must_use]
    pub fn contains(&self, way: &Self) -> bool {
        match self {
            Self::All(ways) | Self::Any(ways) => ways.iter().any(|one| one.contains(way)),
            one => one == way,
        }
    }

    /// Tells whether everybody who passes has proved something. An origin proves nothing: a program
    /// can claim any.
    #[must_use]
    pub fn requires_credentials(&self) -> bool {
        match self {
            Self::Anonymous | Self::Origin => false,
            Self::Jwt | Self::Ticket => true,
            Self::All(ways) => ways.iter().any(Self::requires_credentials),
            Self::Any(ways) => ways.iter().all(Self::requires_credentials),
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
        let (name, ways) = match self {
            Self::Anonymous => return formatter.write_str("anonymous"),
            Self::Jwt => return formatter.write_str("jwt"),
            Self::Ticket => return formatter.write_str("ticket"),
            Self::Origin => return formatter.write_str("origin"),
            Self::All(ways) => ("all", ways),
            Self::Any(ways) => ("any", ways),
        };
        let ways: Vec<_> = ways.iter().map(ToString::to_string).collect();
        write!(formatter, "{name}({})", ways.join(", "))
    }
}

impl fmt::Display for InvalidAuthRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(
                formatter,
                "{word:?} is no way in; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' \
                 combine, and 'anonymous', which lets everyone in"
            ),
            Self::AnonymousInside => formatter.write_str(
                "'anonymous' stands alone: in 'any' it would let everyone in, in 'all' it would say nothing",
            ),
            Self::TooFew => formatter.write_str("'any' and 'all' combine two ways or more"),
            Self::Twice(way) => write!(formatter, "'{way}' stands twice in one list"),
            Self::Unfinished(rest) if rest.is_empty() => {
                formatter.write_str("it ends in the middle; close what was opened")
            }
            Self::Unfinished(rest) => {
                write!(formatter, "{rest:?} was not expected; a list is 'any(jwt, ticket)'")
            }
            Self::TooDeep => formatter.write_str("the lists lie too deep in each other"),
        }
    }
}

impl std::error::Error for InvalidAuthRule {}

/// What is still to be read of a rule.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
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

    /// Reads what stands behind an opening bracket, up to and with the closing one.
    fn list(&mut self, depth: usize) -> Result<Vec<AuthRule>, InvalidAuthRule> {
        if depth > MAX_DEPTH {
            return Err(InvalidAuthRule::TooDeep);
        }
        let mut ways = Vec::new();
        loop {
            let way = self.rule(depth)?;
            if ways.contains(&way) {
                return Err(InvalidAuthRule::Twice(way));
            }
            ways.push(way);
            match self.rest.as_bytes().first() {
                Some(b',') => self.skip(1),
                Some(b')') if ways.len() < 2 => return Err(InvalidAuthRule::TooFew),
                Some(b')') => {
                    self.skip(1);
                    return Ok(ways);
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
    fn rules_are_read_as_they_are_written() {
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
    fn a_rule_that_says_less_than_it_seems_to_is_refused() {
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
        : it ends in the middle; close what was opened
        everyone: "everyone" is no way in; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which lets everyone in
        JWT: "JWT" is no way in; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which lets everyone in
        any: "any" is no way in; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which lets everyone in
        anonymous(jwt, ticket): "(jwt, ticket)" was not expected; a list is 'any(jwt, ticket)'
        all(anonymous, jwt): 'anonymous' stands alone: in 'any' it would let everyone in, in 'all' it would say nothing
        any(jwt, anonymous): 'anonymous' stands alone: in 'any' it would let everyone in, in 'all' it would say nothing
        any(jwt): 'any' and 'all' combine two ways or more
        any(): ")" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, jwt): 'jwt' stands twice in one list
        all(any(jwt, ticket), any(jwt, ticket)): 'any(jwt, ticket)' stands twice in one list
        any(jwt, ticket: it ends in the middle; close what was opened
        any(jwt ticket): "jwt ticket" is no way in; there are 'jwt', 'ticket' and 'origin', which 'any(…)' and 'all(…)' combine, and 'anonymous', which lets everyone in
        any(jwt,, ticket): ", ticket)" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, ticket,): ")" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, ticket)): ")" was not expected; a list is 'any(jwt, ticket)'
        jwt, ticket: ", ticket" was not expected; a list is 'any(jwt, ticket)'
        any(jwt, any(jwt, any(jwt, any(jwt, any(jwt, ticket))))): the lists lie too deep in each other
        "#);
    }

    #[test]
    fn an_origin_alone_proves_nothing() {
        let needs = |text: &str| AuthRule::parse(text).unwrap().requires_credentials();
        assert!(needs("jwt") && needs("all(origin, ticket)") && needs("any(jwt, ticket)"));
        assert!(!needs("anonymous") && !needs("origin") && !needs("any(origin, jwt)"));
        let rule = AuthRule::parse("all(origin, any(jwt, ticket))").unwrap();
        assert!(rule.contains(&AuthRule::Ticket) && !rule.contains(&AuthRule::Anonymous));
    }
}
