//! Random rules, wishes and deviations, and what the rules say of them in words of their own.

use std::fmt::Debug;
use std::time::Duration;

use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::grant;
use oss_upload_signer::grant::GrantRequest;
use oss_upload_signer::policy::bucket::{Bucket, Region};
use oss_upload_signer::policy::content_type::{ContentType, TypePattern};
use oss_upload_signer::policy::header::Header;
use oss_upload_signer::policy::metadata::{MetadataPattern, MetadataRule};
use oss_upload_signer::policy::route::{Route, SizeRange, SuccessStatus};
use oss_upload_signer::policy::template::Template;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use proptest::prelude::*;

use crate::support::app::NOW;

/// What a route allows, and what it signs with.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) min: u64,
    pub(super) max: u64,
    /// Types as a setting writes them.
    pub(super) types: Vec<&'static str>,
    /// The directory or key as a setting writes it.
    pub(super) place: &'static str,
    pub(super) extensions: bool,
    pub(super) overwrite: bool,
    pub(super) status: &'static str,
    /// Fields that the route fixes.
    pub(super) fixed: Vec<(&'static str, &'static str)>,
    /// Whether the route takes a title in lower-case letters, and whether it wants one.
    pub(super) title: Option<bool>,
    pub(super) lifetime: u64,
    pub(super) token: bool,
    /// The seconds that the credential still has.
    pub(super) credential: Option<i64>,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) documented: bool,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<&'static str>,
    pub(super) size: Option<u64>,
    pub(super) title: Option<&'static str>,
    pub(super) subject: Option<&'static str>,
}

