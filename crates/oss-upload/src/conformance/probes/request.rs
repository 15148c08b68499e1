//! Probes of requests for one object that are signed in their URL or in a header.

use std::time::Duration;

use crate::conformance::observation::Prediction::{Accepted, AcceptedWith, Refused};
use crate::conformance::probe::{Look, Probe, facts};
use crate::conformance::request::SignaturePlace::{Header, Nowhere, UrlAndHeader};
use crate::conformance::request::{ProbeRequest, SentContent};
use oss_emulator::oss::OssErrorKind as Kind;
use oss_upload_signer::signing::request::{
    X_OSS_ADDITIONAL_HEADERS, X_OSS_CONTENT_SHA256, X_OSS_EXPIRES,
};
use oss_upload_signer::signing::v4::{OSS4_HMAC_SHA256, X_OSS_DATE};

/// A callback to a host without an address, as the parameter and the header have it.
const CALLBACK: &str =
    "eyJjYWxsYmFja1VybCI6Imh0dHA6Ly9jb25mb3JtYW5jZS5pbnZhbGlkLyIsImNhbGxiYWNrQm9keSI6ImE9MSJ9";

const MINUTE: Duration = Duration::from_mins(1);

/// How long the URL of a slow upload is valid.
const SHORT: Duration = Duration::from_secs(4);

/// How long a slow upload pauses.
const PAUSE: Duration = Duration::from_secs(7);

pub(super) fn choices() -> Vec<Probe> {
    let probe = Probe::of_request_choice;
    vec![
        probe(
            "private-bucket",
            "private-bucket",
            "a GET without a signature",
            Refused(Kind::Anonymous),
            |request| request.place = Nowhere,
        )
        .or_fixed(Accepted),
        probe(
            "signed-twice",
            "signed-twice",
            "a GET that is signed in its URL and in a header",
            Refused(Kind::SignedTwice),
            |request| request.place = UrlAndHeader,
        )
        .or_fixed(Accepted),
        probe(
            "query-twice",
            "query-twice",
            "a parameter that is sent twice",
            Refused(Kind::QueryInvalid),
            |request| request.query = vec![("response-expires", Some("0")); 2],
        )
        .or_fixed(Accepted),
        probe(
            "signed-header-twice",
            "signed-header-twice",
            "a signed header without meaning that is sent twice",
            Accepted,
            |request| {
                request.place = Header;
                request.signed = vec![("x-oss-conformance", "1,2")];
                request.sent = vec![("x-oss-conformance", "1"), ("x-oss-conformance", "2")];
            },
        )
        .or_fixed(Refused(Kind::RequestSignatureMismatch)),
    ]
}

pub(super) fn transfer_choices() -> Vec<Probe> {
    let probe = Probe::of_request_choice;
    vec![
        probe(
            "range-end",
            "range-end",
            "a Range that ends behind the object",
            AcceptedWith(facts::WHOLE),
            |request| request.sent = vec![("range", "bytes=1-1000")],
        )
        .or_fixed(AcceptedWith(facts::PARTIAL))
        .looking_at(Look::Range),
        probe(
            "url-end",
            "url-end",
            "a URL that expires while the body arrives (7 seconds)",
            Accepted,
            |request| {
                request.lifetime = SHORT;
                request.put("url-end", SentContent::Paused(PAUSE));
            },
        )
        .or_fixed(Refused(Kind::UrlExpired)),
        probe(
            "chunked-put",
            "chunked-put",
            "a PUT without a length",
            Refused(Kind::MissingContentLength),
            |request| request.put("chunked-put", SentContent::Chunked),
        )
        .or_fixed(Accepted),
        probe(
            "callback-twice",
            "callback-twice",
            "a PUT with a callback in a header and in the query",
            Refused(Kind::ArgumentInvalid),
            |request| {
                request.put("callback-twice", SentContent::Paused(Duration::ZERO));
                request.query = vec![("callback", Some(CALLBACK))];
                request.signed = vec![("x-oss-callback", CALLBACK)];
                request.sent = vec![("x-oss-callback", CALLBACK)];
            },
        )
        .or_fixed(Refused(Kind::CallbackFailed)),
    ]
}

pub(super) fn signature_choices() -> Vec<Probe> {
    let probe = Probe::of_request_choice;
    vec![
        probe(
            "url-region-ec",
            "url-region",
            "a URL that is signed for another region",
            Refused(Kind::UrlRegionInvalid),
            |request| {
                request.sign_for_another_region();
            },
        )
        .or_fixed(Refused(Kind::HeaderRegionInvalid)),
        probe(
            "url-region-ec",
            "header-region",
            "a header that is signed for another region",
            Refused(Kind::HeaderRegionInvalid),
            |request| {
                request.place = Header;
                request.sign_for_another_region();
            },
        )
        .or_fixed(Refused(Kind::UrlRegionInvalid)),
        probe(
            "header-names-ec",
            "header-names",
            "AdditionalHeaders that name a missing header",
            Refused(Kind::HeaderNameAbsent),
            |request| {
                request.place = Header;
                request.additional = vec!["x-conformance"];
            },
        ),
        probe(
            "always-signed-names",
            "always-signed-names",
            "AdditionalHeaders that name Content-Type",
            Refused(Kind::HeaderNameAbsent),
            |request| {
                request.place = Header;
                request.signed = vec![("content-type", "text/plain")];
                request.sent = vec![("content-type", "text/plain")];
                request.additional = vec!["content-type"];
            },
        )
        .or_fixed(Accepted),
    ]
}

