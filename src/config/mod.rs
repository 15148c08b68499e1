//! Settings: from the environment and `upload.toml` to typed values, or to every error at once.
//!
//! The environment wins over the file, and the small case needs no file. A setting that cannot be understood
//! is never guessed: the process refuses to start and names for each problem the place, what is wrong, and a
//! correct example.
//!
//! | file | owns |
//! |---|---|
//! | `table` | every setting: names, scope, example, default, meaning |
//! | `environment` | the variables of the process, and the settings file |
//! | `raw`, `toml_file` | settings as they were written, with their lines |
//! | `reader` | finds the raw setting that applies, and collects errors |
//! | `value` | sizes, times and booleans |
//! | `secrets` | keys from the environment |
//! | `route`, `multipart`, `auth`, `limits`, `callback`, `address`, `credentials`, `download`, `page` | one concern each |
//! | `listing` | the settings as they were written |
//! | `warnings` | settings that are valid and have a price |

pub mod auth;
pub mod callback;
pub mod environment;
pub mod listing;
pub mod page;
pub mod table;
pub mod value;

mod address;
mod credentials;
mod download;
mod limits;
mod multipart;
mod raw;
mod reader;
mod route;
mod secrets;
mod toml_file;
mod warnings;

pub use raw::{ConfigError, ConfigErrors};
pub use reader::DEFAULT_ROUTE;

use http::HeaderName;

use crate::auth::authenticator;
use crate::auth::origin::Origins;
use crate::auth::rate_limit::Budget;
use crate::callback::Options as UploadCallback;
use crate::config::environment::Environment;
use crate::config::limits::LimitOptions;
use crate::config::page::PageOptions;
use crate::config::reader::ConfigReader;
use crate::config::toml_file::TomlFile;
use crate::credentials::options::SourceOptions;
use crate::net::Proxy;
use crate::policy::route::Route;
use crate::secret::Secret;
use crate::store;
use crate::time::Timestamp;

/// The settings of the function, checked.
#[derive(Debug)]
pub struct Settings {
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Whether Function Compute is in front, so that its headers can be trusted.
    pub platform: bool,
    /// The region in which the function runs, where the platform names it.
    pub region: Option<String>,
    /// The named routes; there is at least one.
    pub routes: Vec<Route>,
    /// The variables that add the route `default` to the named routes of the file.
    pub variables_that_add_a_route: Vec<&'static str>,
    /// The rules of the routes, and the keys of tokens and tickets.
    pub auth: authenticator::Options,
    /// The budgets; none limits nothing.
    pub budgets: Vec<Budget>,
    /// The header in which a trusted gateway names the address of the caller.
    pub address_header: Option<HeaderName>,
    /// The store that all instances share.
    pub store: Option<store::Options>,
    /// The origins of pages that may call the function.
    pub origins: Origins,
    /// The request headers that pages may send besides those of the known clients.
    pub cors_headers: Vec<HeaderName>,
    /// The proxy for calls to STS, key sets and back ends.
    pub proxy: Option<Proxy>,
    /// The credential sources, and the role to assume.
    pub sources: SourceOptions,
    /// The keys of receipts and webhooks, and the function's own address.
    pub callback: UploadCallback,
    /// The keys of upload tokens. The first one signs, all of them verify, so that keys can be rotated.
    pub upload_token_keys: Vec<Secret>,
    /// The name and the looks of the upload page.
    pub page: PageOptions,
    /// Whether callers may see what of their requests arrives, to measure the gateway.
    pub measures_gateway: bool,
}

