//! One setting as somebody wrote it, and the list of all the settings there are.

use crate::policy::header;

/// A setting's names, outside and in the file, and an example of a good value.
#[derive(Debug)]
pub(super) struct Setting {
    /// The variable; for a route's setting it speaks of the route `default`.
    pub(super) variable: &'static str,
    /// The key in `upload.toml`; with a dot in it, that of a table's entry.
    pub(super) key: &'static str,
    /// A good value, as the file would write it.
    pub(super) example: &'static str,
}

const fn setting(variable: &'static str, key: &'static str, example: &'static str) -> Setting {
    Setting { variable, key, example }
}

pub(super) const AUTH: Setting = setting("UPLOAD_AUTH", "auth", "anonymous");
pub(super) const ORIGINS: Setting = setting("UPLOAD_ORIGINS", "origins", "https://app.example.com");
pub(super) const JWKS_URL: Setting =
    setting("UPLOAD_JWKS_URL", "jwks_url", "https://login.example.com/.well-known/jwks.json");
pub(super) const JWT_PUBLIC_KEY: Setting =
    setting("UPLOAD_JWT_PUBLIC_KEY", "jwt_public_key", "-----BEGIN PUBLIC KEY-----\\n…");
pub(super) const JWT_ISSUER: Setting =
    setting("UPLOAD_JWT_ISSUER", "jwt_issuer", "https://login.example.com/");
pub(super) const JWT_AUDIENCE: Setting = setting("UPLOAD_JWT_AUDIENCE", "jwt_audience", "uploads");
pub(super) const JWT_CLAIMS: Setting =
    setting("UPLOAD_JWT_CLAIMS", "jwt_claims", "email_verified=true");
pub(super) const JWT_LEEWAY: Setting = setting("UPLOAD_JWT_LEEWAY", "jwt_leeway", "1m");
pub(super) const TICKET_LIFETIME: Setting =
    setting("UPLOAD_TICKET_LIFETIME", "ticket_lifetime", "1h");
pub(super) const BUDGET_GRANTS: Setting = setting("UPLOAD_BUDGET_GRANTS", "budget_grants", "100");
pub(super) const BUDGET_BYTES: Setting = setting("UPLOAD_BUDGET_BYTES", "budget_bytes", "1GiB");
pub(super) const BUDGET_WINDOW: Setting = setting("UPLOAD_BUDGET_WINDOW", "budget_window", "1m");
pub(super) const CREDENTIALS: Setting = setting("UPLOAD_CREDENTIALS", "credentials", "auto");
pub(super) const ROLE_KEY_LIFETIME: Setting =
    setting("UPLOAD_ROLE_KEY_LIFETIME", "role_key_lifetime", "36h");

pub(super) const ROLE_ARN: Setting =
    setting("OSS_STS_ROLE_ARN", "role_arn", "acs:ram::1234567890123456:role/oss-uploader");
pub(super) const ROLE_SESSION_NAME: Setting =
    setting("ALIBABA_CLOUD_ROLE_SESSION_NAME", "role_session_name", "oss-upload-signer");
pub(super) const ROLE_DURATION: Setting = setting("UPLOAD_ROLE_DURATION", "role_duration", "1h");
pub(super) const ROLE_EXTERNAL_ID: Setting =
    setting("UPLOAD_ROLE_EXTERNAL_ID", "role_external_id", "partner-42");
pub(super) const ROLE_SCOPE: Setting = setting("UPLOAD_ROLE_SCOPE", "role_scope", "routes");
pub(super) const STS_ENDPOINT: Setting =
    setting("ALIBABA_CLOUD_STS_ENDPOINT", "sts_endpoint", "sts-vpc.cn-hangzhou.aliyuncs.com");
pub(super) const STS_REGION: Setting =
    setting("ALIBABA_CLOUD_STS_REGION", "sts_region", "cn-hangzhou");
