//! `AssumeRole` and `AssumeRoleWithOIDC`, each as a list of checks from top to bottom.
//!
//! The order is a choice: no page gives one. What was signed is judged before, in `auth`.

use serde_json::Value;
use serde_json::json;

use crate::dates;
use crate::keys::AccessKey;
use crate::keys::Holder;
use crate::sts::call::Call;
use crate::sts::issue::Issued;
use crate::sts::oidc;
use crate::sts::options::Event;
use crate::sts::options::Role;
use crate::sts::options::Trusted;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;
use crate::sts::site::Site;
use crate::sts::wish::Wish;
use crate::sts::wish::is_made_of;

/// What a source identity may not begin with.
const RESERVED: [&str; 3] = ["acs:", "aliyun:", "alibabacloud:"];

/// Lends a session of a role to a caller who signed.
pub(super) fn assume_role(
    site: &Site,
    call: &Call,
    caller: &AccessKey,
    now: i64,
) -> Result<Value, Refusal> {
    let wish = Wish::read(site, call)?;
    let external = call.parameter("ExternalId");
    if external.is_some_and(|id| !is_made_of(id, b"_=,.@:/+-", 2, 1224)) {
        return Err(Kind::ExternalId.plain());
    }
    let source = call.parameter("SourceIdentity");
    if source.is_some_and(|source| !is_source_identity(source)) {
        return Err(Kind::Invalid.because("SourceIdentity"));
    }
    if caller.holder == Holder::Root {
        return Err(Kind::NoPermission.because("Roles may not be assumed by root accounts."));
    }
    let allowed = caller.may("sts:AssumeRole", wish.role_arn);
    if !allowed || !is_trusted(wish.role, caller) {
        return Err(Kind::NoPermission.plain());
    }
    let mut answer = lend(site, &wish, now);
    if let Some(source) = source {
        answer["SourceIdentity"] = json!(source);
    }
    Ok(answer)
}

/// Lends a session of a role to whoever has a token of a provider that the role trusts.
pub(super) fn assume_role_with_oidc(site: &Site, call: &Call, now: i64) -> Result<Value, Refusal> {
    let wish = Wish::read(site, call)?;
    let arn = call.parameter("OIDCProviderArn").unwrap_or_default();
    let provider = site.provider(arn).ok_or_else(|| Kind::OidcNoPermission.plain())?;
    let token = call.parameter("OIDCToken").unwrap_or_default();
    let info = oidc::verify(provider, token, now)?;
    if !wish.role.trusted.contains(&Trusted::Provider(provider.name.clone())) {
        return Err(Kind::OidcNoPermission.plain());
    }
    let mut answer = lend(site, &wish, now);
    answer["OIDCTokenInfo"] = info;
    Ok(answer)
}

fn is_trusted(role: &Role, caller: &AccessKey) -> bool {
    role.trusted.iter().any(|trusted| match trusted {
        Trusted::Account => true,
        Trusted::Key(id) => caller.holder == Holder::User && caller.id == *id,
        Trusted::Role(arn) => matches!(&caller.holder, Holder::Role(own) if own == arn),
        Trusted::Provider(_) => false,
    })
}

fn is_source_identity(text: &str) -> bool {
    is_made_of(text, b"_+=,.@-", 2, 64) && !RESERVED.iter().any(|prefix| text.starts_with(prefix))
}

fn lend(site: &Site, wish: &Wish<'_>, now: i64) -> Value {
    let (role, session) = (&wish.role.name, wish.session);
    let arn = wish.role_arn.to_owned();
    let issued = site.mint.issue(arn, wish.permissions(), now, wish.duration);
    tell(site, role, session, &issued);
    json!({
        "AssumedRoleUser": {
            "Arn": format!("{}/{session}", wish.role_arn),
            "AssumedRoleId": format!("{}:{session}", site.mint.role_id(role)),
        },
        "Credentials": {
            "AccessKeyId": issued.id,
            "AccessKeySecret": issued.secret,
            "SecurityToken": issued.token,
            "Expiration": dates::iso(issued.until),
        },
    })
}

/// Tells the observer that a key was issued.
pub(super) fn tell(site: &Site, role: &str, session: &str, issued: &Issued) {
    site.tell(&Event::Issued {
        role: role.to_owned(),
        session: session.to_owned(),
        key_id: issued.id.clone(),
        expires_at: issued.until,
    });
}
