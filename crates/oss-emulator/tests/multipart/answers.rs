//! Each operation's whole answer, and journeys from the first request to the object.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_64_XZ, Crc};
use md5::{Digest, Md5};

use crate::support::{
    BUCKET, Call, KEY, KEY_PATH, LocalOss, MINIMUM, Reply, content, md5, part_list,
};

fn crc64(bytes: &[u8]) -> String {
    Crc::<u64>::new(&CRC_64_XZ).checksum(bytes).to_string()
}

/// Asserts that a document consists of these lines, without their indentation.
fn assert_document(reply: &Reply, lines: &[&str]) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/xml");
    assert_eq!(reply.header("server"), "AliyunOSS");
    assert_eq!(reply.header("date"), "Wed, 27 Nov 2024 06:09:41 GMT");
    assert_eq!(reply.header("x-oss-request-id").len(), 24);
    let text = reply.text();
    let written: Vec<_> = text.lines().map(str::trim).collect();
    assert_eq!(written[0], "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    assert_eq!(written[1..], *lines);
}

fn quoted_md5(bytes: &[u8]) -> String {
    format!("\"{}\"", md5(bytes))
}

#[tokio::test]
async fn initiate_answers_with_an_upload_id() {
    let oss = LocalOss::start().await;
    let begun = oss.client().await.send(Call::initiate()).await;
    let id = begun.child("UploadId");
    assert!(id.len() == 32 && id.bytes().all(|byte| b"0123456789ABCDEF".contains(&byte)), "{id}");
    assert_document(
        &begun,
        &[
            "<InitiateMultipartUploadResult>",
            "<Bucket>examplebucket</Bucket>",
            &format!("<Key>{KEY}</Key>"),
            &format!("<UploadId>{id}</UploadId>"),
            "</InitiateMultipartUploadResult>",
        ],
    );
}

#[tokio::test]
async fn a_part_is_answered_with_its_checksums() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let part = content(1, MINIMUM);
    let sent = client.send(Call::part(&id, 1, &*part)).await;
    assert_eq!((sent.status, sent.body.len()), (200, 0));
    assert_eq!(sent.header("etag"), quoted_md5(&part));
    assert_eq!(sent.header("content-md5"), STANDARD.encode(Md5::digest(&part)));
    assert_eq!(sent.header("x-oss-hash-crc64ecma"), crc64(&part));
    assert_eq!(sent.header("content-length"), "0");
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate_two_parts(&content(1, MINIMUM), b"the end").await;
    let listed = client.send(Call::list_parts(&id).query("max-parts", 1)).await;
    let first = [
        "<ListPartsResult>",
        "<Bucket>examplebucket</Bucket>",
        &format!("<Key>{KEY}</Key>"),
        &format!("<UploadId>{id}</UploadId>"),
        "<PartNumberMarker>0</PartNumberMarker>",
        "<NextPartNumberMarker>1</NextPartNumberMarker>",
        "<MaxParts>1</MaxParts>",
        "<IsTruncated>true</IsTruncated>",
        "<Part>",
        "<PartNumber>1</PartNumber>",
        "<LastModified>2024-11-27T06:09:41.000Z</LastModified>",
        &format!("<ETag>{}</ETag>", quoted_md5(&content(1, MINIMUM))),
        "<Size>102400</Size>",
        "</Part>",
        "</ListPartsResult>",
    ];
    assert_document(&listed, &first);
    let rest = Call::list_parts(&id).query("part-number-marker", 1).query("encoding-type", "url");
    let rest = client.send(rest).await;
    let second = [
        first[0],
        first[1],
        "<Key>videos%2Fa%20b%20%C3%A9.mp4</Key>",
        first[3],
        "<EncodingType>url</EncodingType>",
        "<PartNumberMarker>1</PartNumberMarker>",
        "<NextPartNumberMarker>7</NextPartNumberMarker>",
        "<MaxParts>1000</MaxParts>",
        "<IsTruncated>false</IsTruncated>",
        "<Part>",
        "<PartNumber>7</PartNumber>",
        first[10],
        &format!("<ETag>{}</ETag>", quoted_md5(b"the end")),
        "<Size>7</Size>",
        "</Part>",
        "</ListPartsResult>",
    ];
    assert_document(&rest, &second);
}

