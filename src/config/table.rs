//! The table of settings: one row for each.
//!
//! Everything that lists settings is derived from it: the readers of the environment and of `upload.toml`, the
//! check for unknown names and its suggestions, what `oss-upload check` prints, the tables of
//! `docs/settings.md`, and the test that `s.yaml` names each variable. A new setting is a new row, and the line
//! that reads its value.

use std::fmt::Write as _;

use DefaultValue::{Described, Required, Value};
use SettingScope::{AllRoutes, Environment, Function, FunctionAndRoute, Route, Secret};
use ValueKind::{Boolean, Choice, Header, HiddenText, List, Number, Size, Table, Text, Time};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The name in the environment; empty where the setting is in the file only.
    pub variable: &'static str,
    /// The key in `upload.toml`, as `headers.cache-control` for an entry of a table; empty where the setting
    /// is in the environment only.
    pub key: &'static str,
    /// Where the setting can be written, and what it applies to.
    pub scope: SettingScope,
    /// The form of its value.
    pub kind: ValueKind,
    /// A valid value.
    pub example: &'static str,
    /// The value that applies where none is written.
    pub default: DefaultValue,
    /// One sentence in Markdown: what the setting decides, with limits and units.
    pub meaning: &'static str,
}

/// Where a setting can be written, and what it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingScope {
    /// The whole function: a variable, or a key at the top of the file.
    Function,
    /// The whole function as with `Function`; a route can add values of its own.
    FunctionAndRoute,
    /// Every route: a variable, or a key at the top of the file, or in a route, which wins.
    AllRoutes,
    /// One route: a key in it or at the top of the file. The variable applies to the route `default` only.
    Route,
    /// The environment only, since the value is a secret.
    Secret,
    /// The environment only, since the platform sets the variable or other tools know it too.
    Environment,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A text whose form the meaning describes.
    Text,
    /// A text that no error shows, since a key or a password may have been put there by mistake.
    HiddenText,
    /// Texts: in the environment with commas between them, in the file also an array.
    List,
    /// A whole number with `B`, `KB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`.
    Size,
    /// A whole number with `s`, `m`, `h` or `d`.
    Time,
    /// A whole number without a unit.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of the words that the meaning lists.
    Choice,
    /// The value of this form field.
    Header(&'static str),
    /// A table of the file whose keys are chosen by the operator.
    Table,
}

