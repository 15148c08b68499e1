//! The committed inputs of the fuzz targets, replayed: what a fuzzer starts from, and what it once
//! found. The targets are those of the folder `fuzz`, line for line.

#[path = "../../fuzz/targets/bucket_answer.rs"]
mod bucket_answer;
#[path = "../../fuzz/targets/form_data.rs"]
mod form_data;
#[path = "../../fuzz/targets/part_list.rs"]
mod part_list;
#[path = "../../fuzz/targets/policy.rs"]
mod policy;
#[path = "../../fuzz/targets/post_object.rs"]
mod post_object;
#[path = "../../fuzz/targets/query.rs"]
mod query;
#[path = "../../fuzz/targets/signed_request.rs"]
mod signed_request;
#[path = "../../fuzz/targets/upload_token.rs"]
mod upload_token;

use std::fs;
use std::path::Path;

use http_body_util::BodyExt;
use oss_emulator::oss::{AccessKey, LocalBucket, Options, Oss, Relaxation};
use tempfile::TempDir;

use crate::support::form::{BUCKET, KEY_ID, NOW, REGION, SECRET};
use crate::support::oss::Reply;
use crate::support::{PROJECT, explained};

/// Runs a target on each of its committed inputs.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(PROJECT).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 10, "{target} has {count} inputs");
}

#[test]
fn the_reader_of_oss_answers_accepts_its_corpus() {
    replay("bucket_answer", bucket_answer::run);
}

#[test]
fn the_reader_of_forms_accepts_its_corpus() {
    replay("form_data", form_data::run);
}

#[test]
fn the_reader_of_part_lists_accepts_its_corpus() {
    replay("part_list", part_list::run);
}

#[test]
fn the_reader_of_queries_accepts_its_corpus() {
    replay("query", query::run);
}

#[test]
fn the_policy_stands_its_corpus() {
    replay("policy", policy::run);
}

#[test]
fn post_object_stands_its_corpus() {
    replay("post_object", post_object::run);
}

#[test]
fn the_reader_of_upload_tokens_stands_its_corpus() {
    replay("upload_token", upload_token::run);
}

#[test]
fn the_judge_of_signed_requests_stands_its_corpus() {
    replay("signed_request", signed_request::run);
}

/// `explain` gets the requests as text, and says of each what the local OSS responds.
#[tokio::test]
async fn explain_agrees_with_the_local_oss_on_the_corpus() {
    let mut compared = 0;
    for entry in fs::read_dir(Path::new(PROJECT).join("fuzz/corpus/post_object")).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        let Some((is_relaxed, request)) = post_object::parse(&input) else { continue };
        let folder = TempDir::new().unwrap();
        let mut options = Options::new(folder.path(), std::sync::Arc::new(|| NOW));
        options.buckets = vec![LocalBucket { name: BUCKET.to_owned(), region: REGION.to_owned() }];
        options.keys = vec![AccessKey::new(KEY_ID, SECRET)];
        if is_relaxed {
            options.strictness.relaxed = Relaxation::ALL.iter().copied().collect();
            options.strictness.value_limit = 4096;
        }
        let Some(text) = as_text(&request).await else { continue };
        let response = Oss::open(options.clone()).unwrap().call(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        let reply = Reply { status, headers: std::collections::BTreeMap::new(), body };
        explained::agrees(&options, NOW, &text, &reply).await;
        compared += 1;
    }
    assert!(compared > 10, "{compared}");
}

/// Writes a request as it is sent. Returns `None` if a header value is not text.
async fn as_text(request: &http::Request<http_body_util::Full<bytes::Bytes>>) -> Option<Vec<u8>> {
    if request.headers().contains_key("content-length") {
        return None;
    }
    let body = request.body().clone().collect().await.ok()?.to_bytes();
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let line = format!("{name}: {}\r\n", value.to_str().ok()?);
        head.push_str(&line);
    }
    let length = format!("content-length: {}\r\n\r\n", body.len());
    Some([head.as_bytes(), length.as_bytes(), &body].concat())
}