pub(super) const STS_VPC: Setting =
    setting("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "sts_vpc", "false");

pub(super) const BUCKET: Setting = setting("OSS_BUCKET", "bucket", "my-bucket");
pub(super) const REGION: Setting = setting("OSS_REGION", "region", "cn-hangzhou");
pub(super) const UPLOAD_HOST: Setting =
    setting("OSS_UPLOAD_HOST", "upload_host", "https://upload.example.com");

pub(super) const DIR: Setting = setting("UPLOAD_DIR", "dir", "photos/{uuid}/");
pub(super) const KEY: Setting = setting("UPLOAD_KEY", "key", "users/{sub}/{uuid}.{ext}");
pub(super) const MIN_SIZE: Setting = setting("UPLOAD_MIN_SIZE", "min_size", "1B");
pub(super) const MAX_SIZE: Setting = setting("UPLOAD_MAX_SIZE", "max_size", "10MiB");
pub(super) const TYPES: Setting = setting("UPLOAD_TYPES", "types", "image/png,image/jpeg");
pub(super) const EXTENSIONS: Setting = setting("UPLOAD_EXTENSIONS", "extensions", "jpg,png");
pub(super) const MAX_FILES: Setting = setting("UPLOAD_MAX_FILES", "max_files", "10");
pub(super) const EXPIRES: Setting = setting("UPLOAD_EXPIRES", "expires", "10m");
pub(super) const OVERWRITE: Setting = setting("UPLOAD_OVERWRITE", "overwrite", "false");
pub(super) const SUCCESS_STATUS: Setting =
    setting("UPLOAD_SUCCESS_STATUS", "success_status", "200");
pub(super) const SIGNATURE: Setting = setting("UPLOAD_SIGNATURE", "signature", "v4");
pub(super) const SESSION: Setting = setting("UPLOAD_SESSION", "session", "shared");

pub(super) const PUBLIC_URL: Setting =
    setting("PUBLIC_URL", "public_url", "https://signer.example.com");
pub(super) const CALLBACK: Setting = setting("UPLOAD_CALLBACK", "callback.to", "self");
pub(super) const CALLBACK_BODY: Setting = setting("UPLOAD_CALLBACK_BODY", "callback.body", "form");
pub(super) const CALLBACK_BODY_TYPE: Setting =
    setting("UPLOAD_CALLBACK_BODY_TYPE", "callback.body_type", "json");
pub(super) const CALLBACK_HOST: Setting =
    setting("UPLOAD_CALLBACK_HOST", "callback.host", "back.example.com");
pub(super) const CALLBACK_SNI: Setting = setting("UPLOAD_CALLBACK_SNI", "callback.sni", "true");
pub(super) const NOTIFY: Setting =
    setting("UPLOAD_NOTIFY", "callback.notify", "https://back.example.com/uploaded");

/// Secrets: they stand in the environment only, and no error shows them.
pub(super) const JWT_SECRET: &str = "UPLOAD_JWT_SECRET";
pub(super) const TICKET_KEYS: &str = "UPLOAD_TICKET_KEYS";
pub(super) const RECEIPT_KEYS: &str = "UPLOAD_RECEIPT_KEYS";
pub(super) const WEBHOOK_SECRET: &str = "UPLOAD_WEBHOOK_SECRET";

pub(super) const CACHE_CONTROL: Setting =
    setting("UPLOAD_CACHE_CONTROL", "headers.cache-control", "private, max-age=3600");
pub(super) const CONTENT_DISPOSITION: Setting =
    setting("UPLOAD_CONTENT_DISPOSITION", "headers.content-disposition", "attachment");
pub(super) const STORAGE_CLASS: Setting =
    setting("UPLOAD_STORAGE_CLASS", "headers.x-oss-storage-class", "IA");
pub(super) const OBJECT_ACL: Setting =
    setting("UPLOAD_OBJECT_ACL", "headers.x-oss-object-acl", "private");
pub(super) const ENCRYPTION: Setting =
    setting("UPLOAD_ENCRYPTION", "headers.x-oss-server-side-encryption", "AES256");
pub(super) const DATA_ENCRYPTION: Setting =
    setting("UPLOAD_DATA_ENCRYPTION", "headers.x-oss-server-side-data-encryption", "SM4");
pub(super) const ENCRYPTION_KEY_ID: Setting =
    setting("UPLOAD_ENCRYPTION_KEY_ID", "headers.x-oss-server-side-encryption-key-id", "9468da86");
pub(super) const TAGGING: Setting =
    setting("UPLOAD_TAGGING", "headers.x-oss-tagging", "from=browser");

/// The settings that stand at the top of the file only.
pub(super) const TOP: [&Setting; 22] = [
    &ORIGINS,
    &JWKS_URL,
    &JWT_PUBLIC_KEY,
    &JWT_ISSUER,
    &JWT_AUDIENCE,
    &JWT_CLAIMS,
    &JWT_LEEWAY,
    &TICKET_LIFETIME,
    &BUDGET_GRANTS,
    &BUDGET_BYTES,
    &BUDGET_WINDOW,
    &CREDENTIALS,
    &ROLE_KEY_LIFETIME,
    &ROLE_ARN,
    &ROLE_SESSION_NAME,
    &ROLE_DURATION,
    &ROLE_EXTERNAL_ID,
    &ROLE_SCOPE,
    &STS_ENDPOINT,
    &STS_REGION,
    &STS_VPC,
    &PUBLIC_URL,
];

/// The settings that a route may have, or that stand at the top for all routes.
pub(super) const ROUTE: [&Setting; 30] = [
    &AUTH,
    &BUCKET,
    &REGION,
    &UPLOAD_HOST,
    &DIR,
    &KEY,
    &MIN_SIZE,
    &MAX_SIZE,
    &TYPES,
    &EXTENSIONS,
    &MAX_FILES,
    &EXPIRES,
    &OVERWRITE,
    &SUCCESS_STATUS,
    &SIGNATURE,
    &SESSION,
    &CACHE_CONTROL,
    &CONTENT_DISPOSITION,
    &STORAGE_CLASS,
    &OBJECT_ACL,
    &ENCRYPTION,
    &DATA_ENCRYPTION,
    &ENCRYPTION_KEY_ID,
    &TAGGING,
    &CALLBACK,
    &CALLBACK_BODY,
    &CALLBACK_BODY_TYPE,
    &CALLBACK_HOST,
    &CALLBACK_SNI,
    &NOTIFY,
];

/// The settings of the top that a route may have too, where they are added to those of the top.
pub(super) const ADDED: [&Setting; 1] = [&JWT_CLAIMS];

/// The settings among them that each fix a field of the form, in the form's order.
pub(super) const HEADERS: [(&str, &Setting); 8] = [
    (header::CACHE_CONTROL, &CACHE_CONTROL),
    (header::CONTENT_DISPOSITION, &CONTENT_DISPOSITION),
    (header::X_OSS_STORAGE_CLASS, &STORAGE_CLASS),
    (header::X_OSS_OBJECT_ACL, &OBJECT_ACL),
    (header::X_OSS_SERVER_SIDE_ENCRYPTION, &ENCRYPTION),
    (header::X_OSS_SERVER_SIDE_DATA_ENCRYPTION, &DATA_ENCRYPTION),
    (header::X_OSS_SERVER_SIDE_ENCRYPTION_KEY_ID, &ENCRYPTION_KEY_ID),
    (header::X_OSS_TAGGING, &TAGGING),
];

/// What is said of a callback beside who is called.
pub(super) const CALLBACK_DETAILS: [&Setting; 5] =
    [&CALLBACK_BODY, &CALLBACK_BODY_TYPE, &CALLBACK_HOST, &CALLBACK_SNI, &NOTIFY];

/// The table of a callback's variables, whose keys are the operator's own names.
pub(super) const VARIABLES: &str = "callback.variables";

/// The table of metadata, whose keys are the operator's own names.
pub(super) const METADATA: &str = "metadata";

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the environment.
    Variable(&'static str),
    /// In the file: the line, counted from 1, and the key with its table.
    Line(usize, String),
    /// Nowhere: it is what the host fills in.
    Default,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawValue {
    /// A text, a number or a truth value.
    One(String),
    /// A list of texts.
    Many(Vec<String>),
}

/// One setting as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawSetting {
    pub(super) place: Place,
    pub(super) written: RawValue,
}

impl RawSetting {
    /// Names the place and shows the value.
    pub(super) fn describe(&self) -> String {
        let value = match &self.written {
            RawValue::One(text) => format!("{text:?}"),
            RawValue::Many(texts) => format!("{texts:?}"),
        };
        format!("{} = {value}", self.name())
    }

    /// Names the place alone, where the value may hold what nobody should see.
    pub(super) fn name(&self) -> String {
        match &self.place {
            Place::Variable(name) => (*name).to_owned(),
            Place::Default => "default".to_owned(),
            Place::Line(line, key) => format!("upload.toml line {line}, {key}"),
        }
    }

    /// Shows a good value in the place's own spelling.
    pub(super) fn example(&self, setting: &Setting) -> String {
        match &self.place {
            Place::Variable(name) => format!("{name}={}", setting.example),
            Place::Line(..) | Place::Default => {
                format!("{} = \"{}\"", setting.key, setting.example)
            }
        }
    }

    /// Gives the texts, a single one parted at commas. An empty part is an empty text.
    pub(super) fn texts(&self) -> Vec<String> {
        let parts: Vec<&str> = match &self.written {
            RawValue::One(text) => text.split(',').collect(),
            RawValue::Many(texts) => texts.iter().map(String::as_str).collect(),
        };
        parts.into_iter().map(|part| part.trim().to_owned()).collect()
    }
}