/// The value that applies where none is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// There is none: the start fails without a value.
    Required,
    /// This value, as it would be written.
    Value(&'static str),
    /// Something that is not a value of this setting, in Markdown.
    Described(&'static str),
}

/// Where nothing applies.
const NONE: DefaultValue = Described("none");

/// Each row: scope, kind; variable, key; example; default; meaning.
macro_rules! settings {
    ($($name:ident: $scope:expr, $kind:expr; $variable:literal, $key:literal; $example:literal; $default:expr; $meaning:literal;)*) => {
        $(pub(super) static $name: Setting = Setting {
            variable: $variable,
            key: $key,
            scope: $scope,
            kind: $kind,
            example: $example,
            default: $default,
            meaning: $meaning,
        };)*

        /// Every setting, in the order of the documentation. The settings of headers are in the form's order.
        pub static SETTINGS: &[&Setting] = &[$(&$name),*];
    };
}

settings! {
    AUTH: AllRoutes, Text; "UPLOAD_AUTH", "auth"; "anonymous"; Required;
        "The [authentication rule](auth.md): `jwt`, `ticket`, `origin`, `any(…)`, `all(…)`, or `anonymous`, which admits every request.";
    BUCKET: AllRoutes, Text; "OSS_BUCKET", "bucket"; "my-bucket"; Required;
        "The bucket.";
    REGION: AllRoutes, Text; "OSS_REGION", "region"; "cn-hangzhou"; Described("`FC_REGION`");
        "The bucket's region, as `cn-hangzhou`.";
    UPLOAD_HOST: AllRoutes, Text; "OSS_UPLOAD_HOST", "upload_host"; "https://upload.example.com";
        Described("`https://<bucket>.oss-<region>.aliyuncs.com`");
        "The address that forms are posted to, such as your own domain bound to the bucket. A route with a bucket of its own does not take the one at the top.";
    DIR: Route, Text; "UPLOAD_DIR", "dir"; "photos/{uuid}/"; Value("uploads/{yyyy}/{mm}/{dd}/{uuid}/");
        "The directory of the objects; with `{uuid}` each grant has a directory of its own. See [all placeholders](#object-keys).";
    KEY: Route, Text; "UPLOAD_KEY", "key"; "users/{sub}/{uuid}.{ext}"; NONE;
        "The whole key in place of a directory, as `users/{sub}/{uuid}.{ext}`.";
    MIN_SIZE: Route, Size; "UPLOAD_MIN_SIZE", "min_size"; "1B"; Value("1B");
        "The smallest file; `0` allows empty files.";
    MAX_SIZE: Route, Size; "UPLOAD_MAX_SIZE", "max_size"; "10MiB"; Value("100MiB");
        "The largest file, up to `5GiB`, and with `multipart.enabled` up to 48.8 TB (`48800GB`).";
    TYPES: Route, List; "UPLOAD_TYPES", "types"; "image/png,image/jpeg"; Described("all");
        "The allowed content types, as `image/png` or `image/*`.";
    EXTENSIONS: Route, List; "UPLOAD_EXTENSIONS", "extensions"; "jpg,png"; Described("all");
        "The allowed file name extensions, as `jpg,png`; a request then has to name its file.";
    MAX_FILES: Route, Number; "UPLOAD_MAX_FILES", "max_files"; "10"; Value("100");
        "The most files in one call, from 1 to 100.";
    EXPIRES: Route, Time; "UPLOAD_EXPIRES", "expires"; "10m"; Value("10m");
        "How long a grant is valid, from `10s` to `7d`; never longer than the credentials that sign it.";
    OVERWRITE: Route, Boolean; "UPLOAD_OVERWRITE", "overwrite"; "false"; Value("false");
        "Whether an upload may replace an object of the same key.";
    SUCCESS_STATUS: Route, Choice; "UPLOAD_SUCCESS_STATUS", "success_status"; "200"; Value("200");
        "The status with which OSS answers a successful upload: `200`, `201` (with XML that describes the object) or `204`.";
    SIGNATURE: Route, Choice; "UPLOAD_SIGNATURE", "signature"; "v4"; Value("v4");
        "`v1` for pages that know no newer signature; OSS refuses it to accounts opened since 2025-03-01 and for buckets created since 2025-09-01.";
    SESSION: Route, Choice; "UPLOAD_SESSION", "session"; "shared"; Value("shared");
        "`caller` signs each caller's forms with a session of `role_arn` that can write below the caller's own directory only; the key has to begin with `{sub}` or a directory that contains it.";
    CACHE_CONTROL: Route, Header("Cache-Control"); "UPLOAD_CACHE_CONTROL", "headers.cache-control"; "private, max-age=3600"; NONE;
        "How long caches keep the object.";
    CONTENT_DISPOSITION: Route, Header("Content-Disposition"); "UPLOAD_CONTENT_DISPOSITION", "headers.content-disposition"; "attachment; filename=\"{name}\"";
        Described("`attachment` for types that can run scripts");
        "Whether a browser shows the object (`inline`) or saves it; a value here applies to every type. The file name at its end takes the [placeholders](#object-keys) of a key, as `attachment; filename=\"{name}\"`: an object whose key is a UUID is then saved under its own name, also one beyond ASCII (RFC 6266).";
    STORAGE_CLASS: Route, Header("x-oss-storage-class"); "UPLOAD_STORAGE_CLASS", "headers.x-oss-storage-class"; "IA"; Described("the bucket's");
        "`Standard`, `IA`, `Archive`, `ColdArchive` or `DeepColdArchive`.";
    OBJECT_ACL: Route, Header("x-oss-object-acl"); "UPLOAD_OBJECT_ACL", "headers.x-oss-object-acl"; "private"; Described("not sent");
        "`default`, `private`, `public-read` or `public-read-write`; whether the role then needs `oss:PutObjectAcl` too is not documented: try it.";
    ENCRYPTION: Route, Header("x-oss-server-side-encryption"); "UPLOAD_ENCRYPTION", "headers.x-oss-server-side-encryption"; "AES256"; Described("the bucket's");
        "`AES256`, `KMS` or `SM4`.";
    DATA_ENCRYPTION: Route, Header("x-oss-server-side-data-encryption"); "UPLOAD_DATA_ENCRYPTION", "headers.x-oss-server-side-data-encryption"; "SM4"; NONE;
        "`SM4`, with `KMS` only.";
    ENCRYPTION_KEY_ID: Route, Header("x-oss-server-side-encryption-key-id"); "UPLOAD_ENCRYPTION_KEY_ID", "headers.x-oss-server-side-encryption-key-id"; "9468da86"; NONE;
        "The id of the KMS key, with `KMS` only.";
    TAGGING: Route, Header("x-oss-tagging"); "UPLOAD_TAGGING", "headers.x-oss-tagging"; "from=browser"; NONE;
        "Tags as `a=1&b=2`. Uncertain: the documentation has said that form uploads take none; the local OSS refuses them.";
    CALLBACK: Route, List; "UPLOAD_CALLBACK", "callback.to"; "self"; NONE;
        "The [upload callback](callbacks.md), which OSS calls when a file is stored: `self` for this function, or one to five addresses that are tried in order; `none` for a route under a `[callback]` for all routes.";
    CALLBACK_BODY: Route, Text; "UPLOAD_CALLBACK_BODY", "callback.body"; "form"; Described("`form`");
        "The body of the callback: every value, as `form` or `json`, or for another address than `self` a text of your own with OSS's `${…}`.";
    CALLBACK_BODY_TYPE: Route, Choice; "UPLOAD_CALLBACK_BODY_TYPE", "callback.body_type"; "json"; Described("`form`");
        "The type of a text of your own: `form` or `json`.";
    CALLBACK_HOST: Route, Text; "UPLOAD_CALLBACK_HOST", "callback.host"; "back.example.com"; Described("the host of the address");
        "The `Host` header of the callback.";
    CALLBACK_SNI: Route, Boolean; "UPLOAD_CALLBACK_SNI", "callback.sni"; "true"; Described("`true` for HTTPS");
        "Whether OSS names the host in the TLS handshake.";
    NOTIFY: Route, Text; "UPLOAD_NOTIFY", "callback.notify"; "https://back.example.com/uploaded"; NONE;
        "With `self`: the back end to which the function sends a webhook, by HTTPS, or by plain HTTP on this machine.";
    VARIABLES: Route, Table; "", "callback.variables"; "{claim:album}"; NONE;
        "A text that the callback carries as `x:<name>`, with the [placeholders](#object-keys) that do not depend on the file.";
    DOWNLOAD: Route, Boolean; "UPLOAD_DOWNLOAD", "download.enabled"; "true"; Described("`false`");
        "Whether callers get [download links](api.md#downloads) to the objects that this route may have stored for them. The role then needs `oss:GetObject` too.";
    DOWNLOAD_EXPIRES: Route, Time; "UPLOAD_DOWNLOAD_EXPIRES", "download.expires"; "10m"; Described("`10m`");
        "How long a link is valid, from `10s` to `7d`; never longer than the credentials that sign it.";
    DOWNLOAD_ATTACHMENT: Route, Boolean; "UPLOAD_DOWNLOAD_ATTACHMENT", "download.attachment"; "true"; Described("`true`");
        "Whether a browser saves the object under the last part of its key; `false` leaves that to the headers of the object.";
    DOWNLOAD_PROCESS: Route, List; "UPLOAD_DOWNLOAD_PROCESS", "download.process"; "style/thumbnail"; NONE;
        "The operations on an object that a link may have, as `style/thumbnail` or, in the file, `image/resize,w_200`.";
    SESSION_KEYS: Route, Boolean; "UPLOAD_STS", "sts.enabled"; "true"; Described("`false`");
        "Whether callers get [session keys](api.md#session-keys) for an SDK. Such a key cannot limit the size, the type or the number of uploads, so prefer `multipart.enabled`. Needs `role_arn`, and a key with `{uuid}` or a directory for each caller.";
    SESSION_KEYS_EXPIRES: Route, Time; "UPLOAD_STS_EXPIRES", "sts.expires"; "15m"; Described("`15m`");
        "How long a session key is valid, from `15m` to what the role allows (`12h` at most).";
    METADATA: Route, Table; "", "metadata"; "[a-z0-9-]{1,40}"; Described("none is allowed");
        "Metadata that a request may give: a pattern (a regular expression that the whole value matches), or `{ pattern = \"…\", required = true }`. A value is printable ASCII: percent-encode any other, as `encodeURIComponent` does, and decode it where it is read.";

    MULTIPART: Route, Boolean; "UPLOAD_MULTIPART", "multipart.enabled"; "true"; Described("`false`");
        "Whether large files can be uploaded in parts, which can be resumed ([how](api.md#large-files)). The role then needs `oss:ListParts` and `oss:AbortMultipartUpload` too, and `UPLOAD_TOKEN_KEYS` is required.";
    MULTIPART_THRESHOLD: Route, Size; "UPLOAD_MULTIPART_THRESHOLD", "multipart.threshold"; "100MiB"; Described("`100MiB`");
        "The size from which a file is uploaded in parts, up to `5GiB`.";
    MULTIPART_PART_SIZE: Route, Size; "UPLOAD_MULTIPART_PART_SIZE", "multipart.part_size"; "8MiB"; Described("whole MiB with which 10,000 parts reach `max_size`, at least `8MiB`");
        "The size of a part, from `100KiB` to `5GiB`. A file has at most 10,000 parts.";
    MULTIPART_RESUME: Route, Time; "UPLOAD_MULTIPART_RESUME", "multipart.resume"; "1d"; Described("`1d`");
        "How long an upload can be resumed, counted from its start, from `1m` to `7d`. Keep it below the days of the bucket's lifecycle rule for parts.";
    MULTIPART_MAX_PARALLEL: Route, Number; "UPLOAD_MULTIPART_MAX_PARALLEL", "multipart.max_parallel"; "4"; Described("`4`");
        "How many parts a client uploads at once, from 1 to 32.";
    MULTIPART_UNSIZED: Route, Boolean; "UPLOAD_MULTIPART_UNSIZED", "multipart.unsized"; "false"; Described("`false`");
        "Whether a client of Uppy may begin an upload without the size of its file. Then no part has a fixed length, and the size is checked only at the end.";

    ORIGINS: Function, List; "UPLOAD_ORIGINS", "origins"; "https://app.example.com"; Described("the function's own pages");
        "Origins of the pages that may call the function, as `https://app.example.com` or `https://*.example.com`; `*` allows every page.";
    CORS_HEADERS: Function, List; "UPLOAD_CORS_HEADERS", "cors_headers"; "traceparent,sentry-trace"; NONE;
        "Request headers that pages of these origins may send besides those of the known clients: what a tracing library or a framework adds to each `fetch`, as `traceparent`, or the header of a tenant. Up to 32 names.";
    JWKS_URL: Function, HiddenText; "UPLOAD_JWKS_URL", "jwks_url"; "https://login.example.com/.well-known/jwks.json"; NONE;
        "The address at which the issuer of tokens publishes its keys.";
    JWT_PUBLIC_KEY: Function, HiddenText; "UPLOAD_JWT_PUBLIC_KEY", "jwt_public_key"; "-----BEGIN PUBLIC KEY-----\\n…"; NONE;
        "Public keys in PEM (`\\n` may be written out), or a JSON key set.";
    JWT_ISSUER: Function, List; "UPLOAD_JWT_ISSUER", "jwt_issuer"; "https://login.example.com/"; Described("every issuer");
        "The allowed `iss` of a token.";
    JWT_AUDIENCE: Function, List; "UPLOAD_JWT_AUDIENCE", "jwt_audience"; "uploads"; Described("every audience");
        "The allowed `aud` of a token.";
    JWT_CLAIMS: FunctionAndRoute, List; "UPLOAD_JWT_CLAIMS", "jwt_claims"; "email_verified=true"; NONE;
        "Claims that a token has to have, as `tenant, email_verified=true`; of a claim that is a list, one value has to match. A route can name more of its own (`[routes.<name>] jwt_claims`): its tokens need these and those at the top, and no route can make the list at the top shorter.";
    JWT_LEEWAY: Function, Time; "UPLOAD_JWT_LEEWAY", "jwt_leeway"; "1m"; Value("1m");
        "How far the issuer's clock may differ, up to `5m`.";
    TICKET_LIFETIME: Function, Time; "UPLOAD_TICKET_LIFETIME", "ticket_lifetime"; "1h"; Value("1h");
        "The longest lifetime that a ticket may have, up to `24h`.";
    BUDGET_GRANTS: Function, Number; "UPLOAD_BUDGET_GRANTS", "budget_grants"; "100"; Described("no limit");
        "The most grants for one caller in one window. Each instance counts by itself, unless there is a [shared store](deploy.md#shared-limits).";
    BUDGET_BYTES: Function, Size; "UPLOAD_BUDGET_BYTES", "budget_bytes"; "1GiB"; Described("no limit");
        "The most bytes that these grants allow together.";
    BUDGET_WINDOW: Function, Time; "UPLOAD_BUDGET_WINDOW", "budget_window"; "1m"; Value("1m");
        "How long a window lasts from a caller's first grant, up to `24h`.";
    BUDGETS: Function, List; "UPLOAD_BUDGETS", "budgets"; "caller 100/1h,bucket 1000GiB/1d"; NONE;
        "Further budgets, up to 16: what is counted together (`caller`, `address`, `route`, `bucket` or `total`), a number of grants or a size, and a window of up to `24h`, as `route 1000/1h` or `total 500GB/1d`. A grant has to fit all of them.";
    ADDRESS_HEADER: Function, Text; "UPLOAD_ADDRESS_HEADER", "address_header"; "x-real-ip"; NONE;
        "The request header in which a gateway of your own names the address of the caller, for budgets of an `address`; of a list the last address counts. Function Compute promises no such header, and who reaches the function without the gateway can send any.";
    STORE_FAILURE: Function, Choice; "UPLOAD_STORE_FAILURE", "store_failure"; "local"; Value("local");
        "What happens if the shared store fails: with `local`, each instance counts by itself; with `refuse`, calls that are counted get the error `limits_unavailable`.";
    STORE_CA: Function, HiddenText; "UPLOAD_STORE_CA", "store_ca"; "-----BEGIN CERTIFICATE-----\\n…"; Described("the public authorities");
        "The certificates in PEM (`\\n` may be written out) of the authority that signs the certificate of the shared store, for `rediss://`.";
    CREDENTIALS: Function, Choice; "UPLOAD_CREDENTIALS", "credentials"; "auto"; Value("auto");
        "The credential source: `auto`, or one of `request`, `environment`, `oidc`, `profile`, `file`, `metadata`, `uri` alone ([the order](credentials.md)).";
    ROLE_KEY_LIFETIME: Function, Time; "UPLOAD_ROLE_KEY_LIFETIME", "role_key_lifetime"; "36h"; Value("36h");
        "How long a temporary key in the environment is used, counted from the start.";
    ROLE_ARN: Function, Text; "OSS_STS_ROLE_ARN", "role_arn"; "acs:ram::1234567890123456:role/oss-uploader"; NONE;
        "A role to assume with that key, as `acs:ram::<account>:role/<name>`; forms are then signed as this role.";
    ROLE_SESSION_NAME: Function, Text; "ALIBABA_CLOUD_ROLE_SESSION_NAME", "role_session_name"; "oss-upload-signer"; Value("oss-upload-signer");
        "The session name that audit logs show.";
    ROLE_DURATION: Function, Time; "UPLOAD_ROLE_DURATION", "role_duration"; "1h"; Value("1h");
        "How long a session of the role lasts, from `15m` to what the role allows (`1h` unless raised, `12h` at most).";
    ROLE_EXTERNAL_ID: Function, Text; "UPLOAD_ROLE_EXTERNAL_ID", "role_external_id"; "partner-42"; NONE;
        "The external id that the role's trust policy requires.";
    ROLE_SCOPE: Function, Choice; "UPLOAD_ROLE_SCOPE", "role_scope"; "routes"; Value("routes");
        "What a session of the role may do: with `routes`, `oss:PutObject` below the routes' directories; with `role`, all that the role may.";
    STS_ENDPOINT: Function, Text; "ALIBABA_CLOUD_STS_ENDPOINT", "sts_endpoint"; "sts-vpc.cn-hangzhou.aliyuncs.com"; Described("by region");
        "The host of STS.";
    STS_REGION: Function, Text; "ALIBABA_CLOUD_STS_REGION", "sts_region"; "cn-hangzhou"; Described("`FC_REGION`, else the central one");
        "The region whose STS is called.";
    STS_VPC: Function, Boolean; "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "sts_vpc"; "false"; Described("`false`");
        "Whether STS is called inside the VPC; needs the region.";
    PUBLIC_URL: Function, Text; "PUBLIC_URL", "public_url"; "https://signer.example.com"; Described("on Function Compute the `fcapp.run` name of each call");
        "Scheme and host at which OSS reaches this function, as `https://signer.example.com`. Set it where `callback.to` is `self`: without it the start warns, only calls under the platform's own name are signed, and outside Function Compute the start fails.";

    PAGE_TITLE: Function, Text; "UPLOAD_PAGE_TITLE", "page_title"; "Example uploads"; Described("`Upload files`, in the reader's language");
        "The heading and the title of the upload page, up to 80 characters.";
    PAGE_LOGO: Function, Text; "UPLOAD_PAGE_LOGO", "page_logo"; "https://www.example.com/logo.svg"; NONE;
        "The HTTPS address of an image above this heading.";
    PAGE_ACCENT: Function, Text; "UPLOAD_PAGE_ACCENT", "page_accent"; "#0b6b60"; Described("`#0b6b60`");
        "The colour of buttons and links on the upload page, as `#rrggbb`. The page makes it darker or lighter where a text would be hard to read.";

    JWT_SECRET: Secret, HiddenText; "UPLOAD_JWT_SECRET", ""; "$(openssl rand -base64 32)"; NONE;
        "The secret with which an issuer signs HS256, 32 bytes or more.";
    TICKET_KEYS: Secret, HiddenText; "UPLOAD_TICKET_KEYS", ""; "$(openssl rand -base64 32)"; NONE;
        "The keys of tickets: one, or several with commas, 32 bytes or more each; the first signs, all verify.";
    RECEIPT_KEYS: Secret, HiddenText; "UPLOAD_RECEIPT_KEYS", ""; "$(openssl rand -base64 32)"; NONE;
        "The keys of receipts, in the form of those of tickets; required where a route has a callback.";
    TOKEN_KEYS: Secret, HiddenText; "UPLOAD_TOKEN_KEYS", ""; "$(openssl rand -base64 32)"; NONE;
        "The keys of upload tokens, in the form of those of tickets; required where a route has `multipart.enabled`.";
    WEBHOOK_SECRET: Secret, HiddenText; "UPLOAD_WEBHOOK_SECRET", ""; "whsec_$(openssl rand -base64 32)"; NONE;
        "The secret of webhooks: `whsec_` and 24 to 64 bytes in base64; required where a route has `callback.notify`.";

    STORE_URL: Secret, HiddenText; "UPLOAD_STORE_URL", ""; "rediss://:password@store.example.com:6379/0"; NONE;
        "The [store](deploy.md#shared-limits) that all instances share: `redis://`, or `rediss://` for TLS, with user and password (percent-encoded), host, port and the number of a database.";

    CONFIG: Environment, Text; "UPLOAD_CONFIG", ""; "/code/upload.toml"; Described("`upload.toml` beside the binary");
        "The settings file.";
    CONFORMANCE: Environment, Choice; "UPLOAD_CONFORMANCE", ""; "1"; Described("not set");
        "`1` answers at [`/conformance/echo`](emulator.md#measure-the-gateway) what of a request arrives, so that `oss-upload conformance --signer` can measure the gateway. Everybody can call it: remove the variable after the measurement.";
    LISTEN_PORT: Environment, Number; "FC_CUSTOM_LISTEN_PORT", ""; "9000"; Described("`FC_SERVER_PORT`, else `9000`");
        "The port on which the function listens.";
    LOG: Environment, Text; "RUST_LOG", ""; "info"; Described("`info`");
        "The log level, such as `info`, or `target=level`.";
    PROXY: Environment, HiddenText; "HTTPS_PROXY", ""; "http://proxy.example.com:3128"; NONE;
        "The proxy for calls to STS, key sets and back ends.";
    NO_PROXY: Environment, Text; "NO_PROXY", ""; "login.example.com"; NONE;
        "The hosts that are called without the proxy, with commas.";
    FUNCTION_NAME: Environment, Text; "FC_FUNCTION_NAME", ""; "oss-upload-signer"; Described("set by Function Compute");
        "Tells that Function Compute is in front, so that its headers can be trusted.";
    FUNCTION_REGION: Environment, Text; "FC_REGION", ""; "cn-hangzhou"; Described("set by Function Compute");
        "The region in which the function runs.";
    ACCESS_KEY_ID: Environment, HiddenText; "ALIBABA_CLOUD_ACCESS_KEY_ID", ""; "LTAI5tExample"; NONE;
        "The id of an access key.";
    ACCESS_KEY_SECRET: Environment, HiddenText; "ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""; "…"; NONE;
        "The secret of this key.";
    SECURITY_TOKEN: Environment, HiddenText; "ALIBABA_CLOUD_SECURITY_TOKEN", ""; "…"; NONE;
        "The token of this key, where it is a temporary one.";
    OSS_ACCESS_KEY_ID: Environment, HiddenText; "OSS_ACCESS_KEY_ID", ""; "LTAI5tExample"; NONE;
        "The id of an access key, where the names above are not set.";
    OSS_ACCESS_KEY_SECRET: Environment, HiddenText; "OSS_ACCESS_KEY_SECRET", ""; "…"; NONE;
        "The secret of this key.";
    OSS_SESSION_TOKEN: Environment, HiddenText; "OSS_SESSION_TOKEN", ""; "…"; NONE;
        "The token of this key, where it is a temporary one.";
    CREDENTIALS_URI: Environment, HiddenText; "ALIBABA_CLOUD_CREDENTIALS_URI", ""; "http://127.0.0.1:8000/credentials"; NONE;
        "The address of a credentials service.";
    POD_ROLE_ARN: Environment, Text; "ALIBABA_CLOUD_ROLE_ARN", ""; "acs:ram::1234567890123456:role/oss-uploader"; Described("set by the cluster");
        "The role of a pod, assumed with its OIDC token.";
    OIDC_PROVIDER_ARN: Environment, Text; "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", ""; "acs:ram::1234567890123456:oidc-provider/ack"; Described("set by the cluster");
        "The identity provider that signs the pod's OIDC token.";
    OIDC_TOKEN_FILE: Environment, Text; "ALIBABA_CLOUD_OIDC_TOKEN_FILE", ""; "/var/run/secrets/ack.alibabacloud.com/rrsa-tokens/token"; Described("set by the cluster");
        "The file with the pod's OIDC token.";
    PROFILE: Environment, Text; "ALIBABA_CLOUD_PROFILE", ""; "default"; Described("the file's own default");
        "The developer's tool only: the profile of the files below.";
    CLI_CONFIG_FILE: Environment, Text; "ALIBABA_CLOUD_CONFIG_FILE", ""; "/root/.aliyun/config.json"; Described("`~/.aliyun/config.json`");
        "The developer's tool only: the configuration of Alibaba's command line tool.";
    CLI_PROFILE_DISABLED: Environment, Boolean; "ALIBABA_CLOUD_CLI_PROFILE_DISABLED", ""; "true"; Described("`false`");
        "The developer's tool only: `true` leaves that file out.";
    CREDENTIALS_FILE: Environment, Text; "ALIBABA_CLOUD_CREDENTIALS_FILE", ""; "/root/.alibabacloud/credentials"; Described("`~/.alibabacloud/credentials`");
        "The developer's tool only: the credentials file of Alibaba's libraries.";
    METADATA_ROLE: Environment, Text; "ALIBABA_CLOUD_ECS_METADATA", ""; "oss-uploader"; Described("the instance's role");
        "The role of an ECS instance whose credentials its metadata service gives.";
    METADATA_DISABLED: Environment, Boolean; "ALIBABA_CLOUD_ECS_METADATA_DISABLED", ""; "true"; Described("`false`");
        "`true` leaves the metadata service out.";
    METADATA_TOKEN_ONLY: Environment, Boolean; "ALIBABA_CLOUD_IMDSV1_DISABLED", ""; "true"; Described("`false`");
        "`true` calls the metadata service with a token only.";
}

/// Gives a pseudo setting for a value inside of a table whose keys are the operator's own names: it is in no
/// list, and serves for the example of an error.
pub(super) const fn inner(key: &'static str, example: &'static str) -> Setting {
    Setting { variable: "", key, scope: Route, kind: Text, example, default: NONE, meaning: "" }
}

impl Setting {
    /// Returns whether an error or a listing may show the value.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.kind != HiddenText
    }

    /// Returns whether a route of the file can have the setting.
    #[must_use]
    pub fn is_of_route(&self) -> bool {
        matches!(self.scope, Route | AllRoutes | FunctionAndRoute)
    }

    /// Returns whether the setting can be at the top of the file.
    #[must_use]
    pub fn is_at_top(&self) -> bool {
        !self.key.is_empty()
    }

    /// Writes an example for the environment.
    #[must_use]
    pub fn variable_example(&self) -> String {
        format!("{}={}", self.variable, self.example)
    }

    /// Writes an example for the file.
    #[must_use]
    pub fn key_example(&self) -> String {
        let quote = if self.example.contains('"') { '\'' } else { '"' };
        format!("{} = {quote}{}{quote}", self.key, self.example)
    }
}

