//! Wrong arguments: one line, and nothing is tried.

use insta::assert_snapshot;

use crate::support::tool::Tool;

#[tokio::test]
async fn wrong_arguments_give_one_line() {
    let tool = Tool::new();
    let complaint =
        async |arguments: &[&str]| tool.run(&[&["doctor"], arguments].concat()).await.complaint();
    assert_snapshot!(complaint(&[]).await, @"oss-upload: the following required arguments were not provided: --signer <URL>; --help lists the options");
    assert_snapshot!(complaint(&["--signer", "signer.example.com"]).await, @r#"oss-upload: --signer "signer.example.com": write the function's whole address, with https://"#);
    assert_snapshot!(complaint(&["--signer", "https://user@signer.example.com"]).await, @r#"oss-upload: --signer "https://user@signer.example.com": write the function's whole address, with https://"#);
    let signer = ["--signer", "https://signer.example.com"];
    for origin in ["app.example.com", "https://app.example.com/page", "https://*.example.com"] {
        let report = complaint(&[&signer[..], &["--origin", origin]].concat()).await;
        assert!(report.contains("is no origin"), "{report}");
    }
    assert_snapshot!(complaint(&[&signer[..], &["--metadata", "title"]].concat()).await, @"oss-upload: invalid value 'title' for '--metadata <NAME=VALUE>': write a name, '=' and a value; --help lists the options");
}
