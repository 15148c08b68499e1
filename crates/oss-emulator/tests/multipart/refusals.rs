//! Every refusal of the six operations, by status, `Code` and EC; a refused request changes nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::support::{Call, Client, KEY, KEY_PATH, LocalOss, MINIMUM, content, part_list};

const UNKNOWN: &str = "0004B9894A22E5B1888A1E29F8236E2D";

async fn assert_refused(client: &mut Client, call: Call, expected: (u16, &str, &str)) {
    let what = format!("{} {:?} {:?}", call.method, call.query, call.headers);
    let reply = client.send(call).await;
    let (status, code, ec) = reply.refusal();
    assert_eq!((status, code.as_str(), ec.as_str()), expected, "{what}: {}", reply.text());
}

#[tokio::test]
async fn an_upload_that_does_not_exist_has_its_code_in_every_operation() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let list = part_list(&[(1, "\"A\"")]);
    let no_upload = |ec| (404, "NoSuchUpload", ec);
    let of_part = no_upload("0042-00000104");
    assert_refused(&mut client, Call::part(UNKNOWN, 1, "x"), of_part).await;
    let listing = no_upload("0042-00000002");
    assert_refused(&mut client, Call::list_parts(UNKNOWN), listing).await;
    assert_refused(&mut client, Call::abort(UNKNOWN), listing).await;
    assert_refused(&mut client, Call::complete(UNKNOWN, list.as_str()), no_upload("")).await;
    let malformed = no_upload("0017-00000244");
    for id in ["", "x", "0004b9894a22e5b1888a1e29f8236e2d", "../../0004B9894A22E5B1888A1E29F8"] {
        assert_refused(&mut client, Call::part(id, 1, "x"), malformed).await;
        assert_refused(&mut client, Call::list_parts(id), malformed).await;
        assert_refused(&mut client, Call::abort(id), malformed).await;
        assert_refused(&mut client, Call::complete(id, list.as_str()), malformed).await;
    }
    let without_id = Call::new("PUT", KEY_PATH).query("partNumber", 1).body("x");
    assert_refused(&mut client, without_id, malformed).await;
    let reply = client.send(Call::abort(UNKNOWN)).await;
    assert_eq!(reply.child("UploadId"), UNKNOWN);
}

#[tokio::test]
async fn an_upload_belongs_to_one_key() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let other = |method| Call::new(method, "/videos/other.mp4").query("uploadId", &id);
    let part = other("PUT").query("partNumber", 1).body("x");
    assert_refused(&mut client, part, (404, "NoSuchUpload", "0042-00000104")).await;
    let listing = (404, "NoSuchUpload", "0042-00000002");
    assert_refused(&mut client, other("GET"), listing).await;
    assert_refused(&mut client, other("DELETE"), listing).await;
    let complete = other("POST").header("x-oss-complete-all", "yes");
    assert_refused(&mut client, complete, (404, "NoSuchUpload", "")).await;
    assert_eq!(oss.uploads(), 1);
}

#[tokio::test]
async fn part_numbers_are_1_to_10000_and_are_checked_before_the_upload() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    for number in ["0", "10001", "one", "-1", "1.0"] {
        let reply = client.send(Call::part(UNKNOWN, number, "x")).await;
        let code = "InvalidArgument".to_owned();
        assert_eq!(reply.refusal(), (400, code, "0017-00000220".to_owned()), "{number}");
        assert_eq!(reply.child("ArgumentName"), "PartNumber");
        assert_eq!(reply.child("ArgumentValue"), number);
    }
    let missing = (400, "InvalidArgument", "0017-00000219");
    assert_refused(&mut client, Call::part(UNKNOWN, "", "x"), missing).await;
    let without = Call::new("PUT", KEY_PATH).query("uploadId", UNKNOWN).body("x");
    assert_refused(&mut client, without, missing).await;
}