/// Gives the form fields that settings fix, each with its setting, in the form's order.
pub(super) fn headers() -> impl Iterator<Item = (&'static str, &'static Setting)> {
    SETTINGS.iter().filter_map(|setting| match setting.kind {
        Header(name) => Some((name, *setting)),
        _ => None,
    })
}

/// Finds the name that was probably meant by `wrong`: the one that differs in the fewest characters, where
/// these are at most a third of them.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = names.map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= wrong.chars().count()).then_some(name)
}

/// Writes the table of the settings of these scopes for `docs/settings.md`.
#[must_use]
pub fn markdown(scopes: &[SettingScope]) -> String {
    let settings = SETTINGS.iter().filter(|setting| scopes.contains(&setting.scope));
    if scopes.contains(&Secret) || scopes.contains(&Environment) {
        let mut table = "| variable | meaning | default |\n|---|---|---|\n".to_owned();
        for setting in settings {
            let default = setting.default.markdown();
            let _ = writeln!(table, "| `{}` | {} | {default} |", setting.variable, setting.meaning);
        }
        return table;
    }
    let mut table =
        "| variable | key | value | default | meaning |\n|---|---|---|---|---|\n".to_owned();
    for Setting { variable, key, kind, default, meaning, .. } in settings {
        let variable = if variable.is_empty() { String::new() } else { format!("`{variable}`") };
        let name = if *kind == Table { ".<name>" } else { "" };
        let (kind, default) = (kind.markdown(), default.markdown());
        let _ = writeln!(table, "| {variable} | `{key}{name}` | {kind} | {default} | {meaning} |");
    }
    table
}