/// What the form says instead of what it should; nothing where it is faithful.
#[derive(Clone, Debug)]
pub(super) struct Deviation {
    pub(super) key: Option<&'static str>,
    pub(super) status: Option<&'static str>,
    pub(super) forbid: Option<&'static str>,
    pub(super) oss_type: Option<&'static str>,
    pub(super) part_type: Option<&'static str>,
    pub(super) type_field: Option<&'static str>,
    pub(super) size: Option<u64>,
    pub(super) arrival: Option<Arrival>,
    /// The number of the signed field to spoil.
    pub(super) spoilt: Option<usize>,
    pub(super) extra: Option<(&'static str, &'static str)>,
    /// The number of the fixed field to change, and to what; to nothing if it is not sent.
    pub(super) fixed: Option<(usize, Option<&'static str>)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Arrival {
    AfterSigning(i64),
    AfterExpiry(i64),
}

const TYPES: [&str; 9] = [
    "image/png",
    "image/jpeg",
    "IMAGE/PNG",
    "image/png; charset=a",
    "imagery/png",
    "text/plain",
    "text/html",
    "text/plainer",
    "application/octet-stream",
];

/// Fields that a route may fix, with a value that OSS knows and the route does not fix.
pub(super) const FIXED: [(&str, &str, &str); 7] = [
    ("Cache-Control", "private, max-age=60", "no-store"),
    ("Content-Disposition", "inline", "attachment"),
    ("x-oss-storage-class", "IA", "Standard"),
    ("x-oss-object-acl", "private", "public-read"),
    ("x-oss-server-side-encryption", "KMS", "AES256"),
    ("x-oss-server-side-encryption-key-id", "one", "two"),
    ("x-oss-meta-title", "cat", "dog"),
];

/// Names that end in an extension, which is that of `image/png`. All others have none with a known type.
const IMAGES: [&str; 2] = ["照 片.PNG", "a/b.png"];

const PATTERNS: [&str; 5] = ["image/png", "image/jpeg", "text/plain", "image/*", "text/*"];

/// The fields that say who signed what, by the number that a deviation gives.
pub(super) const SIGNED: [&str; 6] = [
    "policy",
    "x-oss-signature",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-security-token",
];

pub(super) fn rules() -> impl Strategy<Value = Rules> {
    let types = prop::collection::vec(prop::sample::select(&PATTERNS[..]), 0..4);
    let places = [
        "up/",
        "{uuid}/",
        "a/{yyyy}/{mm}/{dd}/",
        "用户/{yyyy}{uuid}/b c/",
        "up/{random:8}/{name}",
        "up/{stem}-{random:25}.{ext}",
        "up/one",
        "users/{sub}/{dd}/",
        "users/{sub}/{name}",
    ];
    let sizes = (0_u64..40, 0_u64..40);
    let places = prop::sample::select(places.to_vec());
    let ways = (places, any::<bool>(), any::<bool>(), prop::bool::weighted(0.1));
    let times = (10_u64..=604_800, prop::option::of(30_i64..200_000));
    let fixed = prop::option::weighted(0.25, prop::sample::subsequence(&FIXED[..6], 1..=6));
    let status = prop::option::weighted(0.15, prop::sample::select(vec!["201", "204"]));
    let fields = (fixed, status, prop::option::weighted(0.5, prop::bool::weighted(0.2)));
    (types, sizes, ways, times, fields).prop_map(|(types, (min, more), ways, times, fields)| {
        Rules {
            min,
            max: min + more,
            types,
            place: ways.0,
            extensions: ways.3,
            overwrite: ways.1,
            status: fields.1.unwrap_or("200"),
            fixed: complete(fields.0.unwrap_or_default()),
            title: fields.2,
            lifetime: times.0,
            token: ways.2,
            credential: times.1,
        }
    })
}

/// Leaves the key of KMS out where KMS is.
fn complete(
    fixed: Vec<(&'static str, &'static str, &'static str)>,
) -> Vec<(&'static str, &'static str)> {
    let kms = fixed.iter().any(|one| one.1 == "KMS");
    fixed.into_iter().filter(|one| kms || one.1 != "one").map(|one| (one.0, one.1)).collect()
}

pub(super) fn wish() -> impl Strategy<Value = Wish> {
    let image = prop::sample::select(&IMAGES[..]).prop_map(str::to_owned);
    let filename = prop_oneof![2 => "[q照片 ./\\\\$\"*]{0,12}", 1 => image];
    let content_type = prop::option::of(prop::sample::select(&TYPES[..]));
    let title = prop::option::weighted(0.2, prop::sample::select(vec!["cat", "cat", "Cat 1", "é"]));
    let subjects = vec!["alice", "bob", "用户@b.c", "a/b"];
    let subject = prop::option::weighted(0.8, prop::sample::select(subjects));
    let of_file = (prop::option::of(filename), content_type, prop::option::of(0_u64..80));
    (any::<bool>(), of_file, title, subject).prop_map(|(documented, of_file, title, subject)| {
        Wish {
            documented,
            filename: of_file.0,
            content_type: of_file.1,
            size: of_file.2,
            title,
            subject,
        }
    })
}

/// Makes a form deviate in none, one or two places.
pub(super) fn deviation() -> impl Strategy<Value = Deviation> {
    let place = 0_u32..11;
    let places = prop::collection::vec(place, 0..=2);
    (values(), places).prop_map(|(values, places)| values.only(&places))
}

/// Makes a form deviate in every place.
fn values() -> impl Strategy<Value = Deviation> {
    let keys = [
        "",
        "other/a",
        "up",
        "up/",
        "up/b",
        "{dir}",
        "{dir}b",
        "{dir}../照",
        "{dir}\u{1}",
        "/{dir}b",
        "{beside}s/b",
        "{beside}",
    ];
    let arrivals = [-901, -900, 0, 604_800, 604_801].map(Arrival::AfterSigning);
    let arrivals = [&arrivals[..], &[-1, 0, 1].map(Arrival::AfterExpiry)].concat();
    let extras = [
        ("x-oss-meta-a", "b"),
        ("Cache-Control", "no-store"),
        ("custom", ""),
        ("x-oss-object-acl", "public"),
        ("x-oss-tagging", "a=b"),
    ];
    let fields = (
        one_of(&keys),
        one_of(&["", "201", "204", "200 "]),
        one_of(&["", "false", "TRUE"]),
        one_of(&TYPES),
    );
    let file = (one_of(&TYPES), one_of(&TYPES), prop::option::of(0_u64..90));
    let fixed = (0..FIXED.len(), prop::option::of(Just("")))
        .prop_map(|(number, gone)| Some((number, gone.map_or(Some(FIXED[number].2), |_| None))));
    let rest = (one_of(&arrivals), one_of(&[0, 1, 2, 3, 4, 5]), one_of(&extras), fixed);
    (fields, file, rest).prop_map(|(fields, file, rest)| Deviation {
        key: fields.0,
        status: fields.1,
        forbid: fields.2,
        oss_type: fields.3,
        part_type: file.0,
        type_field: file.1,
        size: file.2,
        arrival: rest.0,
        spoilt: rest.1,
        extra: rest.2,
        fixed: rest.3,
    })
}

fn one_of<T: Clone + Debug + 'static>(choices: &[T]) -> impl Strategy<Value = Option<T>> + use<T> {
    prop::sample::select(choices.to_vec()).prop_map(Some)
}

impl Deviation {
    /// Keeps the deviation in these places and is faithful in all others.
    fn only(self, places: &[u32]) -> Self {
        let here = |place| places.contains(&place);
        Self {
            key: self.key.filter(|_| here(0)),
            status: self.status.filter(|_| here(1)),
            forbid: self.forbid.filter(|_| here(2)),
            oss_type: self.oss_type.filter(|_| here(3)),
            part_type: self.part_type.filter(|_| here(4)),
            type_field: self.type_field.filter(|_| here(5)),
            size: self.size.filter(|_| here(6)),
            arrival: self.arrival.filter(|_| here(7)),
            spoilt: self.spoilt.filter(|_| here(8)),
            extra: self.extra.filter(|_| here(9)),
            fixed: self.fixed.filter(|_| here(10)),
        }
    }
}

impl Rules {
    pub(super) fn route(&self) -> Route {
        let bucket = Bucket::parse("examplebucket").unwrap();
        let region = Region::parse("cn-hangzhou").unwrap();
        let template = if self.place.ends_with('/') {
            Template::directory(self.place).unwrap()
        } else {
            Template::key(self.place).unwrap()
        };
        let header = |(name, value): &(&'static str, &str)| Header::parse(name, value).unwrap();
        let title = |required| MetadataRule {
            name: "title".to_owned(),
            pattern: Some(MetadataPattern::parse("[a-z]+").unwrap()),
            required,
        };
        Route {
            extensions: if self.extensions { vec!["png".to_owned()] } else { Vec::new() },
            status: SuccessStatus::parse(self.status).unwrap(),
            headers: self.fixed.iter().map(header).collect(),
            metadata: self.title.map(title).into_iter().collect(),
            size: SizeRange { min: self.min, max: self.max },
            types: self.types.iter().map(|text| TypePattern::parse(text).unwrap()).collect(),
            lifetime: Duration::from_secs(self.lifetime),
            overwrite: self.overwrite,
            ..Route::new("default", bucket, region, template)
        }
    }

    pub(super) fn credentials(&self) -> Credentials {
        let key_id = if self.token { "STS.ExampleKeyId" } else { "LTAI5tLong" };
        Credentials {
            key_id: key_id.to_owned(),
            secret: Secret::new("ExampleSecret"),
            token: self.token.then(|| Secret::new("ExampleToken")),
            usable_until: self
                .credential
                .map(|seconds| Timestamp::from_unix(NOW + seconds).unwrap()),
        }
    }

    /// Says whether a type is one of those that the route takes, its parameters and case aside.
    fn takes(&self, content_type: &str) -> bool {
        let bare = content_type.split(';').next().unwrap().to_lowercase();
        self.types.is_empty() || self.takes_literally(&bare)
    }

    /// Says whether a type is one of them to the letter, which is how OSS compares.
    pub(super) fn takes_literally(&self, content_type: &str) -> bool {
        let one = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(kind) => content_type.starts_with(kind),
            None => content_type == *pattern,
        };
        self.types.is_empty() || self.types.iter().any(one)
    }