#[tokio::test]
async fn a_part_with_another_digest_or_with_encryption_is_refused() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let wrong = Call::part(&id, 1, "x").header("content-md5", STANDARD.encode(Md5::digest("y")));
    assert_refused(&mut client, wrong, (400, "InvalidDigest", "")).await;
    let malformed = Call::part(&id, 1, "x").header("content-md5", "x");
    assert_refused(&mut client, malformed, (400, "InvalidDigest", "")).await;
    let encrypted = Call::part(&id, 1, "x").header("x-oss-server-side-encryption", "AES256");
    assert_refused(&mut client, encrypted, (400, "InvalidArgument", "")).await;
    let right = Call::part(&id, 1, "x").header("content-md5", STANDARD.encode(Md5::digest("x")));
    assert_eq!(client.send(right).await.status, 200);
    let listed = client.send(Call::list_parts(&id)).await;
    assert_eq!(listed.children("PartNumber"), ["1"]);
    assert_eq!(oss.incoming(), 0);
}

#[tokio::test]
async fn a_part_over_5_gib_is_refused_before_its_body() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let call = Call::part(&id, 1, "").header("expect", "100-continue");
    client.write_head(&call, 5 * 1024 * 1024 * 1024 + 1).await;
    let reply = client.read("PUT").await;
    let (code, ec) = ("EntityTooLarge".to_owned(), "0006-00000003".to_owned());
    assert_eq!(reply.refusal(), (400, code, ec));
}

#[tokio::test]
async fn a_part_list_is_checked_for_form_order_presence_etags_and_sizes() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let one = client.part(&id, 1, &content(1, MINIMUM)).await;
    let two = client.part(&id, 2, b"small").await;
    let three = client.part(&id, 3, &content(3, MINIMUM)).await;
    let invalid = (400, "InvalidPart", "");
    let bare = one.trim_matches('"');
    for (list, expected) in [
        (String::new(), (400, "MalformedXML", "0042-00000205")),
        ("<a/>".to_owned(), (400, "MalformedXML", "0042-00000205")),
        (part_list(&[]), (400, "MalformedXML", "0042-00000205")),
        (part_list(&[(3, &three), (1, &one)]), (400, "InvalidPartOrder", "0042-00000209")),
        (part_list(&[(1, &one), (1, &one)]), (400, "InvalidPartOrder", "0042-00000209")),
        (part_list(&[(0, &one)]), (400, "InvalidPartOrder", "")),
        (part_list(&[(10_001, &one)]), (400, "InvalidPartOrder", "")),
        (part_list(&[(1, &one), (4, &one)]), invalid),
        (part_list(&[(1, &two)]), invalid),
        (part_list(&[(1, bare)]), invalid),
        (part_list(&[(1, &one.to_lowercase())]), invalid),
        (part_list(&[(1, &one), (2, &two), (3, &three)]), (400, "EntityTooSmall", "0042-00000213")),
    ] {
        assert_refused(&mut client, Call::complete(&id, list), expected).await;
    }
    let all = Call::complete_all(&id);
    assert_refused(&mut client, all, (400, "EntityTooSmall", "0042-00000213")).await;
    // After all of these the upload can still be completed.
    let list = part_list(&[(1, &one), (3, &three)]);
    assert_eq!(client.send(Call::complete(&id, list)).await.status, 200);
    assert_eq!(oss.object(KEY).unwrap().len(), 2 * MINIMUM);
}

#[tokio::test]
async fn complete_all_takes_no_body_and_needs_a_part() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let empty = (400, "MalformedXML", "0042-00000205");
    assert_refused(&mut client, Call::complete_all(&id), empty).await;
    let etag = client.part(&id, 1, b"x").await;
    let both = Call::complete_all(&id).body(part_list(&[(1, &etag)]));
    let reply = client.send(both).await;
    let (code, ec) = ("InvalidArgument".to_owned(), "0042-00000216".to_owned());
    assert_eq!(reply.refusal(), (400, code, ec));
    assert_eq!(reply.child("ArgumentName"), "x-oss-complete-all");
    assert_eq!(reply.child("ArgumentValue"), "yes");
    let other = Call::complete(&id, "").header("x-oss-complete-all", "no");
    assert_refused(&mut client, other, (400, "InvalidArgument", "")).await;
}

