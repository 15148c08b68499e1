//! Builds multipart forms, good and damaged, and signs policies.
//!
//! The signer here is a third one, straight from the hash crates: neither the function's nor the
//! judge's, so a mistake shared by those two would show.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

pub(crate) const BUCKET: &str = "examplebucket";
pub(crate) const REGION: &str = "cn-hangzhou";
pub(crate) const KEY_ID: &str = "LTAI5tExampleKeyId0001";
pub(crate) const SECRET: &str = "ExampleSecretKey/abcDEF+0123456789=";
/// The moment of signing: 2024-11-27T06:09:41Z.
pub(crate) const NOW: i64 = 1_732_687_781;
const DATE: &str = "20241127T060941Z";
const EXPIRATION: &str = "2024-11-27T07:09:41.000Z";
const BOUNDARY: &str = "----boundary0123";

/// A form that a test takes apart and puts together again before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Names and values before the file, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// The header lines of the file part.
    pub(crate) file_head: String,
    pub(crate) content: Vec<u8>,
    /// Whole parts after the file: header lines and content.
    pub(crate) after: Vec<(String, String)>,
    pub(crate) boundary: String,
}

impl Form {
    /// Makes a form without a field, whose file has no name.
    pub(crate) fn empty() -> Self {
        Self {
            fields: Vec::new(),
            file_head: disposition("file"),
            content: b"hello world".to_vec(),
            after: Vec::new(),
            boundary: BOUNDARY.to_owned(),
        }
    }

    /// Makes a form that is good in every respect, signed with V4.
    pub(crate) fn good() -> Self {
        let mut form = Self::empty();
        form.set("key", "dir/hello.txt").file("hello.txt", Some("text/plain")).allow(&[]);
        form
    }

    /// Makes a form that is good in every respect, signed with a temporary key.
    pub(crate) fn good_by(id: &str, secret: &str, token: &str) -> Self {
        let mut form = Self::good();
        form.set("x-oss-security-token", token);
        let condition = format!(r#"{{"x-oss-security-token":"{token}"}}"#);
        let policy = policy(&credential(id), &[&condition]);
        form.sign_as(id, secret, &policy);
        form
    }

    /// Signs a policy with the V4 conditions and these.
    pub(crate) fn allow(&mut self, conditions: &[&str]) -> &mut Self {
        self.sign(&policy(&credential(KEY_ID), conditions))
    }

    /// Signs this text as the policy.
    pub(crate) fn sign(&mut self, policy: &str) -> &mut Self {
        self.sign_as(KEY_ID, SECRET, policy)
    }

    fn sign_as(&mut self, id: &str, secret: &str, policy: &str) -> &mut Self {
        let policy = STANDARD.encode(policy);
        let signature = sign(secret, &policy);
        self.set("policy", &policy)
            .set("x-oss-signature-version", "OSS4-HMAC-SHA256")
            .set("x-oss-credential", &credential(id))
            .set("x-oss-date", DATE)
            .set("x-oss-signature", &signature)
    }

    /// Signs a policy with these conditions with V1, in place of V4.
    pub(crate) fn sign_v1(&mut self, conditions: &[&str]) -> &mut Self {
        self.sign_v1_as(KEY_ID, SECRET, conditions)
    }

    /// Signs with V1 and another key.
    pub(crate) fn sign_v1_as(&mut self, id: &str, secret: &str, conditions: &[&str]) -> &mut Self {
        self.fields.retain(|field| !field.0.starts_with("x-oss-"));
        let conditions = conditions.join(",");
        let policy = STANDARD
            .encode(format!(r#"{{"expiration":"{EXPIRATION}","conditions":[{conditions}]}}"#));
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(policy.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        self.set("policy", &policy).set("OSSAccessKeyId", id).set("Signature", &signature)
    }

    /// Sets a field before the file.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        let known = self.fields.iter_mut().find(|field| field.0 == name);
        match known {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Takes a field away and returns its value.
    pub(crate) fn take(&mut self, name: &str) -> String {
        let at = self.fields.iter().position(|field| field.0 == name);
        self.fields.remove(at.unwrap()).1
    }

    /// Sets the file part's name and type.
    pub(crate) fn file(&mut self, filename: &str, content_type: Option<&str>) -> &mut Self {
        self.file_head =
            format!("Content-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n");
        if let Some(content_type) = content_type {
            let line = format!("Content-Type: {content_type}\r\n");
            self.file_head.push_str(&line);
        }
        self
    }

    /// Sets the file's bytes.
    pub(crate) fn content(&mut self, content: &[u8]) -> &mut Self {
        self.content = content.to_vec();
        self
    }

    /// Adds a field after the file.
    pub(crate) fn set_after(&mut self, name: &str, value: &str) -> &mut Self {
        self.after.push((disposition(name), value.to_owned()));
        self
    }

    /// Writes everything up to the file's first byte.
    pub(crate) fn before_content(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            self.part(&mut body, &disposition(name), value.as_bytes());
        }
        body.extend(format!("--{}\r\n{}\r\n", self.boundary, self.file_head).bytes());
        body
    }

    /// Writes everything from the file's last byte on.
    pub(crate) fn after_content(&self) -> Vec<u8> {
        let mut body = b"\r\n".to_vec();
        for (head, value) in &self.after {
            self.part(&mut body, head, value.as_bytes());
        }
        body.extend(format!("--{}--\r\n", self.boundary).bytes());
        body
    }

    /// Writes the whole body.
    pub(crate) fn body(&self) -> Vec<u8> {
        [self.before_content(), self.content.clone(), self.after_content()].concat()
    }

    /// Writes the request's `Content-Type`.
    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    fn part(&self, body: &mut Vec<u8>, head: &str, content: &[u8]) {
        body.extend(format!("--{}\r\n{head}\r\n", self.boundary).bytes());
        body.extend(content);
        body.extend(b"\r\n");
    }
}

/// Writes the header line of a plain field.
pub(crate) fn disposition(name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{name}\"\r\n")
}

/// Writes a policy with the V4 conditions and these.
fn policy(credential: &str, conditions: &[&str]) -> String {
    let mut all = vec![
        format!(r#"{{"bucket":"{BUCKET}"}}"#),
        r#"{"x-oss-signature-version":"OSS4-HMAC-SHA256"}"#.to_owned(),
        format!(r#"{{"x-oss-credential":"{credential}"}}"#),
        format!(r#"{{"x-oss-date":"{DATE}"}}"#),
    ];
    all.extend(conditions.iter().map(|one| (*one).to_owned()));
    let all = all.join(",");
    format!(r#"{{"expiration":"{EXPIRATION}","conditions":[{all}]}}"#)
}

fn credential(id: &str) -> String {
    format!("{id}/20241127/{REGION}/oss/aliyun_v4_request")
}

fn sign(secret: &str, text: &str) -> String {
    let steps = ["20241127", REGION, "oss", "aliyun_v4_request", text];
    let first = format!("aliyun_v4{secret}").into_bytes();
    let code = steps.iter().fold(first, |key, step| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(step.as_bytes());
        mac.finalize().into_bytes().to_vec()
    });
    hex::encode(code)
}