    /// Says whether the wish can be granted at all.
    pub(super) fn grants(&self, wish: &Wish) -> bool {
        let size = wish.size.is_none_or(|size| (self.min..=self.max).contains(&size));
        let sayable = self.is_sayable();
        let content_type = match wish.decided_type(self) {
            Some(content_type) => self.takes(&content_type),
            None if wish.documented => sayable,
            None => self.types.is_empty(),
        };
        // A minute is kept back for clocks that differ.
        let lasts = self.credential.is_none_or(|seconds| seconds > 60);
        size && content_type && lasts && self.names(wish) && self.carries(wish)
    }

    /// Says whether one policy can list the types: it cannot say "of this kind or exactly that".
    fn is_sayable(&self) -> bool {
        let kinds = self.types.iter().filter(|pattern| pattern.ends_with('*')).count();
        kinds == 0 || self.types.len() == 1
    }

    /// Says whether a key can be made of what the wish knows.
    fn names(&self, wish: &Wish) -> bool {
        let named = wish.filename.is_some() || !wish.documented;
        // A page that names no file can only be held to a directory or to one whole key.
        let needs_name = self.place.contains("{stem}");
        let known = !self.place.contains("{sub}")
            || wish.subject.is_some_and(|subject| !subject.contains(['*', '/']));
        let is_png = |content_type: String| content_type.split(';').next() == Some("image/png");
        let image = match wish.filename.as_deref() {
            Some(name) => IMAGES.contains(&name),
            // Without a name, the file gets the extension of its type.
            None => !wish.documented && wish.decided_type(self).is_some_and(is_png),
        };
        (named || !needs_name) && known && (image || !self.extensions)
    }

