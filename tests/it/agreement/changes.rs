//! Every single change to an accepted form is tried: `table` says what becomes of each.

use std::sync::atomic::Ordering;

use crate::agreement::table::Dialect::{Documented, Long, Native};
use crate::agreement::table::Fate::{Harmless, Refused};
use crate::agreement::table::{Attempt, Case, Dialect, FIELDS, Fate, FieldChange, edit, rename};
use crate::agreement::{clear, documented_form, native_form, same_world, table};
use crate::support::app::{Function, NOW};
use crate::support::form::Form;
use crate::support::oss::Server;

/// The accepted forms, and where they are posted.
struct World {
    server: Server,
    native: Form,
    documented: Form,
    long: Form,
}

impl World {
    async fn open() -> Self {
        const RULES: [(&str, &str); 3] = [
            ("UPLOAD_MIN_SIZE", "10B"),
            ("UPLOAD_MAX_SIZE", "20B"),
            ("UPLOAD_TYPES", "image/png,image/jpeg"),
        ];
        const LONG: [(&str, &str); 3] = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tLong"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
            ("UPLOAD_EXPIRES", "7d"),
        ];
        let native = async |function: &Function| {
            let files = r#"{"files":[{"name":"a.png","type":"image/png"}]}"#;
            let answer = function.post("/uploads", files).await.json();
            native_form(&answer["uploads"][0], "a.png", Some("image/png"))
        };
        let function = Function::new(&RULES);
        let answer = function.get("/get_post_signature_for_oss_upload").await.json();
        Self {
            server: Server::with(same_world).await,
            native: native(&function).await,
            documented: documented_form(&answer, "a.png", Some("image/png")),
            long: native(&Function::new(&[&RULES[..], &LONG].concat())).await,
        }
    }

    fn form(&self, dialect: Dialect) -> Form {
        match dialect {
            Native => self.native.clone(),
            Documented => self.documented.clone(),
            Long => self.long.clone(),
        }
    }

    /// Posts a form and holds what becomes of it against what should.
    async fn expect(&self, form: &Form, fate: Fate, what: &str) {
        self.expect_from(form, &[], fate, what).await;
    }

    async fn expect_from(&self, form: &Form, headers: &[(&str, &str)], fate: Fate, what: &str) {
        let reply = self.server.post_with(form, headers).await;
        let kept = !self.server.files().is_empty();
        clear(&self.server);
        match fate {
            Refused(status, code, ec) => {
                assert_eq!(reply.refusal(), (status, code.to_owned(), ec.to_owned()), "{what}");
            }
            Harmless(why) => assert!(reply.status < 400, "{what}, {why}: {}", reply.text()),
        }
        assert_eq!(kept, matches!(fate, Harmless(_)), "{what}");
    }
}

async fn walk(cases: &[Case]) {
    let world = World::open().await;
    for (what, dialect, change, fate) in cases {
        let mut attempt = Attempt {
            form: world.form(*dialect),
            seconds_later: 0,
            host: "examplebucket.localhost",
        };
        change(&mut attempt);
        world.server.clock.store(NOW + attempt.seconds_later, Ordering::Relaxed);
        let host = [("Host", attempt.host)];
        world.expect_from(&attempt.form, &host, *fate, &format!("{what}, {dialect:?}")).await;
    }
    world.server.stop().await;
}

#[tokio::test]
async fn the_forms_themselves_are_taken_and_have_no_field_that_is_not_in_the_table() {
    let world = World::open().await;
    for dialect in [Native, Documented, Long] {
        let form = world.form(dialect);
        world.expect(&form, Harmless("it is as it was signed"), "the form").await;
        for (name, _) in &form.fields {
            assert!(FIELDS.iter().any(|(known, _)| known == name), "{name}");
        }
    }
    assert_eq!(world.native.fields.len(), FIELDS.len());
    world.server.stop().await;
}

#[tokio::test]
async fn a_field_that_is_changed_emptied_or_missing_is_refused() {
    let world = World::open().await;
    for dialect in [Native, Documented, Long] {
        let good = world.form(dialect);
        for (name, _) in &good.fields {
            let (_, [other, empty, absent]) = FIELDS.iter().find(|(one, _)| one == name).unwrap();
            let free = matches!((dialect, name.as_str()), (Documented, "key"));
            let other = if free { &table::OWN_NAME } else { other };
            let changed = table::OTHER_VALUE.iter().map(|change| (change, other));
            let emptied: FieldChange = |form, name| {
                form.set(name, "");
            };
            let missing = table::NOT_THERE.iter().map(|change| (change, absent));
            for (change, fate) in changed.chain([(&emptied, empty)]).chain(missing) {
                let mut form = good.clone();
                change(&mut form, name);
                world.expect(&form, *fate, &format!("{name}, {dialect:?}")).await;
            }
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn a_field_that_is_sent_twice_is_refused_and_one_in_capitals_is_not() {
    let world = World::open().await;
    for dialect in [Native, Documented, Long] {
        for (name, value) in &world.form(dialect).fields {
            let mut form = world.form(dialect);
            form.fields.push((name.clone(), value.clone()));
            world.expect(&form, table::TWICE, name).await;
            form.fields.pop();
            rename(&mut form, name, &name.to_uppercase());
            world.expect(&form, table::ANY_CASE, name).await;
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn no_byte_of_policy_or_signature_can_be_another() {
    let world = World::open().await;
    for name in ["policy", "x-oss-signature"] {
        let length = world.native.fields.iter().find(|field| field.0 == name).unwrap().1.len();
        for at in 0..length {
            let mut form = world.form(Native);
            edit(&mut form, name, |value| {
                let other = if &value[at..=at] == "e" { "d" } else { "e" };
                format!("{}{other}{}", &value[..at], &value[at + 1..])
            });
            world.expect(&form, table::MISMATCH, &format!("byte {at} of {name}")).await;
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn another_credential_date_version_or_token_is_refused() {
    walk(&table::CREDENTIALS).await;
}

#[tokio::test]
async fn a_field_more_is_refused_or_harmless() {
    walk(&table::FIELDS_MORE).await;
}

#[tokio::test]
async fn another_status_type_or_key_is_refused() {
    walk(&table::VALUES).await;
}

#[tokio::test]
async fn another_file_is_refused_where_it_breaks_a_rule() {
    walk(&table::FILES).await;
}

#[tokio::test]
async fn another_time_or_bucket_is_refused() {
    walk(&table::CIRCUMSTANCES).await;
}
