//! A form as it was captured: the fields, what is known of the file, and what came back.

/// A captured form. It may carry a token, so it has no `Debug`.
#[derive(Default)]
pub(super) struct Captured {
    /// The host that it was posted to.
    pub(super) host: Option<String>,
    /// The fields before the file, in order.
    pub(super) fields: Vec<(String, String)>,
    pub(super) file: Option<CapturedFile>,
    /// The XML that came back.
    pub(super) refusal: Option<String>,
}

/// What is known of the file.
#[derive(Default)]
pub(super) struct CapturedFile {
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    /// Its bytes, where the capture holds them.
    pub(super) size: Option<u64>,
}

impl Captured {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The bucket in front of a host of OSS; a custom domain names none.
    pub(super) fn bucket(&self) -> Option<&str> {
        let (first, rest) = self.host.as_deref()?.split_once('.')?;
        (rest.contains("aliyuncs.com") || rest.starts_with("localhost")).then_some(first)
    }
}
