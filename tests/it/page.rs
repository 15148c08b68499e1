//! The page and the client are served, and may do what they have to and no more.

use insta::assert_snapshot;

use crate::support::app::Function;

fn headers_only(whole: &str) -> &str {
    whole.split("\n\n").next().unwrap()
}

#[tokio::test]
async fn the_page_loads_from_its_own_origin_and_posts_to_the_upload_hosts() {
    let function = Function::new(&[("OSS_UPLOAD_HOST", "https://up.example.com")]);
    assert_snapshot!(headers_only(&function.get("/").await.whole()), @"
    200 OK
    access-control-allow-origin: *
    cache-control: public, max-age=300
    content-length: 4039
    content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' https://up.example.com; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
    content-type: text/html; charset=utf-8
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    ");
}

#[tokio::test]
async fn the_page_has_the_name_and_the_looks_of_the_settings() {
    let function = Function::new(&[
        ("UPLOAD_PAGE_TITLE", "Acme <uploads>"),
        ("UPLOAD_PAGE_LOGO", "https://www.example.com/logo.svg?size=2"),
        ("UPLOAD_PAGE_ACCENT", "#7a1fa2"),
    ]);
    let answer = function.get("/").await;
    let page = String::from_utf8(answer.body.to_vec()).unwrap();
    for tag in [
        r#"<meta name="application-name" content="Acme &lt;uploads&gt;">"#,
        r#"<meta name="page-logo" content="https://www.example.com/logo.svg?size=2">"#,
        r##"<meta name="theme-color" content="#7a1fa2">"##,
    ] {
        assert!(page.contains(tag), "{tag}");
    }
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("; img-src 'self' blob: data: https://www.example.com; "), "{policy}");
}

#[tokio::test]
async fn the_client_may_be_imported_by_any_page() {
    assert_snapshot!(headers_only(&Function::new(&[]).get("/client.js").await.whole()), @"
    200 OK
    access-control-allow-origin: *
    cache-control: public, max-age=300
    content-length: 6461
    content-type: text/javascript; charset=utf-8
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    ");
    for (path, content_type) in [
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/page-limits.js", "text/javascript; charset=utf-8"),
        ("/page-queue.js", "text/javascript; charset=utf-8"),
        ("/page-row.js", "text/javascript; charset=utf-8"),
        ("/page-theme.js", "text/javascript; charset=utf-8"),
        ("/page-view.js", "text/javascript; charset=utf-8"),
        ("/page-words.js", "text/javascript; charset=utf-8"),
        ("/page-unfinished.js", "text/javascript; charset=utf-8"),
        ("/multipart.js", "text/javascript; charset=utf-8"),
        ("/multipart.d.ts", "text/plain; charset=utf-8"),
        ("/crc64.js", "text/javascript; charset=utf-8"),
        ("/client.d.ts", "text/plain; charset=utf-8"),
        ("/oss-errors.json", "application/json"),
    ] {
        assert_eq!(Function::new(&[]).get(path).await.headers["content-type"], content_type);
    }
}

#[tokio::test]
async fn the_page_holds_nothing_that_its_policy_forbids() {
    let answer = Function::new(&[]).get("/").await;
    let page = String::from_utf8(answer.body.to_vec()).unwrap();
    for forbidden in ["<style", " style=", " onclick=", "http://", "https://"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(
        !page.split("<script").skip(1).any(|script| !script.starts_with(" type=\"module\" src=\""))
    );
}
