//! The table of changes: each change that can be made to an accepted form, and what refuses it or why
//! it does no harm.

use crate::support::form::Form;

use Dialect::{Documented, Long, Native};
use Fate::{Harmless, Refused};

/// What becomes of a changed form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It is refused with this status, code and EC.
    Refused(u16, &'static str, &'static str),
    /// It is taken, and this is why that does no harm.
    Harmless(&'static str),
}

pub(super) const MISMATCH: Fate = Refused(403, "SignatureDoesNotMatch", "0002-00000705");
const NOT_MET: Fate = Refused(403, "AccessDenied", "0006-00000227");
const FIELD_ABSENT: Fate = Refused(403, "AccessDenied", "0006-00000226");
const DATE_WRONG: Fate = Refused(400, "InvalidArgument", "0002-00000709");
const DATE_UNREADABLE: Fate = Refused(400, "InvalidArgument", "");
const REGION_WRONG: Fate = Refused(400, "InvalidArgument", "0002-00000715");
const KEY_ID_UNKNOWN: Fate = Refused(403, "InvalidAccessKeyId", "0002-00000902");
const TOKEN_WRONG: Fate = Refused(403, "InvalidSecurityToken", "");
const TOKEN_OF_ANOTHER: Fate = Refused(403, "AccessKeyIdAndSecurityTokenNotMatch", "");
const EXPIRED: Fate = Refused(403, "AccessDenied", "0006-00000213");
pub(super) const TWICE: Fate = Refused(400, "MalformedPOSTRequest", "0006-00000103");
const TOO_LARGE: Fate = Refused(400, "EntityTooLarge", "0006-00000003");
const TOO_SMALL: Fate = Refused(400, "EntityTooSmall", "0006-00000004");

pub(super) const ANY_CASE: Fate = Harmless("names of fields are compared without regard to case");
pub(super) const OWN_NAME: Fate = Harmless("the page may choose any name in the grant's directory");
const NOT_NAMED: Fate = Harmless("no condition names it, and it changes no rule of the route");

const fn refused(code: &'static str, ec: &'static str) -> Fate {
    Refused(400, code, ec)
}

/// Each field: its fate when the value is another, when it is empty, when it is not there.
pub(super) const FIELDS: [(&str, [Fate; 3]); 10] = [
    ("key", [NOT_MET, NOT_MET, refused("InvalidArgument", "")]),
    ("policy", {
        let missing = refused("InvalidArgument", "0002-00000702");
        [MISMATCH, missing, missing]
    }),
    ("x-oss-signature-version", {
        let unknown = refused("InvalidArgument", "0002-00000701");
        // Without a version it is a V1 form, which has its key id in another field.
        [unknown, unknown, refused("InvalidArgument", "0002-00000706")]
    }),
    (
        "x-oss-credential",
        [
            refused("InvalidArgument", "0002-00000710"),
            refused("InvalidArgument", "0002-00000707"),
            refused("InvalidArgument", "0002-00000706"),
        ],
    ),
    ("x-oss-date", [DATE_UNREADABLE, DATE_UNREADABLE, DATE_UNREADABLE]),
    ("x-oss-security-token", [TOKEN_WRONG, KEY_ID_UNKNOWN, KEY_ID_UNKNOWN]),
    (
        "x-oss-signature",
        [
            MISMATCH,
            refused("InvalidArgument", "0002-00000704"),
            refused("InvalidArgument", "0002-00000703"),
        ],
    ),
    ("success_action_status", [NOT_MET, NOT_MET, FIELD_ABSENT]),
    ("x-oss-forbid-overwrite", [NOT_MET, NOT_MET, FIELD_ABSENT]),
    ("x-oss-content-type", [NOT_MET, NOT_MET, FIELD_ABSENT]),
];

/// A change to one field of a form.
pub(super) type FieldChange = fn(&mut Form, &str);

pub(super) const OTHER_VALUE: [FieldChange; 3] = [
    |form, name| edit(form, name, |value| format!("{value}0")),
    |form, name| edit(form, name, |value| format!("{value} ")),
    |form, name| {
        edit(form, name, |value| {
            let last = if value.ends_with('0') { '1' } else { '0' };
            format!("{}{last}", &value[..value.len() - 1])
        });
    },
];

pub(super) const NOT_THERE: [FieldChange; 4] = [
    |form, name| drop(form.take(name)),
    |form, name| rename(form, name, &format!("{name}s")),
    |form, name| {
        // With underscores, as the answer of the documentation's call spells it.
        let other = if name.contains('-') { name.replace('-', "_") } else { format!("_{name}") };
        rename(form, name, &other);
    },
    |form, name| {
        let value = form.take(name);
        form.set_after(name, &value);
    },
];

/// The dialect, and the keys that the function signed with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dialect {
    Native,
    Documented,
    /// The native one, signed with a long-lived key for seven days.
    Long,
}

/// A form and the circumstances in which it is posted.
pub(super) struct Attempt {
    pub(super) form: Form,
    pub(super) seconds_later: i64,
    pub(super) host: &'static str,
}