#[tokio::test]
async fn uploads_in_progress_are_listed() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let uploads = client.send(Call::list_uploads().query("prefix", "videos/")).await;
    assert_document(
        &uploads,
        &[
            "<ListMultipartUploadsResult>",
            "<Bucket>examplebucket</Bucket>",
            "<KeyMarker></KeyMarker>",
            "<UploadIdMarker></UploadIdMarker>",
            &format!("<NextKeyMarker>{KEY}</NextKeyMarker>"),
            &format!("<NextUploadIdMarker>{id}</NextUploadIdMarker>"),
            "<Prefix>videos/</Prefix>",
            "<Delimiter></Delimiter>",
            "<MaxUploads>1000</MaxUploads>",
            "<IsTruncated>false</IsTruncated>",
            "<Upload>",
            &format!("<Key>{KEY}</Key>"),
            &format!("<UploadId>{id}</UploadId>"),
            "<Initiated>2024-11-27T06:09:41.000Z</Initiated>",
            "</Upload>",
            "</ListMultipartUploadsResult>",
        ],
    );
}

#[tokio::test]
async fn complete_answers_with_the_object_and_its_checksums() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let (one, two) = (content(1, MINIMUM), b"the end".to_vec());
    let id = client.initiate_two_parts(&one, &two).await;
    let list = part_list(&[(1, &quoted_md5(&one)), (7, &quoted_md5(&two))]);
    let done = client.send(Call::complete(&id, list)).await;
    let etag = format!("\"{}-2\"", md5(format!("{}{}", md5(&one), md5(&two)).as_bytes()));
    assert_document(
        &done,
        &[
            "<CompleteMultipartUploadResult>",
            &format!("<Location>http://{}{KEY_PATH}</Location>", oss.address),
            "<Bucket>examplebucket</Bucket>",
            &format!("<Key>{KEY}</Key>"),
            &format!("<ETag>{etag}</ETag>"),
            "</CompleteMultipartUploadResult>",
        ],
    );
    let whole = [one, two].concat();
    assert_eq!(done.header("etag"), etag);
    assert_eq!(done.header("x-oss-hash-crc64ecma"), crc64(&whole));
    assert_eq!(oss.object(KEY).as_ref(), Some(&whole));
    assert_eq!((oss.uploads(), oss.incoming()), (0, 0));
    let got = client.send(Call::new("GET", KEY_PATH)).await;
    assert_eq!((got.status, got.header("etag")), (200, etag.as_str()));
    assert_eq!(got.body, whole);
}

#[tokio::test]
async fn an_aborted_upload_is_gone_and_an_object_of_its_key_stays() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let first = client.initiate().await;
    client.part(&first, 1, b"first").await;
    client.send(Call::complete_all(&first)).await;
    let second = client.initiate().await;
    client.part(&second, 1, b"second").await;
    let aborted = client.send(Call::abort(&second)).await;
    assert_eq!((aborted.status, aborted.body.len()), (204, 0));
    assert_eq!(oss.object(KEY).unwrap(), b"first");
    assert_eq!((oss.uploads(), oss.incoming()), (0, 0));
}

