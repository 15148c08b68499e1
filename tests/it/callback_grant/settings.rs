//! Settings of upload callbacks: their values, errors and warnings.

use insta::assert_snapshot;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::policy::callback::CallbackTarget;
use oss_upload_signer::time::Timestamp;

use crate::callback_grant::{KEY, PUBLIC};
use crate::support::app::{NOW, SMALL};

const SECRET: (&str, &str) =
    ("UPLOAD_WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");

const KEYS: (&str, &str) = ("UPLOAD_RECEIPT_KEYS", KEY);

fn environment(variables: &[(&str, &str)]) -> Environment {
    let mut environment = Environment::default();
    for (name, value) in SMALL.iter().chain(variables) {
        environment.set(name, *value);
    }
    environment
}

fn load(variables: &[(&str, &str)], file: &str) -> Result<Settings, String> {
    let now = Timestamp::from_unix(NOW).unwrap();
    Settings::load(&environment(variables), Some(file), now).map_err(|errors| errors.to_string())
}

fn refused(variables: &[(&str, &str)], file: &str) -> String {
    load(variables, file).unwrap_err()
}

#[test]
fn callback_settings_at_the_top_apply_to_every_route() {
    let file = "public_url = \"https://sign.example/\"\n\
                [callback]\nto = \"self\"\nnotify = \"https://back.example/all\"\n\
                variables.album = \"{yyyy}\"\nvariables.from = \"web\"\n\
                [routes.a]\n\
                [routes.b.callback]\nnotify = \"http://localhost:3000/b\"\nvariables.album = \"{sub}\"\nbody = \"json\"\n\
                [routes.c.callback]\nto = \"none\"\n\
                [routes.d]\nbucket = \"other\"\n";
    let settings = load(&[KEYS, SECRET], file).unwrap();
    let described = settings.routes.iter().map(|route| {
        let callback = route.callback.as_ref().map(|one| {
            let set = one.variables.iter().map(|(name, value)| format!("{name}={value}"));
            format!("{} {:?} {:?}", one.target, one.body.body_type, set.collect::<Vec<_>>())
        });
        format!("{} {}", route.name, callback.unwrap_or_default())
    });
    assert_snapshot!(described.collect::<Vec<_>>().join("\n"), @r#"
    a the function itself Form ["album={yyyy}", "from=web"]
    b the function itself Json ["album={sub}", "from=web"]
    c 
    d the function itself Form ["album={yyyy}", "from=web"]
    "#);
    let completion = settings.callback;
    assert_eq!(completion.public_url.as_deref(), Some("https://sign.example"));
    assert_eq!(completion.receipt_keys.len(), 1);
    assert!(completion.webhook_secret.is_some() && completion.key_urls.is_empty());
    assert_snapshot!(format!("{:?}", completion.webhook_urls), @r#"{"a": "https://back.example/all", "b": "http://localhost:3000/b", "d": "https://back.example/all"}"#);
}

#[test]
fn callback_variables_apply_to_the_default_route() {
    let variables = [
        KEYS,
        ("UPLOAD_CALLBACK", "https://a.example/x,http://b.example/y"),
        ("UPLOAD_CALLBACK_BODY", "a=${object}"),
        ("UPLOAD_CALLBACK_BODY_TYPE", "form"),
        ("UPLOAD_CALLBACK_HOST", "c.example:8443"),
        ("UPLOAD_CALLBACK_SNI", "false"),
    ];
    let settings = load(&variables, "").unwrap();
    let callback = settings.routes[0].callback.clone().unwrap();
    let addresses = ["https://a.example/x", "http://b.example/y"].map(str::to_owned).to_vec();
    assert_eq!(callback.target, CallbackTarget::Addresses(addresses));
    assert_eq!((callback.sni, callback.host.as_deref()), (false, Some("c.example:8443")));
    assert_eq!(callback.body.to_string(), "a=${object}");
    assert_snapshot!(settings.warnings()[1..].join("\n"), @"
    route 'default' has a callback by plain http: everyone on the network path can read it, with its receipt
    route 'default' has a callback without ${x:receipt}: the back end cannot verify what was granted
    ");
    let sni = |to| {
        load(&[KEYS, ("UPLOAD_CALLBACK", to)], "").unwrap().routes[0].callback.clone().unwrap().sni
    };
    assert!(sni("https://a.example/") && !sni("http://a.example/"));
}

#[test]
fn every_mistake_in_callbacks_is_an_error() {
    let file = "[routes.a.callback]\nto = [\"https://10.0.0.1/\", \"http://back.example/图\", \"self\", \"https://u@b/\", \"https://[::1]/\", \"https://a/;b\"]\n\
                body = \"a=${x:album}&b=${key}\"\nhost = \"https://a\"\nsni = \"yes\"\n\
                [routes.b.callback]\nto = \"self\"\nbody = \"a=${object}\"\nnotify = \"http://back.example/\"\n\
                [routes.c.callback]\nto = \"https://back.example/\"\nbody = '{\"a\":\"${object}\"}'\nbody_type = \"json\"\n\
                notify = \"https://back.example/\"\n\
                [routes.d.callback]\nbody = \"form\"\nnotify = \"https://back.example/\"\n\
                [routes.e.callback]\nto = \"self\"\nbody = \"json\"\nbody_type = \"json\"\ncolour = 1\n\
                [routes.e.callback.variables]\nAlbum = \"a\"\nreceipt = \"b\"\nn = 1\nfile = \"{name}\"\noss = \"${object}\"\n\
                [routes.f]\ncallback = \"self\"\n[routes.g.callback]\nvariables = \"a\"\n";
    assert_snapshot!(refused(&[PUBLIC], file), @r#"
    22 problems with the settings; nothing was started
      upload.toml line 22, routes.e.callback.colour: there is no such setting here; there are to, body, body_type, host, sni, notify, variables. Example: max_size = "10MiB"
      upload.toml line 24, routes.e.callback.variables.Album: a name has up to 64 of a-z, 0-9, '_' and '-', without x:. Example: callback.variables.album = "{claim:album}"
      upload.toml line 26, routes.e.callback.variables.n: a variable's value is a text. Example: callback.variables.album = "{claim:album}"
      upload.toml line 25, routes.e.callback.variables.receipt: x:receipt is the receipt's own. Example: callback.variables.album = "{claim:album}"
      upload.toml line 30, routes.f.callback: it is a table. Example: [routes.f.callback]
      upload.toml line 32, routes.g.callback.variables: it is a table. Example: [routes.g.callback.variables]
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: in "https://10.0.0.1/", OSS calls public addresses only, and this one is private or this machine itself. Example: callback.to = "self"
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: in "http://back.example/图", an address is ASCII: write a path with %XX for each byte of UTF-8, a host as xn--…. Example: callback.to = "self"
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: in "self", an address begins with https:// or http://. Example: callback.to = "self"
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: in "https://u@b/", an address has no user. Example: callback.to = "self"
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: in "https://[::1]/", OSS calls no IPv6 address. Example: callback.to = "self"
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: in "https://a/;b", ';' separates addresses; within one write %3B. Example: callback.to = "self"
      upload.toml line 2, routes.a.callback.to = ["https://10.0.0.1/", "http://back.example/图", "self", "https://u@b/", "https://[::1]/", "https://a/;b"]: OSS tries from 1 to 5 addresses. Example: callback.to = "self"
      upload.toml line 3, routes.a.callback.body = "a=${x:album}&b=${key}": the route sets no x:album; put album into callback.variables. Example: callback.body = "form"
      upload.toml line 8, routes.b.callback.body = "a=${object}": the function reads its own callback, which is 'form' or 'json'. Example: callback.body = "form"
      upload.toml line 12, routes.c.callback.body = "{\"a\":\"${object}\"}": it is not JSON when values are inserted; OSS writes texts with their quotes, so put no quotes around '${…}'. Example: callback.body = "form"
      upload.toml line 16, routes.d.callback.body = "form": it needs callback.to to say who is called. Example: callback.to = "self"
      upload.toml line 17, routes.d.callback.notify = "https://back.example/": it needs callback.to to say who is called. Example: callback.to = "self"
      upload.toml line 27, routes.e.callback.variables.file = "{name}": {name}, {stem} and {ext} belong in a 'key'; a callback reports the file as ${object}. Example: album = "{claim:album}"
      upload.toml line 28, routes.e.callback.variables.oss = "${object}": the character '$' is not allowed in a directory, a key or a value. Example: album = "{claim:album}"
      upload.toml line 21, routes.e.callback.body_type = "json": it is for a body of one's own; 'form' and 'json' have their type. Example: callback.body = "a=${object}"
      callback.to: a callback brings a receipt back, which is signed; set UPLOAD_RECEIPT_KEYS. Example: UPLOAD_RECEIPT_KEYS=$(openssl rand -base64 32)
    "#);
}

#[test]
fn secrets_and_addresses_that_callbacks_need_are_required() {
    let calls_self = ("UPLOAD_CALLBACK", "self");
    assert_snapshot!(refused(&[calls_self], ""), @"
    2 problems with the settings; nothing was started
      callback.to: a callback brings a receipt back, which is signed; set UPLOAD_RECEIPT_KEYS. Example: UPLOAD_RECEIPT_KEYS=$(openssl rand -base64 32)
      callback.to: OSS is to call this function, and only Function Compute says where it is; set PUBLIC_URL. Example: PUBLIC_URL=https://signer.example.com
    ");
    let short = [
        calls_self,
        PUBLIC,
        ("UPLOAD_RECEIPT_KEYS", "marker-short"),
        ("UPLOAD_WEBHOOK_SECRET", "whsec_marker"),
    ];
    let error = refused(&short, "");
    assert!(!error.contains("marker"), "{error}");
    assert_snapshot!(error, @"
    2 problems with the settings; nothing was started
      UPLOAD_RECEIPT_KEYS: each key has at least 32 bytes. Example: UPLOAD_RECEIPT_KEYS=$(openssl rand -base64 32)
      UPLOAD_WEBHOOK_SECRET: a secret is whsec_ and 24 to 64 bytes in base64. Example: UPLOAD_WEBHOOK_SECRET=whsec_$(openssl rand -base64 32)
    ");
    assert_snapshot!(refused(&[calls_self, PUBLIC, KEYS, ("UPLOAD_NOTIFY", "https://a.example/")], ""), @"
    1 problem with the settings; nothing was started
      callback.to: a webhook is signed; set UPLOAD_WEBHOOK_SECRET. Example: UPLOAD_WEBHOOK_SECRET=whsec_$(openssl rand -base64 32)
    ");
    assert!(load(&[calls_self, KEYS, ("FC_FUNCTION_NAME", "signer")], "").is_ok());
    for bad in ["https://a.example/b", "http://a.example", "https://127.0.0.1", "a.example"] {
        let error = refused(&[calls_self, KEYS, ("PUBLIC_URL", bad)], "");
        assert!(error.contains(&format!("PUBLIC_URL = {bad:?}: ")), "{error}");
    }
}

#[test]
fn webhooks_need_a_callback_to_the_function() {
    let notify = |to: &str, url: &str| {
        let variables = [PUBLIC, KEYS, SECRET, ("UPLOAD_CALLBACK", to), ("UPLOAD_NOTIFY", url)];
        load(&variables, "").map(|settings| settings.callback.webhook_urls.len())
    };
    assert_eq!(notify("self", "https://back.example/uploaded"), Ok(1));
    assert_eq!(notify("self", "http://localhost:3000/uploaded"), Ok(1));
    assert_eq!(notify("none", "https://back.example/uploaded"), Ok(0));
    let refused = [
        notify("https://back.example/", "https://back.example/uploaded"),
        notify("self", "http://back.example/uploaded"),
        notify("self", "https://back.example/a https://back.example/b"),
    ];
    assert_snapshot!(refused.map(Result::unwrap_err).join("\n"), @r#"
    1 problem with the settings; nothing was started
      UPLOAD_NOTIFY = "https://back.example/uploaded": the function sends a webhook only after its own callback. Example: callback.to = "self"
    1 problem with the settings; nothing was started
      UPLOAD_NOTIFY = "http://back.example/uploaded": it begins with https://; plain http only reaches this machine. Example: UPLOAD_NOTIFY=https://back.example.com/uploaded
    1 problem with the settings; nothing was started
      UPLOAD_NOTIFY = "https://back.example/a https://back.example/b": an address has only characters of URLs, without spaces or a fragment. Example: UPLOAD_NOTIFY=https://back.example.com/uploaded
    "#);
}

#[test]
fn a_webhook_secret_has_the_form_of_the_standard() {
    let verdict = |text: &str| load(&[("UPLOAD_WEBHOOK_SECRET", text)], "").is_ok();
    // Other bytes behind the zeros, or the key would be refused as one byte repeated.
    let of = |groups: usize, end: &str| format!("whsec_BBBB{}{end}", "AAAA".repeat(groups - 1));
    for good in [of(8, ""), of(8, "AA=="), of(8, "AAA="), of(8, "+/8="), of(21, "AA==")] {
        assert!(verdict(&good), "{good}");
    }
    for bad in [
        of(7, ""),
        of(7, "AAA="),
        of(21, "AAA="),
        of(22, ""),
        of(8, "A"),
        of(8, "AA"),
        of(8, "AB=="),
        of(8, "AAB="),
        of(8, "A==="),
        of(8, "===="),
        of(8, "-_8="),
        of(8, "AA=A"),
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned(),
    ] {
        assert!(!verdict(&bad), "{bad}");
    }
}

#[test]
fn callbacks_too_large_for_oss_are_refused_at_the_start() {
    let with = |bytes: usize| {
        let to = format!("https://back.example/{}", "a".repeat(bytes));
        load(&[KEYS, ("UPLOAD_CALLBACK", &to)], "").map(drop)
    };
    assert_eq!(with(2_000), Ok(()));
    assert_snapshot!(with(3_000).unwrap_err().rsplit_once(": ").unwrap().0.rsplit_once("\": ").unwrap().1, @"its field has more than the 4096 bytes that OSS is sure to take: write fewer addresses, or a shorter body. Example");
    let types: Vec<_> = (0..60).map(|n| format!("application/vnd.example-{n}")).collect();
    let error = refused(
        &[KEYS, ("UPLOAD_CALLBACK", "https://a.example/"), ("UPLOAD_TYPES", &types.join(","))],
        "",
    );
    assert!(error.contains("more than 1024 bytes in all; write kinds such as image/*"), "{error}");
}

#[test]
fn a_local_oss_may_call_this_machine() {
    let now = Timestamp::from_unix(NOW).unwrap();
    let variables = [
        KEYS,
        ("UPLOAD_CALLBACK", "http://127.0.0.1:3000/oss"),
        ("PUBLIC_URL", "http://127.0.0.1:8080"),
    ];
    assert!(Settings::load_over(&[], &environment(&variables), None, now).is_ok());
    assert!(refused(&variables, "").contains("OSS calls public addresses only"));
}

#[test]
fn published_keys_are_refused_at_the_start() {
    let calls_self = ("UPLOAD_CALLBACK", "self");
    let notify = ("UPLOAD_NOTIFY", "https://a.example/");
    let receipt = ("UPLOAD_RECEIPT_KEYS", "receipts-of-this-machine-and-of-no-other");
    let secret =
        ("UPLOAD_WEBHOOK_SECRET", "whsec_bWVzc2FnZXMtb2YtdGhpcy1tYWNoaW5lLWFuZC1vZi1uby1vdGhlcg==");
    let jwt = ("UPLOAD_JWT_SECRET", "................................");
    let tickets = (
        "UPLOAD_TICKET_KEYS",
        "an example key of more than 32 bytes,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    );
    assert_snapshot!(refused(&[calls_self, PUBLIC, notify, receipt, secret, jwt, tickets], ""), @r#"
    4 problems with the settings; nothing was started
      UPLOAD_JWT_SECRET: this key is public: it was in the documentation, or is one byte repeated; generate a new one. Example: UPLOAD_JWT_SECRET=$(openssl rand -base64 32)
      UPLOAD_TICKET_KEYS: this key is public: it was in the documentation, or is one byte repeated; generate a new one. Example: UPLOAD_TICKET_KEYS=$(openssl rand -base64 32)
      UPLOAD_RECEIPT_KEYS: this key is public: it was in the documentation, or is one byte repeated; generate a new one. Example: UPLOAD_RECEIPT_KEYS=$(openssl rand -base64 32)
      UPLOAD_WEBHOOK_SECRET: this key is public: it was in the documentation, or is one byte repeated; generate a new one. Example: UPLOAD_WEBHOOK_SECRET=whsec_$(openssl rand -base64 32)
    "#);
    let kept = format!("{KEY}, {}", receipt.1);
    assert!(
        load(&[calls_self, PUBLIC, ("UPLOAD_RECEIPT_KEYS", &kept)], "").is_err(),
        "an older key of the list"
    );
    // 24 to 64 bytes of one kind, in base64.
    for same in ["a2tra2tra2tra2tra2tra2tra2tra2tr", "/////////////////////////////////////w=="] {
        assert!(
            load(&[("UPLOAD_WEBHOOK_SECRET", &format!("whsec_{same}"))], "").is_err(),
            "{same}"
        );
    }
}

#[test]
fn an_empty_part_of_a_list_is_refused_at_the_start() {
    let two = format!("{KEY},");
    let variables = [
        ("UPLOAD_RECEIPT_KEYS", two.as_str()),
        ("UPLOAD_TICKET_KEYS", ","),
        ("UPLOAD_ORIGINS", "https://app.example,,https://b.example"),
        ("UPLOAD_JWT_ISSUER", ","),
        ("UPLOAD_JWT_CLAIMS", "tenant,"),
        ("UPLOAD_EXTENSIONS", " , "),
        ("UPLOAD_CALLBACK", "https://back.example/,"),
    ];
    let file = "jwt_audience = []\n[routes.a]\ntypes = [\"image/png\", \"\"]\n";
    let error = refused(&variables, file);
    assert!(!error.contains(KEY), "{error}");
    assert_snapshot!(error, @r#"
    9 problems with the settings; nothing was started
      UPLOAD_ORIGINS = "https://app.example,,https://b.example": a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_ORIGINS=https://app.example.com
      UPLOAD_JWT_ISSUER = ",": a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_JWT_ISSUER=https://login.example.com/
      upload.toml line 1, jwt_audience = []: it lists nothing; name a value, or leave the setting out. Example: jwt_audience = "uploads"
      UPLOAD_JWT_CLAIMS = "tenant,": a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_JWT_CLAIMS=email_verified=true
      UPLOAD_TICKET_KEYS: a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_TICKET_KEYS=$(openssl rand -base64 32)
      upload.toml line 3, routes.a.types = ["image/png", ""]: a part of the list is empty; take the comma or the empty text away. Example: types = "image/png,image/jpeg"
      UPLOAD_EXTENSIONS = ",": a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_EXTENSIONS=jpg,png
      UPLOAD_CALLBACK = "https://back.example/,": a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_CALLBACK=self
      UPLOAD_RECEIPT_KEYS: a part of the list is empty; take the comma or the empty text away. Example: UPLOAD_RECEIPT_KEYS=$(openssl rand -base64 32)
    "#);
}
