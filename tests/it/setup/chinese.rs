//! The plan and the refusals in Chinese.

use insta::assert_snapshot;

use super::fixture::Cloud;

#[tokio::test]
async fn a_plan_in_chinese_has_the_same_steps() {
    let cloud = Cloud::open().await;
    cloud.tool.write("upload.toml", "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n");
    let check = cloud.setup(&["--check", "--lang", "zh"]).await;
    assert_eq!(check.code, 1, "{check:?}");
    assert_eq!(check.err, "oss-upload: 需要 5 项更改；未做任何更改\n");
    let titles: Vec<_> = check.out.lines().filter(|line| !line.starts_with("    ")).collect();
    assert_snapshot!(titles.join("\n"), @r#"
    账号     1234567890123456
    Bucket   examplebucket，地域 cn-hangzhou
    更改     创建函数计算可以扮演的 RAM 角色 oss-upload-signer
    更改     创建 RAM 权限策略 oss-upload-signer
    更改     将 RAM 权限策略 oss-upload-signer 授予角色 oss-upload-signer
    更改     Bucket examplebucket：设置跨域规则，允许来源为 https://app.example 的页面
    更改     Bucket examplebucket：设置删除未完成的上传，前缀 "video/"，2 天后
    "#);
    let made = cloud.setup(&["--yes", "--lang", "zh"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let done = made.out.lines().filter(|line| line.starts_with("完成     ")).count();
    assert_eq!(done, 5, "{}", made.out);
    let again = cloud.setup(&["--check", "--lang", "zh"]).await.good();
    assert_snapshot!(again, @r#"
    账号     1234567890123456
    Bucket   examplebucket，地域 cn-hangzhou
    不变     RAM 角色 oss-upload-signer：函数计算可以扮演它
    不变     RAM 权限策略 oss-upload-signer：允许路由所需的操作
    不变     RAM 角色 oss-upload-signer：已有权限策略 oss-upload-signer
    不变     Bucket examplebucket：跨域规则允许来源为 https://app.example 的页面
    不变     Bucket examplebucket：删除未完成的上传，前缀 "video/"，2 天后
    无需更改
    "#);
}

#[tokio::test]
async fn a_missing_right_is_named_in_chinese() {
    let cloud = Cloud::open().await;
    cloud.allow_user(
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ram:CreateRole","Resource":"*"}]}"#,
    );
    let refused = cloud.setup(&["--yes", "--lang", "zh"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let sentence = refused.err.split("，请求").next().unwrap();
    assert_snapshot!(sentence, @"oss-upload: 创建函数计算可以扮演的 RAM 角色 oss-upload-signer：AccessKey 无权执行 ram:CreateRole，对象为角色 oss-upload-signer；请为其用户或角色授予 ram:CreateRole（RAM 控制台 > 用户 > 添加权限；要求多因素认证的权限策略也会拒绝 AccessKey），或将 --print 的输出交给有权限的人（RAM：NoPermission");
}
