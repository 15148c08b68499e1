//! The settings of budgets and of the store: what is refused, what is warned of, and what `check` shows.

use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;

use crate::support::app::{NOW, SMALL};
use crate::support::tool::Tool;

fn load(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let mut environment = Environment::default();
    for (name, value) in SMALL.iter().chain(variables) {
        environment.set(name, *value);
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    Settings::load(&environment, None, now).map_err(|errors| errors.to_string())
}

#[test]
fn every_invalid_value_is_an_error_that_shows_no_password() {
    for (name, value, problem) in [
        (
            "UPLOAD_STORE_URL",
            "redis://:marker@",
            "UPLOAD_STORE_URL: the address looks like rediss://",
        ),
        ("UPLOAD_STORE_URL", "marker", "UPLOAD_STORE_URL: the address looks like rediss://"),
        (
            "UPLOAD_STORE_URL",
            "https://:marker@a/",
            "UPLOAD_STORE_URL: the address begins with redis://",
        ),
        (
            "UPLOAD_STORE_URL",
            "redis://:marker@a/b",
            "UPLOAD_STORE_URL: behind the host there is nothing but",
        ),
        ("UPLOAD_STORE_FAILURE", "ignore", "\"ignore\": the values are 'local', to count within"),
        ("UPLOAD_STORE_CA", "marker", "UPLOAD_STORE_CA: it is one or several certificates"),
        ("UPLOAD_ADDRESS_HEADER", "x y", "\"x y\": it is the name of a request header"),
        ("UPLOAD_BUDGETS", "caller", "in \"caller\", a budget is a scope, grants or bytes, and"),
        ("UPLOAD_BUDGETS", "user 1/1m", "the scopes are caller, address, route, bucket and total"),
        ("UPLOAD_BUDGETS", ",", "a part of the list is empty"),
        ("UPLOAD_BUDGETS", "caller 1/1m,caller 2/60s", "two budgets have the same scope"),
        ("UPLOAD_BUDGETS", "address 1/1m", "a budget of an address needs the header"),
    ] {
        let errors = load(&[(name, value)]).unwrap_err();
        assert!(errors.contains(problem), "{name}={value}: {errors}");
        assert!(!errors.contains("marker"), "{errors}");
    }
    let many: Vec<_> = (1..=17).map(|hours| format!("caller 1/{hours}h")).collect();
    let errors = load(&[("UPLOAD_BUDGETS", &many.join(","))]).unwrap_err();
    assert!(errors.contains("there are at most 16 budgets"), "{errors}");
    assert!(load(&[("UPLOAD_BUDGETS", &many[1..].join(","))]).is_ok());
    let file_only = load(&[("UPLOAD_STORE", "x")]).unwrap_err();
    assert!(file_only.contains("UPLOAD_STORE: there is no such setting"), "{file_only}");
}

#[test]
fn settings_with_a_price_are_warned_of() {
    let warnings = |variables: &[(&str, &str)]| load(variables).unwrap().warnings()[1..].join("\n");
    let (password, alone) = ("redis://:marker@10.0.0.1", ("UPLOAD_BUDGETS", "total 1/1m"));
    let readable = warnings(&[("UPLOAD_STORE_URL", password), alone]);
    assert!(
        readable.starts_with("UPLOAD_STORE_URL (redis://10.0.0.1:6379/0) has no TLS"),
        "{readable}"
    );
    assert!(!readable.contains("marker"));
    let alone = warnings(&[alone]);
    assert!(
        alone.starts_with("budgets has one for the total, and UPLOAD_STORE_URL is not set"),
        "{alone}"
    );
    let small = warnings(&[("UPLOAD_BUDGETS", "caller 1MiB/1m")]);
    assert!(small.starts_with("budget_bytes (1 MiB) is smaller than max_size"), "{small}");
    for quiet in ["rediss://:marker@10.0.0.1", "redis://10.0.0.1", "redis://:marker@127.0.0.1"] {
        assert_eq!(warnings(&[("UPLOAD_STORE_URL", quiet), ("UPLOAD_BUDGETS", "total 1/1m")]), "");
    }
}

#[tokio::test]
async fn check_shows_the_store_without_its_password() {
    let tool = Tool::new()
        .with("OSS_BUCKET", "my-bucket")
        .with("OSS_REGION", "cn-hangzhou")
        .with("UPLOAD_AUTH", "anonymous")
        .with("UPLOAD_BUDGETS", "caller 100/1h")
        .with("UPLOAD_STORE_FAILURE", "refuse")
        .with("UPLOAD_STORE_URL", "rediss://marker-user:marker-password@store.example.com/2");
    let shown = tool.run(&["check"]).await.good();
    assert!(!shown.contains("marker"), "{shown}");
    for line in [
        "  set        budgets = caller 100/1h (UPLOAD_BUDGETS)",
        "  set        UPLOAD_STORE_URL, which is not shown",
        "  store      rediss://store.example.com:6379/2; if it fails, calls that are counted are refused",
    ] {
        assert!(shown.lines().any(|one| one == line), "{shown}");
    }
    let wrong = tool.with("UPLOAD_STORE_URL", "rediss://:marker#@store.example.com/2");
    let complaint = wrong.run(&["check"]).await;
    assert_eq!(complaint.code, 2);
    assert!(complaint.err.contains("UPLOAD_STORE_URL") && !complaint.err.contains("marker"));
}