/// A change that is more than one to a field's text, and its fate.
pub(super) type Case = (&'static str, Dialect, fn(&mut Attempt), Fate);

pub(super) const CREDENTIALS: [Case; 14] = [
    (
        "another key's id",
        Native,
        |a| a.credential("STS.ExampleKeyId", "LTAI5tOther"),
        TOKEN_OF_ANOTHER,
    ),
    ("an unknown id", Native, |a| a.credential("STS.Example", "STS.Other"), KEY_ID_UNKNOWN),
    ("the day before", Native, |a| a.credential("20241127", "20241126"), DATE_WRONG),
    ("the day after", Native, |a| a.credential("20241127", "20241128"), DATE_WRONG),
    ("no day", Native, |a| a.credential("20241127", "2024112"), DATE_WRONG),
    ("another region", Native, |a| a.credential("cn-hangzhou", "cn-beijing"), REGION_WRONG),
    ("oss- before the region", Native, |a| a.credential("cn-", "oss-cn-"), REGION_WRONG),
    ("another product", Native, |a| a.credential("/oss/", "/ots/"), refused("InvalidArgument", "")),
    (
        "an item more",
        Native,
        |a| a.credential("/oss/", "/oss/oss/"),
        refused("InvalidArgument", ""),
    ),
    ("the date a second later", Native, |a| a.date("20241127T060942Z"), NOT_MET),
    ("the date of the day before", Native, |a| a.date("20241126T060941Z"), DATE_WRONG),
    (
        "the version of V2",
        Native,
        |a| a.set("x-oss-signature-version", "OSS2"),
        refused("InvalidArgument", "0002-00000701"),
    ),
    (
        "another key's token",
        Native,
        |a| a.set("x-oss-security-token", "AnotherToken"),
        TOKEN_OF_ANOTHER,
    ),
    (
        "the signature in capitals",
        Native,
        |a| edit(&mut a.form, "x-oss-signature", str::to_uppercase),
        MISMATCH,
    ),
];

pub(super) const FIELDS_MORE: [Case; 16] = [
    (
        "a token where none was signed",
        Long,
        |a| a.set("x-oss-security-token", "ExampleToken"),
        TOKEN_OF_ANOTHER,
    ),
    (
        "an unknown token where none was signed",
        Long,
        |a| a.set("x-oss-security-token", "x"),
        TOKEN_WRONG,
    ),
    (
        "an empty token where none was signed",
        Long,
        |a| a.set("x-oss-security-token", ""),
        Harmless("an empty token is none"),
    ),
    (
        "fields of V1 besides",
        Native,
        |a| {
            a.set("OSSAccessKeyId", "LTAI5tOther");
            a.set("Signature", "x");
        },
        Harmless("the version field says which fields count"),
    ),
    (
        "a bucket field",
        Native,
        |a| a.set("bucket", "besidebucket"),
        Harmless("the bucket is the host's"),
    ),
    (
        "the fields in another order",
        Native,
        |a| a.form.fields.reverse(),
        Harmless("order means nothing before the file"),
    ),
    ("metadata", Native, |a| a.set("x-oss-meta-a", "b"), NOT_NAMED),
    ("a header to keep", Native, |a| a.set("Cache-Control", "no-store"), NOT_NAMED),
    (
        "an access right",
        Native,
        |a| a.set("x-oss-object-acl", "public-read"),
        Harmless("no policy can forbid a field; the role's own rights decide"),
    ),
    (
        "an unknown access right",
        Native,
        |a| a.set("x-oss-object-acl", "public"),
        refused("InvalidArgument", ""),
    ),
    (
        "a redirect",
        Native,
        |a| a.set("success_action_redirect", "https://page.test/"),
        Harmless("it sends only the uploader's own browser somewhere"),
    ),
    ("tags", Native, |a| a.set("x-oss-tagging", "a=b"), refused("InvalidArgument", "")),
    ("a callback to nobody", Native, |a| a.set("callback", "e30="), NOT_NAMED),
    (
        "a callback that cannot be read",
        Native,
        |a| a.set("callback", "%"),
        refused("InvalidArgument", "0007-00000002"),
    ),
    (
        "a field after the file",
        Native,
        |a| a.after("submit", "Upload"),
        Harmless("what follows the file is ignored"),
    ),
    (
        "a second file",
        Native,
        |a| a.after("file", "more"),
        refused("IncorrectNumberOfFilesInPOSTRequest", "0006-00000107"),
    ),
];

pub(super) const VALUES: [Case; 12] = [
    ("another status, 201", Native, |a| a.set("success_action_status", "201"), NOT_MET),
    ("another status, 204", Documented, |a| a.set("success_action_status", "204"), NOT_MET),
    ("leave to overwrite", Native, |a| a.set("x-oss-forbid-overwrite", "false"), NOT_MET),
    (
        "another type that the route takes",
        Native,
        |a| a.set("x-oss-content-type", "image/jpeg"),
        NOT_MET,
    ),
    ("a parameter to the type", Native, |a| a.set("x-oss-content-type", "image/png;a=b"), NOT_MET),
    ("another name in the directory", Native, |a| a.key("a.png", "b.png"), NOT_MET),
    ("another name in the directory", Documented, |a| a.key("a.png", "b.png"), OWN_NAME),
    ("a folder in the directory", Documented, |a| a.key("a.png", "c/../a.png"), OWN_NAME),
    ("the file's own name", Documented, |a| a.key("a.png", "${filename}"), OWN_NAME),
    ("another directory", Documented, |a| a.key("uploads/", "upload/"), NOT_MET),
    ("the directory's parent", Documented, |a| a.key("/27/", "/"), NOT_MET),
    ("a slash before the directory", Documented, |a| a.key("uploads/", "/uploads/"), NOT_MET),
];

pub(super) const FILES: [Case; 16] = [
    (
        "other bytes",
        Native,
        |a| a.form.content.fill(b'y'),
        Harmless("the grant is for a file that the server never sees"),
    ),
    (
        "another file name",
        Native,
        |a| {
            a.form.file("b.exe", None);
        },
        Harmless("the key is the grant's"),
    ),
    (
        "another type of the part",
        Native,
        |a| a.part("text/html"),
        Harmless("x-oss-content-type decides and is pinned"),
    ),
    ("another type of the part", Documented, |a| a.part("text/html"), NOT_MET),
    (
        "another allowed type of the part",
        Documented,
        |a| a.part("image/jpeg"),
        Harmless("the route takes it"),
    ),
    (
        "no type of the part",
        Documented,
        |a| {
            a.form.file("a.png", None);
        },
        FIELD_ABSENT,
    ),
    ("another type in a field", Documented, |a| a.set("Content-Type", "text/html"), NOT_MET),
    (
        "the same type in a field",
        Documented,
        |a| a.set("Content-Type", "image/png"),
        Harmless("it says the same"),
    ),
    ("a byte less than the least", Native, |a| a.size(9), TOO_SMALL),
    ("the least", Native, |a| a.size(10), Harmless("the range includes it")),
    ("the most", Native, |a| a.size(20), Harmless("the range includes it")),
    ("a byte more than the most", Native, |a| a.size(21), TOO_LARGE),
    ("a byte less than the least", Documented, |a| a.size(9), TOO_SMALL),
    ("a byte more than the most", Documented, |a| a.size(21), TOO_LARGE),
    ("nothing", Native, |a| a.size(0), TOO_SMALL),
    (
        "a quoted boundary",
        Native,
        |a| a.form.boundary.replace_range(.., "\"b\""),
        Harmless("the quotes are a part of it on both sides"),
    ),
];

pub(super) const CIRCUMSTANCES: [Case; 10] = [
    (
        "the last second",
        Native,
        |a| a.seconds_later = 600,
        Harmless("the expiry itself is included"),
    ),
    ("a second after the expiry", Native, |a| a.seconds_later = 601, EXPIRED),
    ("a second after the expiry", Documented, |a| a.seconds_later = 601, EXPIRED),
    (
        "15 minutes before the date",
        Native,
        |a| a.seconds_later = -900,
        Harmless("so much is a clock allowed to differ"),
    ),
    ("a second more than that", Native, |a| a.seconds_later = -901, DATE_WRONG),
    (
        "7 days after the date",
        Long,
        |a| a.seconds_later = 604_800,
        Harmless("so long can a form live"),
    ),
    ("a second more than that", Long, |a| a.seconds_later = 604_801, DATE_WRONG),
    ("the bucket beside it", Native, |a| a.host = "besidebucket.localhost", NOT_MET),
    ("a bucket of another region", Native, |a| a.host = "farbucket.localhost", REGION_WRONG),
    ("no bucket", Native, |a| a.host = "nobucket.localhost", Refused(404, "NoSuchBucket", "")),
];

impl Attempt {
    fn set(&mut self, name: &str, value: &str) {
        self.form.set(name, value);
    }

    fn after(&mut self, name: &str, value: &str) {
        self.form.set_after(name, value);
    }

    fn credential(&mut self, from: &str, to: &str) {
        edit(&mut self.form, "x-oss-credential", |value| value.replacen(from, to, 1));
    }

    fn key(&mut self, from: &str, to: &str) {
        edit(&mut self.form, "key", |value| value.replacen(from, to, 1));
    }

    fn date(&mut self, date: &str) {
        self.set("x-oss-date", date);
    }

    fn part(&mut self, file_type: &str) {
        self.form.file("a.png", Some(file_type));
    }

    fn size(&mut self, size: usize) {
        self.form.content(&vec![b'x'; size]);
    }
}

pub(super) fn edit(form: &mut Form, name: &str, change: impl Fn(&str) -> String) {
    let field = form.fields.iter_mut().find(|field| field.0 == name).unwrap();
    field.1 = change(&field.1);
}

pub(super) fn rename(form: &mut Form, name: &str, other: &str) {
    let field = form.fields.iter_mut().find(|field| field.0 == name).unwrap();
    other.clone_into(&mut field.0);
}