    /// Says whether the form can carry what the route fixes and the wish gives, and may.
    fn carries(&self, wish: &Wish) -> bool {
        let title = match (self.title, wish.title) {
            (None, given) => given.is_none(),
            (Some(required), None) => !required,
            (Some(_), Some(given)) => given == "cat",
        };
        let plain = self.fixed.is_empty() && self.status == "200" && wish.title.is_none();
        title && (plain || !wish.documented)
    }

    /// Says which fields beside key, type and overwriting a faithful form has, and with what.
    pub(super) fn fixes(&self, wish: &Wish) -> Vec<(&'static str, &'static str)> {
        let mut fixed = vec![("success_action_status", self.status)];
        fixed.extend(&self.fixed);
        fixed.extend(wish.title.map(|title| ("x-oss-meta-title", title)));
        let says = self.fixed.iter().any(|(name, _)| *name == "Content-Disposition");
        if wish.content_type == Some("text/html") && !says && !wish.documented {
            fixed.push(("Content-Disposition", "attachment"));
        }
        fixed
    }

    pub(super) fn expiry(&self) -> i64 {
        let lifetime = NOW + i64::try_from(self.lifetime).unwrap();
        self.credential.map_or(lifetime, |seconds| lifetime.min(NOW + seconds - 60))
    }
}

impl Wish {
    /// Returns the type of the file in lower case: the named one, else that of the extension. The documentation's
    /// page posts no type, so there the extension counts only where the policy cannot list the types of the route.
    pub(super) fn decided_type(&self, rules: &Rules) -> Option<String> {
        let is_image = self.filename.as_deref().is_some_and(|name| IMAGES.contains(&name));
        let guessed = is_image && (!self.documented || !rules.is_sayable());
        let named = self.content_type.map(str::to_lowercase);
        named.or_else(|| guessed.then(|| "image/png".to_owned()))
    }

    pub(super) fn ask(&self) -> GrantRequest {
        let form = if self.documented { grant::Form::Documented } else { grant::Form::Complete };
        GrantRequest {
            filename: self.filename.clone(),
            content_type: self.content_type.map(|text| ContentType::parse(text).unwrap()),
            size: self.size,
            metadata: self
                .title
                .map(|title| ("title".to_owned(), title.to_owned()))
                .into_iter()
                .collect(),
            ..GrantRequest::new(form)
        }
    }
}
