//! Random rules, random wishes, random forms: the judge takes a form exactly when the rules do.
//!
//! `random` and `Upload` say in words of their own what a route allows; neither the signer's nor the
//! judge's code is asked. Forms are faithful to their grant but for a few places.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use oss_emulator::oss;
use oss_emulator::oss::{Strictness, Validator};
use oss_upload_signer::grant;
use oss_upload_signer::grant::Grant;
use oss_upload_signer::policy::template::{CallerAttributes, RenderContext};
use oss_upload_signer::time::Timestamp;
use proptest::prop_assert_eq;
use proptest::test_runner::{Config, TestRunner};

use crate::agreement::random::{Arrival, Deviation, Rules, SIGNED, Wish};
use crate::agreement::{clear, random, same_world};
use crate::support::app::NOW;
use crate::support::form::Form;
use crate::support::oss::Server;

/// A form as it is posted.
#[derive(Clone, Debug)]
struct Upload {
    fields: Vec<(String, String)>,
    part_type: Option<String>,
    size: u64,
    arrival: i64,
    spoilt: bool,
}

impl Upload {
    /// Follows a grant as its client would, but for the deviation.
    fn of(rules: &Rules, wish: &Wish, grant: &Grant, deviation: &Deviation) -> Self {
        let mut upload = Self {
            fields: Vec::new(),
            part_type: Some(wish.content_type.unwrap_or("image/png").to_owned()),
            size: wish.size.unwrap_or(u64::midpoint(rules.min, rules.max)),
            arrival: NOW,
            spoilt: false,
        };
        for (name, value) in &grant.fields {
            upload.set(name, value);
        }
        if grant.key.is_none() {
            upload.set("key", &format!("{}a.png", grant.directory));
        }
        upload.deviate(rules, grant, deviation);
        upload
    }

    fn deviate(&mut self, rules: &Rules, grant: &Grant, deviation: &Deviation) {
        let directory = &grant.directory;
        let beside = directory.trim_end_matches('/');
        let key =
            deviation.key.map(|key| key.replace("{dir}", directory).replace("{beside}", beside));
        for (name, value) in [
            ("key", key.as_deref()),
            ("success_action_status", deviation.status),
            ("x-oss-forbid-overwrite", deviation.forbid),
            ("x-oss-content-type", deviation.oss_type),
            ("Content-Type", deviation.type_field),
        ] {
            if let Some(value) = value {
                self.set(name, value);
            }
        }
        if let Some((name, value)) = deviation.extra {
            self.set(name, value);
        }
        match deviation.fixed.map(|(number, value)| (random::FIXED[number].0, value)) {
            Some((name, Some(value))) => self.set(name, value),
            Some((name, None)) => self.fields.retain(|field| field.0 != name),
            None => {}
        }
        self.part_type = deviation.part_type.map(str::to_owned).or(self.part_type.take());
        self.size = deviation.size.unwrap_or(self.size);
        self.arrival = match deviation.arrival {
            None => NOW,
            Some(Arrival::AfterSigning(seconds)) => NOW + seconds,
            Some(Arrival::AfterExpiry(seconds)) => rules.expiry() + seconds,
        };
        let spoilt = deviation.spoilt.and_then(|number| self.find(SIGNED[number]));
        if let Some(value) = spoilt.map(|value| format!("{value}0")) {
            self.set(SIGNED[deviation.spoilt.unwrap()], &value);
            self.spoilt = true;
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|field| field.0 != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str())
    }

    /// Says whether the rules allow this upload under a grant for this wish.
    fn is_allowed(&self, rules: &Rules, wish: &Wish, grant: &Grant) -> bool {
        let sizes = wish.size.map_or(rules.min..=rules.max, |size| size..=size);
        let days = NOW - 900..=NOW + 604_800;
        !self.spoilt
            && self.has_allowed_key(grant)
            && self.has_allowed_type(rules, wish)
            && self.has_allowed_values(rules, wish)
            && sizes.contains(&self.size)
            && self.arrival <= rules.expiry()
            && days.contains(&self.arrival)
    }

    fn has_allowed_key(&self, grant: &Grant) -> bool {
        let key = self.find("key").unwrap();
        let fit = !key.is_empty() && !key.starts_with('/') && !key.contains('\u{1}');
        fit && match &grant.key {
            Some(given) => key == given,
            None => key.starts_with(&grant.directory),
        }
    }

