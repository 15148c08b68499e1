//! The committed inputs of the fuzz targets, replayed: what a fuzzer starts from, and what it once
//! found. The targets are those of the folder `fuzz`, line for line.

#[path = "../../fuzz/targets/multipart.rs"]
mod multipart;
#[path = "../../fuzz/targets/policy.rs"]
mod policy;
#[path = "../../fuzz/targets/post_object.rs"]
mod post_object;

use std::fs;
use std::path::Path;

use crate::support::PROJECT;

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
fn the_multipart_reader_stands_its_corpus() {
    replay("multipart", multipart::run);
}

#[test]
fn the_policy_stands_its_corpus() {
    replay("policy", policy::run);
}

#[test]
fn post_object_stands_its_corpus() {
    replay("post_object", post_object::run);
}
