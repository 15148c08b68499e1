//! ListMultipartUploads: lists the uploads of a bucket that are neither completed nor aborted.
//!
//! Uploads are in the order of their keys, and those of one key in the order of their ids, because the
//! pair of markers can only name such a position. Keys that share the part up to a delimiter become one
//! common prefix, which counts as one item of a page.

use crate::dates;
use crate::oss::error::OssError;
use crate::oss::multipart_upload::parameters::{KeyEncoding, MAX_PAGE, number};
use crate::oss::object::ObjectRequest;
use crate::oss::query::RequestQuery;
use crate::oss::received_content::storage_error;
use crate::oss::response;
use crate::oss::response::OssResponse;
use crate::xml::XmlWriter;

pub(super) async fn list_uploads(request: &ObjectRequest<'_>) -> Result<OssResponse, OssError> {
    let encoding = KeyEncoding::read(request.query)?;
    let listing = UploadListing::read(request.query)?;
    let uploads = request.state.store.uploads(&request.bucket.name).await;
    let uploads = uploads.map_err(|error| storage_error(&error))?;
    let uploads = uploads.into_iter().map(|(id, upload)| ListedUpload {
        key: upload.key,
        id: id.as_str().to_owned(),
        initiated_at: upload.initiated_at,
    });
    let page = listing.page(uploads.collect());
    Ok(response::xml(listing.document(&page, &request.bucket.name, encoding)))
}

/// An upload in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ListedUpload {
    key: String,
    id: String,
    /// Unix seconds.
    initiated_at: i64,
}

/// The parameters of a listing.
#[derive(Debug)]
struct UploadListing<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    key_marker: &'a str,
    /// Counts only together with a key marker.
    id_marker: &'a str,
    limit: u32,
}

/// One page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
struct UploadPage {
    uploads: Vec<ListedUpload>,
    common_prefixes: Vec<String>,
    is_truncated: bool,
    /// The last item of the page.
    next_key: String,
    next_id: String,
}

impl<'a> UploadListing<'a> {
    fn read(query: &'a RequestQuery) -> Result<Self, OssError> {
        let text = |name| query.get(name).unwrap_or_default();
        Ok(Self {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            key_marker: text("key-marker"),
            id_marker: text("upload-id-marker"),
            limit: number(query, "max-uploads", 1..=MAX_PAGE)?.unwrap_or(MAX_PAGE),
        })
    }

    /// Selects one page from all uploads of a bucket.
    fn page(&self, mut uploads: Vec<ListedUpload>) -> UploadPage {
        uploads.retain(|upload| upload.key.starts_with(self.prefix) && self.follows(upload));
        uploads.sort();
        let mut page = UploadPage::default();
        for upload in uploads {
            let group = self.common_prefix(&upload.key).map(str::to_owned);
            if group.is_some() && page.common_prefixes.last() == group.as_ref() {
                continue;
            }
            if page.uploads.len() + page.common_prefixes.len() == self.limit as usize {
                page.is_truncated = true;
                break;
            }
            if let Some(group) = group {
                (page.next_key, page.next_id) = (group.clone(), String::new());
                page.common_prefixes.push(group);
            } else {
                (page.next_key, page.next_id) = (upload.key.clone(), upload.id.clone());
                page.uploads.push(upload);
            }
        }
        page
    }

    /// Returns whether an upload is behind the markers.
    fn follows(&self, upload: &ListedUpload) -> bool {
        if let Some(group) = self.common_prefix(&upload.key) {
            return group > self.key_marker;
        }
        let is_behind_id = !self.id_marker.is_empty() && upload.id.as_str() > self.id_marker;
        upload.key.as_str() > self.key_marker || (upload.key == self.key_marker && is_behind_id)
    }