    fn has_allowed_type(&self, rules: &Rules, wish: &Wish) -> bool {
        let wanted = wish.decided_type(rules);
        if !wish.documented {
            let wanted = wanted.unwrap_or("application/octet-stream".to_owned());
            return self.find("x-oss-content-type") == Some(&wanted);
        }
        // The page posts no type, so what the part says has to be right, and a field too.
        let said = [self.part_type.as_deref(), self.find("Content-Type")];
        said.into_iter().flatten().all(|said| match &wanted {
            Some(wanted) => said == wanted,
            None => rules.takes_literally(said),
        })
    }

    fn has_allowed_values(&self, rules: &Rules, wish: &Wish) -> bool {
        let forbid = self.find("x-oss-forbid-overwrite");
        // What no condition names is the uploader's to choose, as long as OSS knows it.
        let open = wish.documented || rules.overwrite;
        let known = matches!(forbid, None | Some("true" | "false"));
        let overwrite = if open { known } else { forbid == Some("true") };
        let fixes = rules.fixes(wish);
        overwrite
            && fixes.iter().all(|(name, value)| self.find(name) == Some(value))
            && self.find("x-oss-object-acl") != Some("public")
            && self.find("x-oss-tagging").is_none()
            && self.has_sound_encryption()
    }

    /// OSS takes the key of KMS only beside KMS.
    fn has_sound_encryption(&self) -> bool {
        let kms = self.find("x-oss-server-side-encryption") == Some("KMS");
        kms || self.find("x-oss-server-side-encryption-key-id").is_none()
    }

    /// Asks the pure judge.
    fn is_accepted(&self) -> bool {
        let strictness = Strictness::default();
        let mut options = oss::Options::new("", Arc::new(|| NOW));
        same_world(&mut options);
        let (bucket, keys) = (&options.buckets[0], &options.keys[..]);
        let validator = Validator { bucket, keys, strictness: &strictness, now: self.arrival };
        let mut form = oss::UploadForm::new(&strictness);
        for (name, value) in &self.fields {
            form.push(name, value.as_str(), &strictness).unwrap();
        }
        form.set_file(Some("a.png".to_owned()), self.part_type.clone());
        validator.validate(&form).is_ok_and(|verdict| verdict.sizes.contains(&self.size))
    }

    /// Asks a server.
    async fn is_stored(&self, server: &Server) -> bool {
        server.clock.store(self.arrival, Ordering::Relaxed);
        let mut form = Form::empty();
        form.fields.clone_from(&self.fields);
        form.file("a.png", self.part_type.as_deref());
        let reply =
            server.post(form.content(&vec![b'x'; usize::try_from(self.size).unwrap()])).await;
        let stored = !server.files().is_empty();
        clear(server);
        assert_eq!(stored, reply.status < 300, "{}", reply.text());
        stored
    }
}

/// Runs cases: a grant is given when the rules say so, and a form is taken when they do. Counts
/// the forms that were taken and those that were refused, so that neither is forgotten.
fn agree(cases: u32, is_taken: impl Fn(&Upload) -> bool) {
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let counts = [Cell::new(0_u32), Cell::new(0)];
    let outcome = runner.run(
        &(random::rules(), random::wish(), random::deviation()),
        |(rules, wish, deviation)| {
            let now = Timestamp::from_unix(NOW).unwrap();
            let attributes = CallerAttributes { subject: wish.subject, ..CallerAttributes::NONE };
            let occasion = RenderContext { now, random: &[0xab; 16], attributes };
            let issued =
                grant::issue(&wish.ask(), &rules.route(), &rules.credentials(), &occasion, None);
            prop_assert_eq!(issued.is_ok(), rules.grants(&wish));
            let Ok(grant) = issued else {
                return Ok(());
            };
            let upload = Upload::of(&rules, &wish, &grant, &deviation);
            let allowed = upload.is_allowed(&rules, &wish, &grant);
            let count = &counts[usize::from(allowed)];
            count.set(count.get() + 1);
            prop_assert_eq!(is_taken(&upload), allowed, "{:?}", upload);
            Ok(())
        },
    );
    outcome.unwrap();
    assert!(counts.iter().all(|count| count.get() > cases / 50), "{counts:?}");
}

#[test]
fn the_judge_takes_a_form_exactly_when_the_rules_allow_it() {
    agree(10_000, Upload::is_accepted);
}

#[test]
fn a_file_is_stored_exactly_when_the_rules_allow_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::with(same_world));
    agree(800, |upload| runtime.block_on(upload.is_stored(&server)));
    runtime.block_on(server.stop());
}
