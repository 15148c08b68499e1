//! How strictly the local OSS judges.
//!
//! Where the documentation is silent or contradicts itself the emulator takes the stricter reading,
//! so that a form which passes here passes there too. A client that is known to work all the same
//! can be let through by naming the [`Leniency`]; the table of choices stands in the room's door
//! plate.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::oss::unchecked::Unchecked;

/// Counts the seconds of fifteen minutes: how far `x-oss-date` may lie in the future.
const FIFTEEN_MINUTES: i64 = 15 * 60;

/// Counts the seconds of seven days: how far `x-oss-date` may lie in the past.
const SEVEN_DAYS: i64 = 7 * 24 * 60 * 60;

/// Holds every setting of the judge; the default is the strict one.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The uncertain points on which the client is believed.
    pub lenient: BTreeSet<Leniency>,
    /// Whether V1 forms are refused (EC 0002-00000080), as new accounts and buckets do.
    pub refuse_v1: bool,
    /// Whether the virtual hosts are refused (EC 0048-00000401), as the default public endpoints
    /// are for new accounts; a custom domain, which a bare address plays, still works.
    pub refuse_public_endpoint: bool,
    /// What is not checked at all, as by something that only looks like OSS.
    pub unchecked: Unchecked,
    /// Whether field names must be spelt exactly as documented.
    pub case_sensitive_names: bool,
    /// The longest value of one field in bytes; pages name 2 MB, 8 KB and 4 KB.
    pub value_limit: u64,
    /// The seconds by which `x-oss-date` may be ahead of the clock.
    pub date_ahead: i64,
    /// The seconds by which `x-oss-date` may be behind the clock.
    pub date_behind: i64,
    /// How long a slow or refused client is put up with.
    pub patience: Patience,
}

/// Bounds what a slow or refused client may cost, and a slow server of a callback.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long no byte may arrive before the upload is refused with `RequestTimeout`.
    pub idle: Duration,
    /// How many bytes of a refused upload are still read, so that a browser can read the answer.
    pub drain_bytes: u64,
    /// How long a refused upload is still read.
    pub drain_time: Duration,
    /// How long all addresses of a callback together may take.
    pub callback: Duration,
}

impl Default for Judgement {
    fn default() -> Self {
        Self {
            lenient: BTreeSet::new(),
            refuse_v1: false,
            refuse_public_endpoint: false,
            unchecked: Unchecked::default(),
            case_sensitive_names: false,
            value_limit: 2 * 1024 * 1024,
            date_ahead: FIFTEEN_MINUTES,
            date_behind: SEVEN_DAYS,
            patience: Patience::default(),
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(1),
            drain_bytes: 64 * 1024 * 1024,
            drain_time: Duration::from_secs(5),
            callback: Duration::from_secs(5),
        }
    }
}

impl Judgement {
    /// Says whether the client is believed on this point.
    #[must_use]
    pub fn allows(&self, leniency: Leniency) -> bool {
        self.lenient.contains(&leniency)
    }
}

macro_rules! leniencies {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// Names an uncertain point on which a client can be believed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Leniency {
            $($(#[$doc])* $variant,)*
        }

        impl Leniency {
            /// Lists every leniency.
            pub const ALL: &'static [Leniency] = &[$(Leniency::$variant),*];

            /// Returns the name under which a setting or a command line asks for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Leniency::$variant => $name,)*
                }
            }
        }
    };
}

leniencies! {
    /// A V4 form may carry a security token that its policy does not name.
    UncoveredToken = "uncovered-token";
    /// `$content-type` looks at the field alone when the file part says something else.
    ContentTypeField = "content-type-field";
    /// `expiration` may have any fraction and any offset.
    AnyExpiration = "any-expiration";
    /// The policy may expire while the body is still arriving.
    ExpiryDuringUpload = "expiry-during-upload";
    /// The boundary may stand in quotes.
    QuotedBoundary = "quoted-boundary";
    /// The names of parts may stand without quotes.
    UnquotedNames = "unquoted-names";
    /// A semicolon in a part's disposition needs no space after it.
    TightSemicolons = "tight-semicolons";
    /// Text may stand before the first boundary.
    Preamble = "preamble";
    /// A field may be sent twice; the last one counts.
    RepeatedFields = "repeated-fields";
    /// `${filename}` without a file name becomes nothing.
    MissingFilename = "missing-filename";
    /// `${filename}` keeps the folders that a client sends in the file name.
    FilenameFolders = "filename-folders";
    /// `x-oss-tagging` is ignored instead of refused.
    IgnoredTagging = "ignored-tagging";
    /// A redirect after success carries bucket, key and etag, as S3 does it.
    RedirectParameters = "redirect-parameters";
    /// A callback that went well is answered with its JSON even where a redirect is asked for.
    CallbackBeforeRedirect = "callback-before-redirect";
    /// The `ETag` of an uploaded object is the MD5 of its content.
    Md5Etag = "md5-etag";
}

impl fmt::Display for Leniency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Leniency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|leniency| leniency.name() == text);
        known.copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
            format!("no leniency is called {text:?}; there are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_believes_nobody() {
        let judgement = Judgement::default();
        assert!(Leniency::ALL.iter().all(|one| !judgement.allows(*one)));
    }

    #[test]
    fn the_table_of_choices_names_every_setting() {
        let table = include_str!("mod.rs");
        let fields =
            ["date_behind", "date_ahead", "value_limit", "case_sensitive_names", "refuse_v1"];
        let fields = fields.into_iter().chain(["refuse_public_endpoint"]);
        for name in fields.chain(Leniency::ALL.iter().map(|one| one.name())) {
            let cell = format!("`{name}`");
            let rows = table.lines().filter(|line| line.starts_with("//! | "));
            let mut settings = rows.filter_map(|row| row.rsplit(" | ").next());
            assert!(settings.any(|settings| settings.contains(&cell)), "{name}");
        }
    }

    #[test]
    fn every_leniency_can_be_asked_for_by_name() {
        for leniency in Leniency::ALL {
            assert_eq!(leniency.name().parse(), Ok(*leniency));
        }
        assert!("generous".parse::<Leniency>().is_err());
    }
}
