//! Probes of the `callback` field. Most of them name a host that has no address, so that no server is called.

use crate::conformance::form::ProbeForm;
use crate::conformance::observation::Prediction::{AcceptedWith, Refused};
use crate::conformance::probe::{Look, Need, Probe, REDIRECT, facts};
use oss_emulator::oss::OssErrorKind as Kind;
use oss_emulator::oss::Relaxation;
use oss_upload_signer::crypto;
use serde_json::{Value, json};

/// An address whose host does not exist: `invalid` is a reserved top-level domain (RFC 2606).
const NOWHERE: &str = "http://conformance.invalid/";

pub(super) fn choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "callback-and-redirect",
            "callback-and-redirect",
            "a callback and success_action_redirect",
            AcceptedWith(facts::REDIRECTED),
            |form| {
                let url = form.bucket.callback.clone().unwrap_or_default();
                add(form, &json!({"callbackUrl": url, "callbackBody": "key=${object}"}));
                form.add("success_action_redirect", REDIRECT);
            },
        )
        .or(AcceptedWith(facts::NOT_REDIRECTED), |strictness| {
            strictness.relaxed.insert(Relaxation::CallbackBeforeRedirect);
        })
        .needing(Need::Callback)
        .looking_at(Look::Status),
    ]
}

pub(super) fn parameter_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "callback-members",
            "callback-members",
            "a callback with an unknown member",
            Refused(Kind::CallbackInvalid),
            |form| {
                add(form, &json!({"callbackUrl": NOWHERE, "callbackBody": "a=1", "other": "1"}));
            },
        )
        .or_fixed(Refused(Kind::CallbackFailed)),
        Probe::of_choice(
            "callback-host-port",
            "callback-host-port",
            "a callbackHost with a port",
            Refused(Kind::CallbackInvalid),
            |form| {
                let host = "conformance.invalid:8080";
                add(
                    form,
                    &json!({"callbackUrl": NOWHERE, "callbackBody": "a=1", "callbackHost": host}),
                );
            },
        )
        .or_fixed(Refused(Kind::CallbackFailed)),
        Probe::of_choice(
            "callback-length",
            "callback-length",
            "a callback under 5 KB whose base64 is over 5 KB",
            Refused(Kind::CallbackInvalid),
            |form| {
                let body = format!("a={}", "1".repeat(4500));
                add(form, &json!({"callbackUrl": NOWHERE, "callbackBody": body}));
            },
        )
        .or_fixed(Refused(Kind::CallbackFailed)),
    ]
}

pub(super) fn errors() -> Vec<Probe> {
    let error = |name, about, kind, change| Probe::of_error(name, about, Refused(kind), change);
    vec![
        error(
            "callback-base64",
            "a callback that is not base64",
            Kind::CallbackNotBase64,
            |form| {
                form.add("callback", "*");
            },
        ),
        error("callback-json", "a callback that is not JSON", Kind::CallbackNotJson, |form| {
            form.add("callback", crypto::base64(b"callback"));
        }),
        error("callback-url", "a callback to an FTP address", Kind::CallbackUrlInvalid, |form| {
            let url = "ftp://conformance.invalid/";
            add(form, &json!({"callbackUrl": url, "callbackBody": "a=1"}));
        }),
        error("callback-count", "a callback with six addresses", Kind::CallbackUrlCount, |form| {
            let urls = [NOWHERE; 6].join(";");
            add(form, &json!({"callbackUrl": urls, "callbackBody": "a=1"}));
        }),
        error("callback-private", "a private address", Kind::CallbackUrlPrivate, |form| {
            let url = "http://192.168.0.1/";
            add(form, &json!({"callbackUrl": url, "callbackBody": "a=1"}));
        }),
        error("callback-body", "an empty callbackBody", Kind::CallbackBodyEmpty, |form| {
            add(form, &json!({"callbackUrl": NOWHERE, "callbackBody": ""}));
        }),
        error("callback-type", "an unknown type", Kind::CallbackBodyTypeInvalid, |form| {
            let kind = "text/plain";
            add(
                form,
                &json!({"callbackUrl": NOWHERE, "callbackBody": "a", "callbackBodyType": kind}),
            );
        }),
        error("callback-failed", "a host without address", Kind::CallbackFailed, |form| {
            add(form, &json!({"callbackUrl": NOWHERE, "callbackBody": "a=1"}));
        }),
    ]
}

fn add(form: &mut ProbeForm<'_>, callback: &Value) {
    form.add("callback", crypto::base64(callback.to_string().as_bytes()));
}