#[tokio::test]
async fn a_list_with_another_digest_or_over_4_mb_is_refused() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let etag = client.part(&id, 1, b"x").await;
    let list = part_list(&[(1, &etag)]);
    let wrong = STANDARD.encode(Md5::digest("another list"));
    let call = Call::complete(&id, list.as_str()).header("content-md5", wrong);
    assert_refused(&mut client, call, (400, "InvalidDigest", "")).await;
    let padded = format!("{list}{}", " ".repeat(4 * 1024 * 1024));
    let malformed = (400, "MalformedXML", "0042-00000205");
    assert_refused(&mut client, Call::complete(&id, padded), malformed).await;
    let right = STANDARD.encode(Md5::digest(&list));
    let call = Call::complete(&id, list).header("content-md5", right);
    assert_eq!(client.send(call).await.status, 200);
}

#[tokio::test]
async fn an_object_is_not_overwritten_where_that_is_forbidden() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let forbid = |call: Call| call.header("x-oss-forbid-overwrite", "true");
    let early = client.send(forbid(Call::initiate())).await.child("UploadId");
    client.part(&early, 1, b"early").await;
    let first = client.initiate().await;
    client.part(&first, 1, b"first").await;
    assert_eq!(client.send(forbid(Call::complete_all(&first))).await.status, 200);
    let exists = (409, "FileAlreadyExists", "0042-00000214");
    // What was forbidden at the start holds at the end, even if it is not repeated.
    assert_refused(&mut client, Call::complete_all(&early), exists).await;
    assert_refused(&mut client, forbid(Call::initiate()), (409, "FileAlreadyExists", "")).await;
    let second = client.initiate().await;
    client.part(&second, 1, b"second").await;
    assert_refused(&mut client, forbid(Call::complete_all(&second)), exists).await;
    assert_eq!(oss.object(KEY).unwrap(), b"first");
    assert_eq!(client.send(Call::complete_all(&second)).await.status, 200);
    assert_eq!(oss.object(KEY).unwrap(), b"second");
    // The upload that has ended is looked for before the object is.
    let again = forbid(Call::complete_all(&second));
    assert_refused(&mut client, again, (404, "NoSuchUpload", "")).await;
}

#[tokio::test]
async fn parameters_and_headers_out_of_range_are_refused() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let argument = (400, "InvalidArgument", "");
    let list = || Call::list_parts(&id);
    for call in [
        list().query("max-parts", 0),
        list().query("max-parts", 1001),
        list().query("part-number-marker", "x"),
        list().query("encoding-type", "base64"),
        Call::list_uploads().query("max-uploads", 1001),
        Call::initiate().query("encoding-type", "URL"),
        Call::initiate().header("x-oss-object-acl", "public"),
        Call::initiate().header("x-oss-storage-class", "Cold"),
        Call::complete_all(&id).header("x-oss-object-acl", "public"),
    ] {
        assert_refused(&mut client, call, argument).await;
    }
    let forbid = Call::initiate().header("x-oss-forbid-overwrite", "yes");
    assert_refused(&mut client, forbid, (400, "InvalidArgument", "0006-00000117")).await;
    let encryption = Call::initiate().header("x-oss-server-side-encryption", "DES");
    let unknown = (400, "InvalidEncryptionAlgorithmError", "");
    assert_refused(&mut client, encryption, unknown).await;
    let not_emulated = (501, "NotImplemented", "");
    for call in [
        Call::initiate().query("sequential", ""),
        Call::initiate().header("x-oss-tagging", "a=b"),
        Call::part(&id, 1, "").header("x-oss-copy-source", "/examplebucket/a"),
    ] {
        assert_refused(&mut client, call, not_emulated).await;
    }
    let slash = Call::new("POST", "/%2Fa").query("uploads", "");
    assert_refused(&mut client, slash, (400, "InvalidObjectName", "")).await;
    assert_eq!(oss.uploads(), 1);
}
