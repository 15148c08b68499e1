//! `--print` calls nothing, and writes everything that has to be made.

use insta::assert_snapshot;

use crate::support::form::{BUCKET, REGION};
use crate::support::tool::Tool;

#[tokio::test]
async fn everything_is_printed_as_files_and_commands_without_a_key() {
    let tool = Tool::new()
        .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
        .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "");
    tool.write("upload.toml", "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n");
    let arguments = ["setup", "--print", "--bucket", BUCKET, "--region", REGION];
    let outcome = tool.run(&[&arguments[..], &["--origin", "https://app.example"]].concat()).await;
    assert_snapshot!(outcome.good(), @r#"
    # The role of the function. trust-policy.json:
    {"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}

    # What the role may do. policy.json:
    {"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject","oss:ListParts","oss:AbortMultipartUpload"],"Resource":["acs:oss:*:*:examplebucket/video/*"]}]}

    aliyun ram CreateRole --RoleName oss-upload-signer --Description 'Created by oss-upload setup for the function role oss-upload-signer' --AssumeRolePolicyDocument '{"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}'
    aliyun ram CreatePolicy --PolicyName oss-upload-signer --Description 'Created by oss-upload setup for the function role oss-upload-signer' --PolicyDocument '{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject","oss:ListParts","oss:AbortMultipartUpload"],"Resource":["acs:oss:*:*:examplebucket/video/*"]}]}'
    aliyun ram AttachPolicyToRole --PolicyType Custom --PolicyName oss-upload-signer --RoleName oss-upload-signer

    # The bucket examplebucket. The next commands replace all rules: first add those that are there
    # (aliyun oss cors --method get oss://examplebucket). cors.xml:
    <CORSConfiguration>
      <CORSRule>
        <AllowedOrigin>https://app.example</AllowedOrigin>
        <AllowedMethod>POST</AllowedMethod>
        <AllowedMethod>PUT</AllowedMethod>
        <AllowedHeader>*</AllowedHeader>
        <ExposeHeader>ETag</ExposeHeader>
        <ExposeHeader>Location</ExposeHeader>
        <ExposeHeader>x-oss-request-id</ExposeHeader>
        <ExposeHeader>x-oss-hash-crc64ecma</ExposeHeader>
        <ExposeHeader>x-setup-oss-upload-signer</ExposeHeader>
        <MaxAgeSeconds>600</MaxAgeSeconds>
      </CORSRule>
      <ResponseVary>true</ResponseVary>
    </CORSConfiguration>

    aliyun oss cors --method put oss://examplebucket cors.xml --region cn-hangzhou

    # lifecycle.xml:
    <LifecycleConfiguration>
      <Rule>
        <ID>oss-upload-signer-parts-8b4a69e5</ID>
        <Prefix>video/</Prefix>
        <Status>Enabled</Status>
        <AbortMultipartUpload>
          <Days>2</Days>
        </AbortMultipartUpload>
      </Rule>
    </LifecycleConfiguration>

    aliyun oss lifecycle --method put oss://examplebucket lifecycle.xml --region cn-hangzhou

    # The rights of somebody who runs setup itself:
    # ram:GetRole ram:CreateRole ram:UpdateRole ram:DeleteRole ram:GetPolicy ram:ListPolicyVersions ram:CreatePolicy ram:CreatePolicyVersion ram:DeletePolicyVersion ram:DeletePolicy ram:ListPoliciesForRole ram:AttachPolicyToRole ram:DetachPolicyFromRole
    # oss:GetBucketInfo oss:GetBucketCors oss:PutBucketCors oss:DeleteBucketCors oss:GetBucketLifecycle oss:PutBucketLifecycle oss:DeleteBucketLifecycle
    "#);
}

#[tokio::test]
async fn arguments_that_cannot_be_meant_are_refused_before_anything_is_called() {
    let tool = Tool::new();
    let place = ["setup", "--bucket", BUCKET, "--region", REGION];
    for (more, part) in [
        (&["--print"][..], "--origin is missing"),
        (&["--print", "--origin", "https://a.example/path"], "--origin"),
        (&["--print", "--origin", "https://a.example", "--role", "a b"], "--role"),
        (
            &["--origin", "https://a.example", "--ram-endpoint", "http://ram.example"],
            "--ram-endpoint",
        ),
        (&["--origin", "https://a.example", "--endpoint", "http://oss.example"], "--endpoint"),
        (&["--check", "--remove"], "cannot be used with"),
    ] {
        let complaint = tool.run(&[&place[..], more].concat()).await.complaint();
        assert!(complaint.contains(part), "{complaint}");
    }
}