#[tokio::test]
async fn headers_of_initiate_belong_to_the_object() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let call = Call::initiate()
        .header("content-type", "video/mp4")
        .header("cache-control", "no-cache")
        .header("content-disposition", "attachment; filename=\"a.mp4\"")
        .header("x-oss-meta-owner", "alice")
        .header("x-oss-storage-class", "IA")
        .header("x-oss-object-acl", "private");
    let id = client.send(call).await.child("UploadId");
    client.part(&id, 1, b"content").await;
    let done = Call::complete_all(&id).header("x-oss-object-acl", "private");
    assert_eq!(client.send(done).await.status, 200);
    let head = client.send(Call::new("HEAD", KEY_PATH)).await;
    assert_eq!(head.status, 200);
    for (name, value) in [
        ("content-type", "video/mp4"),
        ("cache-control", "no-cache"),
        ("content-disposition", "attachment; filename=\"a.mp4\""),
        ("x-oss-meta-owner", "alice"),
        ("x-oss-storage-class", "IA"),
        ("content-length", "7"),
    ] {
        assert_eq!(head.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_subset_of_the_parts_becomes_the_object() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let mut etags = Vec::new();
    for number in 1..=4 {
        etags.push(client.part(&id, number, &content(number, MINIMUM)).await);
    }
    // The same number again replaces the part.
    let replaced = client.part(&id, 4, b"end").await;
    let list = part_list(&[(2, &etags[1]), (4, &replaced)]);
    assert_eq!(client.send(Call::complete(&id, list)).await.status, 200);
    assert_eq!(oss.object(KEY).unwrap(), [content(2, MINIMUM), b"end".to_vec()].concat());
    assert_eq!(oss.uploads(), 0);
}

#[tokio::test]
async fn every_part_is_joined_without_a_list_and_keys_are_encoded_on_request() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    for number in [3, 1] {
        client.part(&id, number, &content(number, MINIMUM)).await;
    }
    let done = client.send(Call::complete_all(&id).query("encoding-type", "url")).await;
    assert_eq!(done.child("EncodingType"), "url");
    assert_eq!(done.child("Key"), "videos%2Fa%20b%20%C3%A9.mp4");
    assert!(done.child("ETag").ends_with("-2\""), "{}", done.text());
    assert_eq!(oss.object(KEY).unwrap(), [content(1, MINIMUM), content(3, MINIMUM)].concat());
}

#[tokio::test]
async fn ten_thousand_parts_are_listed_in_pages_and_joined() {
    let oss = LocalOss::with(|options| options.strictness.min_part_size = 1).await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let mut list = Vec::new();
    let mut whole = String::new();
    for number in 1..=10_000 {
        let text = format!("{number};");
        list.push((number, client.part(&id, number, text.as_bytes()).await));
        whole.push_str(&text);
    }
    let (mut marker, mut listed) = (0, Vec::new());
    loop {
        let page = client.send(Call::list_parts(&id).query("part-number-marker", marker)).await;
        listed.extend(page.children("PartNumber"));
        marker = page.child("NextPartNumberMarker").parse().unwrap();
        if page.child("IsTruncated") == "false" {
            break;
        }
    }
    assert_eq!(listed, (1..=10_000).map(|number| number.to_string()).collect::<Vec<_>>());
    let list: Vec<_> = list.iter().map(|(number, etag)| (*number, etag.as_str())).collect();
    let done = client.send(Call::complete(&id, part_list(&list))).await;
    assert_eq!(done.header("x-oss-hash-crc64ecma"), crc64(whole.as_bytes()));
    assert!(done.header("etag").ends_with("-10000\""));
    assert_eq!(oss.object(KEY).unwrap(), whole.as_bytes());
    assert_eq!(oss.uploads(), 0);
}

#[tokio::test]
async fn orphans_are_listed_in_pages_with_their_ids() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let mut ids = Vec::new();
    for path in ["/b", "/a/1", "/b", "/a/2"] {
        let reply = client.send(Call::new("POST", path).query("uploads", "")).await;
        ids.push((path[1..].to_owned(), reply.child("UploadId")));
    }
    ids.sort();
    let (mut found, mut markers) = (Vec::new(), (String::new(), String::new()));
    loop {
        let page = Call::list_uploads()
            .query("max-uploads", 1)
            .query("key-marker", &markers.0)
            .query("upload-id-marker", &markers.1);
        let page = client.send(page).await;
        found.extend(page.children("Key").into_iter().zip(page.children("UploadId")));
        markers = (page.child("NextKeyMarker"), page.child("NextUploadIdMarker"));
        if page.child("IsTruncated") == "false" {
            break;
        }
    }
    assert_eq!(found, ids);
    let grouped = client.send(Call::list_uploads().query("delimiter", "/")).await;
    assert_eq!(grouped.children("Key"), ["b", "b"]);
    assert_eq!(grouped.child("CommonPrefixes").trim(), "<Prefix>a/</Prefix>");
    assert_eq!(grouped.child("Bucket"), BUCKET);
}