pub(super) fn date_choices() -> Vec<Probe> {
    let probe = Probe::of_request_choice;
    vec![
        probe(
            "header-date-ec",
            "header-date",
            "a header that was signed 16 minutes ago",
            Refused(Kind::TimeTooSkewed),
            |request| {
                request.place = Header;
                request.signed_at = request.bucket.now().minus(16 * MINUTE);
            },
        ),
        probe(
            "request-date-missing",
            "header-without-date",
            "a signed header without x-oss-date",
            Refused(Kind::DateHeaderInvalid),
            |request| {
                request.place = Header;
                request.edit_headers = |headers| headers.retain(|(name, _)| *name != X_OSS_DATE);
            },
        ),
        probe(
            "request-date-missing",
            "url-without-date",
            "a signed URL without x-oss-date",
            Refused(Kind::UrlParameterMissing),
            |request| request.edit_query = |query| without(query, X_OSS_DATE),
        ),
    ]
}

pub(super) fn url_errors() -> Vec<Probe> {
    vec![
        error("url-early", "a URL of 16 minutes later", Kind::UrlTooEarly, |request| {
            request.signed_at = request.bucket.now().plus(16 * MINUTE);
        }),
        error("url-expired", "a URL that has expired", Kind::UrlExpired, |request| {
            request.signed_at = request.bucket.now().minus(2 * MINUTE);
            request.lifetime = MINUTE;
        }),
        error("url-lifetime", "a URL for 0 seconds", Kind::UrlExpiresRange, |request| {
            request.lifetime = Duration::ZERO;
        }),
        error("url-long-lifetime", "a URL for over 7 days", Kind::UrlExpiresRange, |request| {
            request.lifetime = Duration::from_secs(7 * 24 * 60 * 60 + 1);
        }),
        error("url-no-lifetime", "no x-oss-expires", Kind::UrlExpiresMissing, |request| {
            request.edit_query = |query| without(query, X_OSS_EXPIRES);
        }),
        error("url-empty-lifetime", "an empty x-oss-expires", Kind::UrlExpiresEmpty, |request| {
            request.edit_query =
                |query| format!("{}&{X_OSS_EXPIRES}=", without(query, X_OSS_EXPIRES));
        }),
        error("url-version", "an unknown version in a URL", Kind::UrlVersionUnknown, |request| {
            request.edit_query = |query| query.replace(OSS4_HMAC_SHA256, "OSS5-HMAC-SHA256");
        }),
        error(
            "url-credential",
            "a credential of another kind",
            Kind::UrlCredentialInvalid,
            |request| {
                request.edit_query = |query| query.replace("aliyun_v4_request", "aws4_request");
            },
        ),
        error("url-names", "a URL that signs a missing header", Kind::UrlNameAbsent, |request| {
            request.additional = vec!["x-conformance"];
        }),
        error("url-no-names", "an empty list of headers", Kind::UrlNamesEmpty, |request| {
            request.edit_query = |query| format!("{query}&{X_OSS_ADDITIONAL_HEADERS}=");
        }),
        error(
            "url-changed",
            "a parameter that is not signed",
            Kind::RequestSignatureMismatch,
            |request| {
                request.edit_query = |query| format!("{query}&response-expires=0");
            },
        ),
    ]
}

pub(super) fn header_errors() -> Vec<Probe> {
    vec![
        error("header-hash", "another x-oss-content-sha256", Kind::PayloadHashInvalid, |request| {
            request.place = Header;
            request.edit_headers =
                |headers| replace(headers, X_OSS_CONTENT_SHA256, "UNSIGNED-PAYLOAD", "STREAMING");
        }),
        error(
            "header-credential",
            "a credential of another kind",
            Kind::HeaderCredentialInvalid,
            |request| {
                request.place = Header;
                request.edit_headers = |headers| {
                    replace(headers, "authorization", "aliyun_v4_request", "aws4_request");
                };
            },
        ),
        error(
            "header-product",
            "a credential for another product",
            Kind::HeaderProductInvalid,
            |request| {
                request.place = Header;
                request.edit_headers =
                    |headers| replace(headers, "authorization", "/oss/aliyun", "/ecs/aliyun");
            },
        ),
        error("header-no-names", "an empty list of headers", Kind::HeaderNamesEmpty, |request| {
            request.place = Header;
            request.edit_headers = |headers| {
                replace(headers, "authorization", "Signature=", "AdditionalHeaders=,Signature=");
            };
        }),
        error(
            "header-added",
            "a header that is not signed",
            Kind::RequestSignatureMismatch,
            |request| {
                request.place = Header;
                request.sent = vec![("x-oss-conformance", "1")];
            },
        ),
    ]
}

fn error(
    name: &'static str,
    about: &'static str,
    kind: Kind,
    change: fn(&mut ProbeRequest<'_>),
) -> Probe {
    Probe::of_request_error(name, about, Refused(kind), change)
}

/// Removes a parameter from a query.
fn without(query: &str, name: &str) -> String {
    let is_other = |pair: &&str| pair.split('=').next() != Some(name);
    query.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

fn replace(headers: &mut [(&'static str, String)], name: &str, from: &str, to: &str) {
    for (header, value) in headers {
        if *header == name {
            *value = value.replace(from, to);
        }
    }
}
