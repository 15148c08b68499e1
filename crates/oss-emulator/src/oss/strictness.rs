//! Settings for the checks that the documentation leaves open.
//!
//! Where the documentation is silent or contradicts itself, the emulator takes the stricter
//! reading, so that a form which passes here also passes in the cloud. A client that relies on
//! another reading can be accepted by naming a [`Relaxation`]. `choices` lists all of these choices.
//!
//! [`SkippedChecks`] switches checks off altogether. This emulates a store that only resembles OSS,
//! for tests of tools that must detect one.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Seconds in fifteen minutes: the default limit for an `x-oss-date` in the future.
const FIFTEEN_MINUTES: i64 = 15 * 60;

/// Seconds in seven days: the default limit for an `x-oss-date` in the past.
const SEVEN_DAYS: i64 = 7 * 24 * 60 * 60;

/// All settings of the validator. The default is the strictest.
#[derive(Clone, Debug)]
pub struct Strictness {
    /// The relaxations in effect.
    pub relaxed: BTreeSet<Relaxation>,
    /// Whether V1 forms are rejected (EC 0002-00000080), as in new accounts and buckets.
    pub refuse_v1: bool,
    /// Whether virtual hosts are rejected (EC 0048-00000401), as the default public endpoints are
    /// for new accounts. A bare address, which stands for a custom domain, still works.
    pub refuse_public_endpoint: bool,
    /// The checks that are skipped.
    pub skipped: SkippedChecks,
    /// What of a signature is verified.
    pub signature_check: SignatureCheck,
    /// Whether field names must be spelt exactly as documented.
    pub case_sensitive_names: bool,
    /// The longest value of one field in bytes. The default is 2 MB; pages name 2 MB, 8 KB and 4
    /// KB.
    pub value_limit: u64,
    /// The maximum number of seconds by which `x-oss-date` may be ahead of the clock.
    pub date_ahead: i64,
    /// The maximum number of seconds by which `x-oss-date` may be behind the clock.
    pub date_behind: i64,
    /// The minimum size in bytes of every part of a multipart upload but the last. The default is
    /// 100 KB, as documented.
    pub min_part_size: u64,
    /// The limits for slow clients, rejected uploads and callbacks.
    pub limits: TransferLimits,
}

/// Limits for slow clients, rejected uploads and callbacks.
#[derive(Clone, Copy, Debug)]
pub struct TransferLimits {
    /// The longest pause between bytes of an upload before it is rejected with `RequestTimeout`.
    pub idle: Duration,
    /// The number of bytes of a rejected upload that are still read, so that a browser can read the
    /// response.
    pub drain_bytes: u64,
    /// The time for which a rejected upload is still read.
    pub drain_time: Duration,
    /// The time limit for all addresses of a callback together.
    pub callback: Duration,
}

impl Default for Strictness {
    fn default() -> Self {
        Self {
            relaxed: BTreeSet::new(),
            refuse_v1: false,
            refuse_public_endpoint: false,
            skipped: SkippedChecks::default(),
            signature_check: SignatureCheck::default(),
            case_sensitive_names: false,
            value_limit: 2 * 1024 * 1024,
            date_ahead: FIFTEEN_MINUTES,
            date_behind: SEVEN_DAYS,
            min_part_size: 100 * 1024,
            limits: TransferLimits::default(),
        }
    }
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(1),
            drain_bytes: 64 * 1024 * 1024,
            drain_time: Duration::from_secs(5),
            callback: Duration::from_secs(5),
        }
    }
}

impl Strictness {
    /// Returns whether this relaxation is in effect.
    #[must_use]
    pub fn allows(&self, relaxation: Relaxation) -> bool {
        self.relaxed.contains(&relaxation)
    }
}

macro_rules! relaxations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// An exception from a check that the documentation leaves open.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Relaxation {
            $($(#[$doc])* $variant,)*
        }

        impl Relaxation {
            /// All relaxations.
            pub const ALL: &'static [Relaxation] = &[$(Relaxation::$variant),*];

            /// Returns the name of this relaxation in settings and on command lines.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Relaxation::$variant => $name,)*
                }
            }
        }
    };
}

relaxations! {
    /// A V4 form may carry a security token that its policy does not name.
    UncoveredToken = "uncovered-token";
    /// `$content-type` looks at the field alone when the file part says something else.
    ContentTypeField = "content-type-field";
    /// `expiration` may have any fraction and any offset.
    AnyExpiration = "any-expiration";
    /// The policy may expire while the body is still arriving.
    ExpiryDuringUpload = "expiry-during-upload";
    /// The `Content-Type` of the request may have other parameters than the boundary.
    ContentTypeParameters = "content-type-parameters";
    /// The boundary may be in quotes.
    QuotedBoundary = "quoted-boundary";
    /// The names of parts may be unquoted.
    UnquotedNames = "unquoted-names";
    /// A semicolon in a part's disposition needs no space after it.
    TightSemicolons = "tight-semicolons";
    /// Text may precede the first boundary.
    Preamble = "preamble";
    /// A field may be sent twice; the last one counts.
    RepeatedFields = "repeated-fields";
    /// `${filename}` without a file name becomes the empty string.
    MissingFilename = "missing-filename";
    /// `${filename}` keeps the folders that a client sends in the file name.
    FilenameFolders = "filename-folders";
    /// `x-oss-tagging` is ignored instead of refused.
    IgnoredTagging = "ignored-tagging";
    /// A redirect after success carries the bucket, key and etag as query parameters, as in S3.
    RedirectParameters = "redirect-parameters";
    /// The response of a successful callback is returned even if the form asks for a redirect.
    CallbackBeforeRedirect = "callback-before-redirect";
    /// The `ETag` of an uploaded object is the MD5 of its content.
    Md5Etag = "md5-etag";
    /// The ETags of a part list may lack their quotes and may be in lower case.
    LooseEtags = "loose-etags";
}

impl fmt::Display for Relaxation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Relaxation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|relaxation| relaxation.name() == text);
        known.copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
            format!("there is no relaxation named {text:?}; the names are {}", names.join(", "))
        })
    }
}

/// What of a signature is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureCheck {
    /// The value, with the secret of the key.
    #[default]
    Value,
    /// The shape only, for keys whose secret is not known. A signature that no secret could make, such
    /// as one in upper-case hex, is rejected all the same.
    Shape,
}

/// The checks that are skipped. By default none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkippedChecks {
    /// Any signature is accepted.
    pub signatures: bool,
    /// No condition is checked except the size.
    pub conditions: bool,
    /// A file may have any size.
    pub sizes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_no_relaxation() {
        let strictness = Strictness::default();
        assert!(Relaxation::ALL.iter().all(|one| !strictness.allows(*one)));
    }

    #[test]
    fn every_relaxation_is_parsed_from_its_name() {
        for relaxation in Relaxation::ALL {
            assert_eq!(relaxation.name().parse(), Ok(*relaxation));
        }
        assert!("generous".parse::<Relaxation>().is_err());
    }
}
