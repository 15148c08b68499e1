//! What is there and not ours: kept byte for byte by creation and by removal.

use super::fixture::{Cloud, changes};
use crate::support::form::{BUCKET, REGION};

const FOREIGN_CORS: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://x.example</AllowedOrigin>\
    <AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod><AllowedHeader>range</AllowedHeader>\
    <ExposeHeader>x-oss-meta-a</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule>\
    <CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedMethod>POST</AllowedMethod></CORSRule>\
    </CORSConfiguration>";

const FOREIGN_LIFECYCLE: &str = "<LifecycleConfiguration><Rule><ID>logs &amp; more</ID><Prefix>logs/</Prefix>\
    <Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule><Rule><ID>off</ID><Prefix></Prefix>\
    <Status>Disabled</Status><AbortMultipartUpload><Days>1</Days></AbortMultipartUpload></Rule>\
    </LifecycleConfiguration>";

/// Returns the elements of a name in a document, as text.
fn elements(document: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = document.split(&open).skip(1);
    parts.map(|part| part.split(&close).next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn foreign_cors_rules_stay_byte_for_byte_and_in_their_order() {
    let cloud = Cloud::open().await;
    cloud.put("cors", FOREIGN_CORS).await;
    let before = elements(&cloud.get("cors").await.text(), "CORSRule");
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    let with = elements(&cloud.get("cors").await.text(), "CORSRule");
    // The second foreign rule would hide ours, so ours comes before it.
    assert_eq!((with.len(), &with[0], &with[2]), (3, &before[0], &before[1]));
    let removal = cloud.setup(&["--remove", "--yes"]).await;
    assert_eq!(removal.code, 0, "{removal:?}");
    assert_eq!(elements(&cloud.get("cors").await.text(), "CORSRule"), before);
}

#[tokio::test]
async fn foreign_lifecycle_rules_stay_byte_for_byte_and_in_their_order() {
    let cloud = Cloud::open().await;
    cloud.tool.write("upload.toml", "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n");
    cloud.put("lifecycle", FOREIGN_LIFECYCLE).await;
    let before = elements(&cloud.get("lifecycle").await.text(), "Rule");
    let outcome = cloud.setup(&["--yes"]).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let with = elements(&cloud.get("lifecycle").await.text(), "Rule");
    assert_eq!(with[..2], before[..]);
    assert!(with[2].contains("<Prefix>video/</Prefix>") && with.len() == 3, "{with:?}");
    let again = cloud.setup(&["--yes"]).await;
    assert_eq!((again.code, changes(&again).len()), (0, 0), "{again:?}");
    assert_eq!(cloud.setup(&["--remove", "--yes"]).await.code, 0);
    assert_eq!(elements(&cloud.get("lifecycle").await.text(), "Rule"), before);
}

#[tokio::test]
async fn a_route_for_large_files_gets_its_rights_and_its_lifecycle_rule() {
    let cloud = Cloud::open().await;
    cloud.tool.write(
        "upload.toml",
        "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\nmultipart.resume = \"3d\"\n[routes.small]\ndir = \"small/\"\n",
    );
    let outcome = cloud.setup(&["--yes"]).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    for text in [
        r#""Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/small/*","acs:oss:*:*:examplebucket/video/*"]"#,
        "oss:ListParts",
        "<Days>4</Days>",
        "<ExposeHeader>x-oss-hash-crc64ecma</ExposeHeader>",
    ] {
        assert!(outcome.out.contains(text), "{text}: {}", outcome.out);
    }
    assert!(cloud.get("lifecycle").await.text().contains("<Prefix>video/</Prefix>"));
    let removal = cloud.setup(&["--remove", "--yes"]).await;
    assert_eq!(removal.code, 0, "{removal:?}");
    assert_eq!(cloud.get("lifecycle").await.status, 404);
    assert_eq!(cloud.get("cors").await.status, 404);
}

#[tokio::test]
async fn a_bucket_in_another_region_and_no_bucket_at_all_are_named() {
    let cloud = Cloud::open().await;
    let other = ["--bucket", BUCKET, "--region", "cn-beijing", "--origin", "*"];
    let wrong = cloud.setup_of(&other, &["--yes"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    let other = ["--bucket", BUCKET, "--region", "cn-beijing", "--origin", "https://a.example"];
    let refused = cloud.setup_of(&other, &["--yes"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("correct --region"), "{refused:?}");
    let other = ["--bucket", "no-such-bucket", "--region", REGION, "--origin", "https://a.example"];
    let missing = cloud.setup_of(&other, &["--yes"]).await;
    assert!(missing.err.contains("there is no such bucket"), "{missing:?}");
}