impl ValueKind {
    fn markdown(self) -> &'static str {
        match self {
            Text | HiddenText | Header(_) => "text",
            List => "list",
            Size => "size",
            Time => "time",
            Number => "number",
            Boolean => "boolean",
            Choice => "word",
            Table => "text or table",
        }
    }
}

impl DefaultValue {
    fn markdown(self) -> String {
        match self {
            Required => "required".to_owned(),
            Value(value) => format!("`{value}`"),
            Described(text) => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::environment::Environment as Variables;
    use crate::config::{Settings, value};
    use crate::time::Timestamp;

    /// Settings with which every other setting has a meaning.
    const BASE: [(&str, &str); 14] = [
        ("OSS_BUCKET", "my-bucket"),
        ("OSS_REGION", "cn-hangzhou"),
        ("UPLOAD_AUTH", "anonymous"),
        ("OSS_STS_ROLE_ARN", "acs:ram::1234567890123456:role/oss-uploader"),
        ("OSS_ACCESS_KEY_ID", "id"),
        ("OSS_ACCESS_KEY_SECRET", "secret"),
        ("OSS_SESSION_TOKEN", "token"),
        ("PUBLIC_URL", "https://signer.example.com"),
        ("UPLOAD_BUDGET_GRANTS", "1"),
        ("UPLOAD_CALLBACK", "self"),
        ("UPLOAD_RECEIPT_KEYS", "an example key of more than 32 bytes"),
        ("UPLOAD_TICKET_KEYS", "an example key of more than 32 bytes"),
        ("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes"),
        ("UPLOAD_WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ];

    fn load(variables: &[(&str, &str)]) -> Result<String, String> {
        let mut environment = Variables::default();
        for (name, value) in BASE.iter().chain(variables) {
            environment.set(name, *value);
        }
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let settings = Settings::load(&environment, None, now);
        settings.map(|settings| format!("{settings:?}")).map_err(|errors| errors.to_string())
    }

    #[test]
    fn names_are_unique_and_every_setting_has_one() {
        let mut names = BTreeSet::new();
        for setting in SETTINGS {
            assert!(!setting.variable.is_empty() || !setting.key.is_empty(), "{setting:?}");
            for name in [setting.variable, setting.key].into_iter().filter(|name| !name.is_empty())
            {
                assert!(names.insert(name), "{name} is there twice");
            }
            let is_sentence = setting.meaning.ends_with('.') && !setting.meaning.contains('|');
            assert!(is_sentence && !setting.example.is_empty(), "{setting:?}");
        }
    }

    #[test]
    fn every_default_is_the_value_that_applies_without_the_setting() {
        let without = load(&[]).unwrap();
        let mut count = 0;
        for setting in SETTINGS {
            if let Value(value) = setting.default {
                assert_eq!(
                    load(&[(setting.variable, value)]).as_ref(),
                    Ok(&without),
                    "{setting:?}"
                );
                count += 1;
            }
        }
        assert!(count >= 16, "{count}");
    }

    #[test]
    fn every_example_is_valid() {
        for setting in SETTINGS.iter().filter(|setting| !setting.key.is_empty()) {
            let is_of_kind = match setting.kind {
                Size => value::size(setting.example).is_ok(),
                Time => value::duration(setting.example).is_ok(),
                Number => setting.example.parse::<u64>().is_ok(),
                Boolean => value::boolean(setting.example).is_ok(),
                _ => true,
            };
            assert!(is_of_kind, "{setting:?}");
            let more: &[_] = match setting.variable {
                // An example in PEM has no key and no certificate, and tables are in the file only.
                "UPLOAD_JWT_PUBLIC_KEY" | "UPLOAD_STORE_CA" | "" => continue,
                "UPLOAD_DATA_ENCRYPTION" | "UPLOAD_ENCRYPTION_KEY_ID" => {
                    &[("UPLOAD_ENCRYPTION", "KMS")]
                }
                "UPLOAD_CALLBACK_BODY_TYPE" => &[
                    ("UPLOAD_CALLBACK", "https://back.example.com/"),
                    ("UPLOAD_CALLBACK_BODY", "{\"a\":${object}}"),
                ],
                name if name.starts_with("UPLOAD_MULTIPART_") => &[("UPLOAD_MULTIPART", "true")],
                "UPLOAD_DOWNLOAD_EXPIRES"
                | "UPLOAD_DOWNLOAD_ATTACHMENT"
                | "UPLOAD_DOWNLOAD_PROCESS" => &[("UPLOAD_DOWNLOAD", "true")],
                "UPLOAD_STS_EXPIRES" => &[("UPLOAD_STS", "true")],
                _ => &[],
            };
            let variables = [more, &[(setting.variable, setting.example)]].concat();
            load(&variables).unwrap_or_else(|errors| panic!("{errors}"));
        }
    }

    #[test]
    fn headers_are_in_the_order_of_the_form() {
        let names: Vec<_> = headers().map(|(name, _)| name).collect();
        assert_eq!((names.len(), names[0], names[7]), (8, "Cache-Control", "x-oss-tagging"));
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let nearest = |wrong| nearest(wrong, ["max_size", "min_size", "types"].into_iter());
        assert_eq!(nearest("maxsize"), Some("max_size"));
        assert_eq!(nearest("type"), Some("types"));
        assert_eq!(nearest("colour"), None);
        assert_eq!(nearest(""), None);
    }

    /// Replaces each generated block of a file; writes the file where `UPDATE_DOCS` is set.
    fn check_generated(file: &str, blocks: &[(&str, &str, String)]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&path).unwrap();
        let mut expected = text.clone();
        for (start, end, block) in blocks {
            let from = expected.find(start).unwrap_or_else(|| panic!("{file} has no {start}"));
            let from = from + start.len();
            let to = from + expected[from..].find(end).unwrap_or_else(|| panic!("no {end}"));
            expected.replace_range(from..to, block);
        }
        if expected != text && Variables::of_process().get("UPDATE_DOCS").is_some() {
            fs::write(&path, expected).unwrap();
            return;
        }
        assert!(
            expected == text,
            "{file} is not up to date: run UPDATE_DOCS=1 cargo test -p oss-upload-signer --lib config::table"
        );
    }

    #[test]
    fn the_tables_of_the_documentation_are_generated() {
        let block = |start, scopes: &[SettingScope]| {
            (start, "\n<!-- end -->", format!("\n{}", markdown(scopes)))
        };
        check_generated(
            "docs/settings.md",
            &[
                block("<!-- settings of the function -->\n", &[Function, FunctionAndRoute]),
                block("<!-- settings of a route -->\n", &[AllRoutes, Route]),
                block("<!-- secrets -->\n", &[Secret]),
                block("<!-- environment -->\n", &[Environment]),
            ],
        );
    }

    #[test]
    fn the_deployment_names_every_setting() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("s.yaml");
        let text = fs::read_to_string(path).unwrap();
        let settings = SETTINGS.iter().filter(|setting| {
            setting.scope != Environment
                && !setting.variable.is_empty()
                && !text.contains(&format!("\n        {}: ${{vars.", setting.variable))
        });
        let mut lines = String::new();
        for setting in settings {
            let _ = writeln!(lines, "        #| {}: '{}'", setting.variable, setting.example);
        }
        let start = "remove the mark \"#| \".\n";
        check_generated("s.yaml", &[(start, "      triggers:", lines)]);
    }
}