impl Settings {
    /// Reads the settings that apply at `now`, the start of the process.
    ///
    /// # Errors
    /// Every problem, each with its place and a correct example.
    pub fn load(
        environment: &Environment,
        file: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, ConfigErrors> {
        let file = TomlFile::parse(file.unwrap_or_default());
        Self::read(ConfigReader::new(environment, file), now)
    }

    /// Reads the settings of a function with a local OSS, which may call this machine. `defaults` are
    /// pairs of a key at the top of the file and its value, which apply where neither the environment
    /// nor the file has the key.
    ///
    /// # Errors
    /// Those of [`Settings::load`].
    pub fn load_over(
        defaults: &[(&str, &str)],
        environment: &Environment,
        file: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, ConfigErrors> {
        let mut file = TomlFile::parse(file.unwrap_or_default());
        file.add_defaults(defaults);
        let mut config = ConfigReader::new(environment, file);
        config.is_local = true;
        Self::read(config, now)
    }

    fn read(mut config: ConfigReader<'_>, now: Timestamp) -> Result<Self, ConfigErrors> {
        let environment = config.environment;
        config.check_unknown_variables();
        let origins = auth::read_origins(&mut config);
        let cors_headers = auth::read_cors_headers(&mut config);
        let auth = auth::read_authenticator(&mut config, &origins);
        let LimitOptions { budgets, address_header, store } = limits::read(&mut config);
        let routes = route::read_all(&mut config);
        let callback = callback::read(&mut config, &routes);
        let upload_token_keys = multipart::read_token_keys(&mut config, &routes);
        let page = page::read(&mut config);
        let measures_gateway = config.variable(&table::CONFORMANCE);
        let measures_gateway = measures_gateway
            .is_some_and(|raw| config.read(&table::CONFORMANCE, &raw, value::one).is_some());
        let sources = credentials::read(&mut config, &routes, now);
        let variables_that_add_a_route = config.variables_that_add_a_route();
        let port = fc_http::port(|name| environment.get(name).map(str::to_owned));
        let port = port.map_err(|error| {
            let example = table::LISTEN_PORT.variable_example();
            config.add_error("port".to_owned(), error.to_string(), example);
        });
        match (port, sources, config.finish()) {
            (Ok(port), Some(sources), Ok(())) => Ok(Self {
                port,
                platform: environment.get(table::FUNCTION_NAME.variable).is_some(),
                region: environment.get(table::FUNCTION_REGION.variable).map(str::to_owned),
                routes,
                variables_that_add_a_route,
                auth,
                budgets,
                address_header,
                store,
                origins,
                cors_headers,
                proxy: proxy(environment),
                sources,
                callback,
                upload_token_keys,
                page,
                measures_gateway,
            }),
            (_, _, outcome) => Err(outcome.err().unwrap_or_default()),
        }
    }
}

/// Reads the proxy by the names that most programs know; the function's own calls are HTTPS only.
fn proxy(environment: &Environment) -> Option<Proxy> {
    let get = |names: [&str; 2]| names.into_iter().find_map(|name| environment.get(name));
    Some(Proxy {
        url: get([table::PROXY.variable, "https_proxy"])?.to_owned(),
        except: get([table::NO_PROXY.variable, "no_proxy"]).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::route::SignatureVersion;

    fn load(variables: &[(&str, &str)], file: &str) -> Result<Settings, String> {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        Settings::load(&pairs.collect(), Some(file), now).map_err(|errors| errors.to_string())
    }

    const SMALL: [(&str, &str); 3] =
        [("OSS_BUCKET", "my-bucket"), ("OSS_REGION", "cn-hangzhou"), ("UPLOAD_AUTH", "anonymous")];

    #[test]
    fn the_small_case_needs_the_environment_only() {
        let settings = load(&SMALL, "").unwrap();
        let [route] = &settings.routes[..] else { panic!("one route") };
        assert_eq!(route.name, "default");
        assert_eq!(route.host.as_str(), "https://my-bucket.oss-cn-hangzhou.aliyuncs.com");
        assert_eq!(route.template.to_string(), "uploads/{yyyy}/{mm}/{dd}/{uuid}/");
        assert_eq!((route.size.min, route.size.max), (1, 100 << 20));
        assert_eq!(route.lifetime, Duration::from_mins(10));
        assert_eq!((settings.port, settings.platform), (9000, false));
        assert_eq!(settings.origins, Origins::Same);
    }

    #[test]
    fn auth_has_no_default() {
        assert_eq!(
            load(&SMALL[..2], "").unwrap_err(),
            "1 problem with the settings; nothing was started\n  \
             UPLOAD_AUTH: it is not set, and has no default. Example: UPLOAD_AUTH=anonymous"
        );
    }

    #[test]
    fn the_region_defaults_to_the_functions_own() {
        let settings = load(&[SMALL[0], SMALL[2], ("FC_REGION", "ap-southeast-1")], "").unwrap();
        assert_eq!(settings.routes[0].region.as_str(), "ap-southeast-1");
    }

    #[test]
    fn every_error_is_reported_at_once_with_its_place_and_an_example() {
        let file = "bucket = \"my-bucket\"\nregion = \"oss-cn-hangzhou\"\ncolour = 1\n\n\
                    [routes.avatar]\ndir = \"avatars\"\nmax_size = \"10 megs\"\ntypes = [\"png\", \"image/*\"]\n";
        let variables = [
            ("UPLOAD_EXPIRES", "10"),
            ("UPLOAD_MAXSIZE", "1MiB"),
            ("OSS_ACCESS_KEY_ID", "marker-id"),
        ];
        let errors = load(&variables, file).unwrap_err();
        insta::assert_snapshot!(errors, @r#"
        9 problems with the settings; nothing was started
          upload.toml line 3, colour: there is no such setting here; there are auth, bucket, region, upload_host, dir, key, min_size, max_size, types, extensions, max_files, expires, overwrite, success_status, signature, session, headers, callback, download, sts, metadata, multipart, origins, cors_headers, jwks_url, jwt_public_key, jwt_issuer, jwt_audience, jwt_claims, jwt_leeway, ticket_lifetime, budget_grants, budget_bytes, budget_window, budgets, address_header, store_failure, store_ca, credentials, role_key_lifetime, role_arn, role_session_name, role_duration, role_external_id, role_scope, sts_endpoint, sts_region, sts_vpc, public_url, page_title, page_logo, page_accent. Example: max_size = "10MiB"
          UPLOAD_MAXSIZE: there is no such setting; the nearest name is UPLOAD_MAX_SIZE. Example: UPLOAD_MAX_SIZE=10MiB
          UPLOAD_AUTH: it is not set, and has no default. Example: UPLOAD_AUTH=anonymous
          upload.toml line 2, region = "oss-cn-hangzhou": a signature names the region without 'oss-' in front. Example: region = "cn-hangzhou"
          upload.toml line 6, routes.avatar.dir = "avatars": a directory ends in '/'. Example: dir = "photos/{uuid}/"
          upload.toml line 7, routes.avatar.max_size = "10 megs": a size is a whole number with B, KB, KiB, MB, MiB, GB or GiB. Example: max_size = "10MiB"
          upload.toml line 8, routes.avatar.types = ["png", "image/*"]: in "png", a type is 'image/png' or 'image/*'. Example: types = "image/png,image/jpeg"
          UPLOAD_EXPIRES = "10": a time is a whole number with s, m, h or d. Example: UPLOAD_EXPIRES=10m
          OSS_ACCESS_KEY_SECRET: it is not set, although OSS_ACCESS_KEY_ID is; a key needs both. Example: OSS_ACCESS_KEY_SECRET=… or unset OSS_ACCESS_KEY_ID
        "#);
    }

    #[test]
    fn a_name_in_the_wrong_place_is_an_error_that_names_the_right_one() {
        let file = "OSS_BUCKET = \"a-b\"\njwt_secret = \"marker\"\nUPLOAD_TICKET_KEYS = \"marker\"\nmaxsize = 1\n\
                    [header]\n[routes.a]\norigins = \"*\"\nheaders.cache_control = \"x\"\nUPLOAD_TYPES = \"a/b\"\n";
        insta::assert_snapshot!(load(&SMALL, file).unwrap_err(), @r#"
        8 problems with the settings; nothing was started
          upload.toml line 1, OSS_BUCKET: this is the name of the variable; in the file it is bucket. Example: bucket = "my-bucket"
          upload.toml line 3, UPLOAD_TICKET_KEYS: a secret is set in the environment only, as UPLOAD_TICKET_KEYS. Example: UPLOAD_TICKET_KEYS=$(openssl rand -base64 32)
          upload.toml line 5, header: there is no such setting here; the nearest name is headers. Example: [headers]
          upload.toml line 2, jwt_secret: a secret is set in the environment only, as UPLOAD_JWT_SECRET. Example: UPLOAD_JWT_SECRET=$(openssl rand -base64 32)
          upload.toml line 4, maxsize: there is no such setting here; the nearest name is max_size. Example: max_size = "10MiB"
          upload.toml line 9, routes.a.UPLOAD_TYPES: this is the name of the variable; in the file it is types. Example: types = "image/png,image/jpeg"
          upload.toml line 8, routes.a.headers.cache_control: there is no such setting here; the nearest name is cache-control. Example: headers.cache-control = "private, max-age=3600"
          upload.toml line 7, routes.a.origins: it is no setting of a route: write it at the top of the file. Example: origins = "https://app.example.com"
        "#);
    }

    #[test]
    fn the_environment_wins_over_the_file_for_the_default_route_only() {
        let file = "auth = \"anonymous\"\nbucket = \"from-file\"\nregion = \"cn-hangzhou\"\nmax_size = \"1MiB\"\n\
                    [routes.default]\nmax_size = \"2MiB\"\n[routes.avatar]\nmax_size = \"3MiB\"\n[routes.other]\n";
        let settings =
            load(&[("UPLOAD_MAX_SIZE", "4MiB"), ("OSS_BUCKET", "from-env")], file).unwrap();
        let seen: Vec<_> = settings
            .routes
            .iter()
            .map(|r| (r.name.as_str(), r.bucket.as_str(), r.size.max >> 20))
            .collect();
        assert_eq!(
            seen,
            [("avatar", "from-env", 3), ("default", "from-env", 4), ("other", "from-env", 1)]
        );
    }

    #[test]
    fn a_route_with_a_bucket_of_its_own_does_not_post_to_the_top_ones_host() {
        let file = "auth = \"anonymous\"\nbucket = \"top-bucket\"\nregion = \"cn-hangzhou\"\n\
                    upload_host = \"https://up.example.com\"\n[routes.a]\n[routes.b]\nbucket = \"b-bucket\"\n";
        let settings = load(&[], file).unwrap();
        let hosts: Vec<_> = settings.routes.iter().map(|route| route.host.as_str()).collect();
        assert_eq!(
            hosts,
            ["https://up.example.com", "https://b-bucket.oss-cn-hangzhou.aliyuncs.com"]
        );
    }

    #[test]
    fn a_broken_file_is_an_error_with_its_line() {
        let error = load(&SMALL, "bucket = \"a-b\"\nregion = = 1\n").unwrap_err();
        assert!(error.contains("upload.toml line 2"), "{error}");
    }

    #[test]
    fn half_a_key_is_an_error_that_shows_no_value() {
        let with =
            |name| load(&[SMALL[0], SMALL[1], SMALL[2], (name, "marker-secret")], "").unwrap_err();
        for name in [
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "OSS_ACCESS_KEY_SECRET",
        ] {
            assert!(with(name).contains(&format!("although {name} is")), "{name}");
            assert!(!with(name).contains("marker-secret"));
        }
    }

    #[test]
    fn open_settings_are_warned_of() {
        let open = load(
            &[SMALL[0], SMALL[1], SMALL[2], ("UPLOAD_ORIGINS", "*"), ("UPLOAD_DIR", "all/")],
            "",
        )
        .unwrap();
        assert_eq!(open.warnings().len(), 3);
        assert_eq!(load(&SMALL, "").unwrap().warnings().len(), 1);
    }

    #[test]
    fn the_gateway_can_be_measured_only_while_a_variable_is_1_and_that_is_warned_of() {
        assert!(!load(&SMALL, "").unwrap().measures_gateway);
        let with = |value| load(&[SMALL[0], SMALL[1], SMALL[2], ("UPLOAD_CONFORMANCE", value)], "");
        let on = with("1").unwrap();
        assert!(on.measures_gateway);
        assert!(on.warnings().iter().any(|one| one.starts_with("UPLOAD_CONFORMANCE is 1:")));
        for value in ["true", "0", "yes"] {
            assert!(with(value).unwrap_err().contains("UPLOAD_CONFORMANCE"), "{value}");
        }
        assert!(load(&SMALL, "conformance = \"1\"\n").is_err());
    }

    #[test]
    fn a_variable_that_adds_a_route_is_warned_of_with_its_authentication() {
        let keys = ("UPLOAD_TICKET_KEYS", "an example key of more than 32 bytes");
        let file = "auth = \"ticket\"\n[routes.avatar]\n[routes.other]\nauth = \"anonymous\"\n";
        let warnings = |variables: &[(&str, &str)], file: &str| {
            let variables = [&SMALL[..2], &[keys], variables].concat();
            let warnings = load(&variables, file).unwrap().warnings();
            warnings.into_iter().filter(|one| one.contains("'default'")).collect::<Vec<_>>()
        };
        let added = [("UPLOAD_MAX_SIZE", "1MiB"), ("UPLOAD_TYPES", "image/*")];
        insta::assert_snapshot!(warnings(&added, file).join("\n"), @"UPLOAD_MAX_SIZE, UPLOAD_TYPES: these variables apply to the route 'default' only, which upload.toml does not have; they add it to the named routes, with auth 'ticket': write the settings into upload.toml, or unset the variables");
        assert_eq!(warnings(&[("OSS_UPLOAD_HOST", "https://a.example")], file), [""; 0]);
        assert_eq!(warnings(&added, "auth = \"ticket\"\n[routes.default]\n"), [""; 0]);
        assert_eq!(warnings(&added, "auth = \"ticket\"\n"), [""; 0]);
    }

    #[test]
    fn an_upload_host_of_oss_has_to_be_the_buckets_own() {
        let warnings = |host: &str| {
            let variables = [&SMALL[..], &[("OSS_UPLOAD_HOST", host)]].concat();
            load(&variables, "").unwrap().warnings()[1..].join("\n")
        };
        for right in [
            "https://my-bucket.oss-cn-hangzhou.aliyuncs.com",
            "https://my-bucket.oss-accelerate.aliyuncs.com",
            "https://my-bucket.oss-accelerate-overseas.aliyuncs.com",
            "https://my-bucket.cn-hangzhou.oss.aliyuncs.com",
            "https://my-bucket.oss-cn-hzfinance.aliyuncs.com",
            "https://upload.example.com",
            "http://127.0.0.1:9100",
        ] {
            assert_eq!(warnings(right), "", "{right}");
        }
        let wrong = [
            "https://oss-cn-hangzhou.aliyuncs.com",
            "https://other.oss-cn-hangzhou.aliyuncs.com:443",
            "http://MY-bucket.OSS-cn-beijing.aliyuncs.com",
            "https://my-bucket.oss-cn-hangzhou-internal.aliyuncs.com",
            "https://cn-beijing.oss.aliyuncs.com",
        ];
        insta::assert_snapshot!(wrong.map(warnings).join("\n"), @"
        route 'default': upload_host https://oss-cn-hangzhou.aliyuncs.com is an endpoint without a bucket, where OSS takes no form; the bucket's own is https://my-bucket.oss-cn-hangzhou.aliyuncs.com
        route 'default': upload_host https://other.oss-cn-hangzhou.aliyuncs.com:443 is the address of the bucket 'other', which refuses forms for the bucket 'my-bucket'; the bucket's own is https://my-bucket.oss-cn-hangzhou.aliyuncs.com
        route 'default': upload_host http://MY-bucket.OSS-cn-beijing.aliyuncs.com is an address in the region 'cn-beijing', which refuses forms for the region 'cn-hangzhou'; the bucket's own is https://my-bucket.oss-cn-hangzhou.aliyuncs.com
        route 'default': upload_host https://my-bucket.oss-cn-hangzhou-internal.aliyuncs.com is an address inside Alibaba Cloud, which browsers cannot reach; the bucket's own is https://my-bucket.oss-cn-hangzhou.aliyuncs.com
        route 'default': upload_host https://cn-beijing.oss.aliyuncs.com is an endpoint without a bucket, where OSS takes no form; the bucket's own is https://my-bucket.oss-cn-hangzhou.aliyuncs.com
        route 'default': upload_host https://cn-beijing.oss.aliyuncs.com is an address in the region 'cn-beijing', which refuses forms for the region 'cn-hangzhou'; the bucket's own is https://my-bucket.oss-cn-hangzhou.aliyuncs.com
        ");
    }

    #[test]
    fn v1_has_to_be_written_and_is_warned_of() {
        assert_eq!(load(&SMALL, "").unwrap().routes[0].signature, SignatureVersion::V4);
        let old = load(&SMALL, "[routes.default]\n[routes.old]\nsignature = \"v1\"\n").unwrap();
        let versions: Vec<_> = old.routes.iter().map(|route| route.signature).collect();
        assert_eq!(versions, [SignatureVersion::V4, SignatureVersion::V1]);
        insta::assert_snapshot!(old.v1_warnings().join("\n"), @"
        route 'old' signs with V1, which OSS has closed to accounts opened since 2025-03-01 and to buckets created since 2025-09-01: it refuses their uploads with EC 0002-00000080; take signature 'v4' as soon as the pages can
        route 'old': with temporary keys a V1 form needs the field x-oss-security-token, which the well-known V1 pages do not post; add it to the page, or set a long-lived key and credentials = 'environment'
        ");
        let wrong = load(&[SMALL[0], SMALL[1], SMALL[2], ("UPLOAD_SIGNATURE", "V1")], "");
        insta::assert_snapshot!(wrong.unwrap_err(), @r#"
        1 problem with the settings; nothing was started
          UPLOAD_SIGNATURE = "V1": the signatures are 'v4' and, for old buckets, 'v1'. Example: UPLOAD_SIGNATURE=v4
        "#);
    }

    #[test]
    fn only_a_long_lived_key_needs_no_token_in_v1_forms() {
        let key = [("OSS_ACCESS_KEY_ID", "id"), ("OSS_ACCESS_KEY_SECRET", "secret")];
        let token = ("OSS_SESSION_TOKEN", "token");
        let (cloud, pinned) =
            (("FC_FUNCTION_NAME", "signer"), ("UPLOAD_CREDENTIALS", "environment"));
        for (more, warnings) in [
            (vec![], 2),
            (vec![key[0], key[1]], 1),
            (vec![key[0], key[1], token], 2),
            (vec![key[0], key[1], cloud], 2),
            (vec![key[0], key[1], cloud, pinned], 1),
            (vec![key[0], key[1], ("UPLOAD_CREDENTIALS", "request")], 2),
        ] {
            let variables = [&SMALL[..], &[("UPLOAD_SIGNATURE", "v1")], &more].concat();
            assert_eq!(load(&variables, "").unwrap().v1_warnings().len(), warnings, "{more:?}");
        }
    }

    #[test]
    fn tables_of_a_route_win_over_those_at_the_top() {
        let file = "headers.cache-control = \"no-store\"\nmetadata.title = \"[a-z]+\"\n\
                    metadata.author = { required = true }\n\
                    [routes.a]\n[routes.a.headers]\ncache-control = \"private\"\nx-oss-storage-class = \"IA\"\n\
                    [routes.a.metadata.author]\npattern = \"x\"\n[routes.b]\n";
        let settings = load(&SMALL, file).unwrap();
        let shown: Vec<_> = settings
            .routes
            .iter()
            .map(|route| {
                let headers = route.headers.iter().map(|one| format!("{}={}", one.name, one.value));
                let rules = route.metadata.iter().map(|rule| {
                    let pattern = rule.pattern.as_ref().map_or("", |pattern| pattern.as_str());
                    format!("{}:{pattern}:{}", rule.name, rule.required)
                });
                format!("{} {:?}", route.name, headers.chain(rules).collect::<Vec<_>>())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        a ["Cache-Control=private", "x-oss-storage-class=IA", "author:x:false", "title:[a-z]+:false"]
        b ["Cache-Control=no-store", "author::true", "title:[a-z]+:false"]
        "#);
    }

    #[test]
    fn an_invalid_table_is_an_error_with_its_line() {
        let file = "[routes.a.headers]\nexpires = \"1h\"\nx-oss-object-acl = \"open\"\ncache-control = 1\n\
                    x-oss-server-side-encryption-key-id = \"k\"\n\
                    [routes.a.metadata]\nTitle = \"x\"\ncolour = 1\nform = { size = 1 }\nshape = \"(\"\n\
                    [routes.b]\nheaders = 1\nmetadata = \"x\"\nmax_files = 101\nextensions = [\"tar.gz\"]\n\
                    success_status = 202\nkey = \"{sub}-{name}\"\n";
        insta::assert_snapshot!(load(&SMALL, file).unwrap_err(), @r#"
        13 problems with the settings; nothing was started
          upload.toml line 2, routes.a.headers.expires: there is no such setting here; there are cache-control, content-disposition, x-oss-storage-class, x-oss-object-acl, x-oss-server-side-encryption, x-oss-server-side-data-encryption, x-oss-server-side-encryption-key-id, x-oss-tagging. Example: max_size = "10MiB"
          upload.toml line 7, routes.a.metadata.Title: a name has up to 64 of a-z, 0-9 and '-', without x-oss-meta-. Example: metadata.title = { pattern = "[a-z]{1,40}", required = true }
          upload.toml line 8, routes.a.metadata.colour: metadata are a pattern or a table. Example: metadata.title = { pattern = "[a-z]{1,40}", required = true }
          upload.toml line 9, routes.a.metadata.form.size: metadata have a 'pattern', a text, and 'required', true or false. Example: metadata.title = { pattern = "[a-z]{1,40}", required = true }
          upload.toml line 12, routes.b.headers: it is a table. Example: [routes.b.headers]
          upload.toml line 13, routes.b.metadata: it is a table. Example: [routes.b.metadata]
          upload.toml line 3, routes.a.headers.x-oss-object-acl = "open": the values are default, private, public-read, public-read-write. Example: headers.x-oss-object-acl = "private"
          upload.toml line 5, routes.a.headers.x-oss-server-side-encryption-key-id = "k": it needs headers.x-oss-server-side-encryption to be 'KMS'. Example: headers.x-oss-server-side-encryption = "KMS"
          upload.toml line 10, routes.a.metadata.shape.pattern = "(": it is no regular expression: found open group without closing ')'. Example: pattern = "[a-z0-9-]{1,40}"
          upload.toml line 17, routes.b.key = "{sub}-{name}": a segment with {sub} or {claim:x} has no other placeholder of variable length, or two callers could share a key; put a '/' between them. Example: key = "users/{sub}/{uuid}.{ext}"
          upload.toml line 15, routes.b.extensions = ["tar.gz"]: in "tar.gz", an extension is the part after the last dot: up to 19 letters and digits, such as 'jpg'. Example: extensions = "jpg,png"
          upload.toml line 14, routes.b.max_files = "101": one call takes from 1 to 100 files. Example: max_files = "10"
          upload.toml line 16, routes.b.success_status = "202": OSS answers a stored file with 200, 201 or 204. Example: success_status = "200"
        "#);
    }

    #[test]
    fn a_key_and_a_directory_exclude_each_other_and_the_nearer_one_wins() {
        let file = "dir = \"all/\"\n[routes.a]\nkey = \"a/{uuid}\"\n[routes.b]\n";
        let shown = |variables: &[(&str, &str)], file| -> Vec<String> {
            let settings = load(&[&SMALL[..], variables].concat(), file).unwrap();
            settings.routes.iter().map(|route| route.template.to_string()).collect()
        };
        assert_eq!(shown(&[], file), ["a/{uuid}", "all/"]);
        assert_eq!(shown(&[("UPLOAD_KEY", "{uuid}")], file), ["a/{uuid}", "all/", "{uuid}"]);
        let both = load(&SMALL, "[routes.a]\ndir = \"a/\"\nkey = \"a/b\"\n").unwrap_err();
        insta::assert_snapshot!(both, @r#"
        1 problem with the settings; nothing was started
          upload.toml line 3, routes.a.key = "a/b": a key contains its directory; leave out upload.toml line 2, routes.a.dir = "a/". Example: key = "users/{sub}/{uuid}.{ext}"
        "#);
    }

    #[test]
    fn headers_with_a_cost_are_warned_of() {
        let file = "[routes.a]\nkey = \"a\"\noverwrite = true\n\
                    headers.x-oss-object-acl = \"public-read-write\"\nheaders.x-oss-tagging = \"a=1\"\n";
        insta::assert_snapshot!(load(&SMALL, file).unwrap().warnings()[1..].join("\n"), @"
        route 'a' makes objects that everybody may overwrite: x-oss-object-acl is 'public-read-write'
        route 'a' sets tags, and the documentation has said that form uploads take none: upload once and check whether the object has them
        ");
    }
}