    /// Returns the part of a key up to the first delimiter behind the prefix.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(self.prefix)?;
        let length = self.prefix.len() + rest.find(self.delimiter)? + self.delimiter.len();
        key.get(..length)
    }

    fn document(&self, page: &UploadPage, bucket: &str, encoding: KeyEncoding) -> String {
        let mut result = XmlWriter::new("ListMultipartUploadsResult");
        if let Some(name) = encoding.name() {
            result.element("EncodingType", name);
        }
        result
            .element("Bucket", bucket)
            .element("KeyMarker", encoding.write(self.key_marker))
            .element("UploadIdMarker", self.id_marker)
            .element("NextKeyMarker", encoding.write(&page.next_key))
            .element("NextUploadIdMarker", &page.next_id)
            .element("Prefix", encoding.write(self.prefix))
            .element("Delimiter", encoding.write(self.delimiter))
            .element("MaxUploads", self.limit)
            .element("IsTruncated", page.is_truncated);
        for upload in &page.uploads {
            result
                .begin("Upload")
                .element("Key", encoding.write(&upload.key))
                .element("UploadId", &upload.id)
                .element("Initiated", dates::iso_millis(upload.initiated_at))
                .end();
        }
        for prefix in &page.common_prefixes {
            result.begin("CommonPrefixes").element("Prefix", encoding.write(prefix)).end();
        }
        result.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uploads(items: &[(&str, &str)]) -> Vec<ListedUpload> {
        let upload = |(key, id): &(&str, &str)| ListedUpload {
            key: (*key).to_owned(),
            id: (*id).to_owned(),
            initiated_at: 0,
        };
        items.iter().map(upload).collect()
    }

    fn page(query: &str, items: &[(&str, &str)]) -> UploadPage {
        let query = RequestQuery::parse(Some(query)).unwrap();
        UploadListing::read(&query).unwrap().page(uploads(items))
    }

    const ITEMS: [(&str, &str); 6] =
        [("b", "2"), ("a/2", "3"), ("b", "1"), ("a/1", "4"), ("c/d/e", "5"), ("c", "6")];

    fn keys(page: &UploadPage) -> Vec<&str> {
        page.uploads.iter().map(|upload| upload.key.as_str()).collect()
    }

    #[test]
    fn uploads_are_in_the_order_of_keys_and_ids() {
        let all = page("", &ITEMS);
        let sorted =
            [("a/1", "4"), ("a/2", "3"), ("b", "1"), ("b", "2"), ("c", "6"), ("c/d/e", "5")];
        assert_eq!(all.uploads, uploads(&sorted));
        assert_eq!((all.next_key.as_str(), all.next_id.as_str()), ("c/d/e", "5"));
        assert!(!all.is_truncated);
    }

    #[test]
    fn markers_name_the_last_item_of_the_page_before() {
        let first = page("max-uploads=3", &ITEMS);
        assert_eq!(keys(&first), ["a/1", "a/2", "b"]);
        assert!(first.is_truncated);
        assert_eq!((first.next_key.as_str(), first.next_id.as_str()), ("b", "1"));
        let rest = page("max-uploads=3&key-marker=b&upload-id-marker=1", &ITEMS);
        assert_eq!(keys(&rest), ["b", "c", "c/d/e"]);
        assert!(!rest.is_truncated);
        assert_eq!(keys(&page("key-marker=b", &ITEMS)), ["c", "c/d/e"]);
        assert_eq!(keys(&page("upload-id-marker=9", &ITEMS)).len(), 6);
    }

    #[test]
    fn keys_with_a_delimiter_become_common_prefixes() {
        let all = page("delimiter=%2F", &ITEMS);
        assert_eq!(keys(&all), ["b", "b", "c"]);
        assert_eq!(all.common_prefixes, ["a/", "c/"]);
        let below = page("delimiter=%2F&prefix=c%2F", &ITEMS);
        assert_eq!(
            (keys(&below), below.common_prefixes.as_slice()),
            (vec![], &["c/d/".into()][..])
        );
        let first = page("delimiter=%2F&max-uploads=1", &ITEMS);
        assert_eq!(first.next_key, "a/");
        assert!(first.is_truncated);
        let second = page("delimiter=%2F&max-uploads=1&key-marker=a%2F", &ITEMS);
        assert_eq!(keys(&second), ["b"]);
    }

    proptest! {
        #[test]
        fn pages_of_any_size_contain_every_item_once(
            items in prop::collection::btree_set(("[ab/]{1,4}", "[0-9]{2}"), 0..30),
            limit in 1_u32..5,
            delimiter in "/?",
            prefix in "a?",
        ) {
            let items: Vec<_> = items.iter().map(|(key, id)| (key.as_str(), id.as_str())).collect();
            let page = |limit, key_marker: &str, id_marker: &str| {
                let (prefix, delimiter) = (prefix.as_str(), delimiter.as_str());
                UploadListing { prefix, delimiter, key_marker, id_marker, limit }
                    .page(uploads(&items))
            };
            let all = page(MAX_PAGE, "", "");
            let (mut found, mut prefixes) = (Vec::new(), Vec::new());
            let (mut key, mut id) = (String::new(), String::new());
            loop {
                let page = page(limit, &key, &id);
                prop_assert!(page.uploads.len() + page.common_prefixes.len() <= limit as usize);
                found.extend(page.uploads);
                prefixes.extend(page.common_prefixes);
                if !page.is_truncated {
                    break;
                }
                (key, id) = (page.next_key, page.next_id);
            }
            prop_assert_eq!(found, all.uploads);
            prop_assert_eq!(prefixes, all.common_prefixes);
        }
    }
}
