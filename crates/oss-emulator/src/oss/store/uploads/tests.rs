//! Tests the folder of unfinished uploads.

use tempfile::TempDir;

use super::*;
use crate::oss::options::LocalBucket;

const BUCKET: &str = "examplebucket";

fn open(folder: &TempDir) -> Arc<Store> {
    let bucket = LocalBucket { name: BUCKET.to_owned(), region: "cn-hangzhou".to_owned() };
    Arc::new(Store::open(folder.path().to_owned(), &[bucket]).unwrap())
}

fn upload(key: &str) -> StoredUpload {
    StoredUpload {
        key: key.to_owned(),
        initiated_at: 7,
        content_type: "text/plain".to_owned(),
        headers: vec![("x-oss-meta-a".to_owned(), "b".to_owned())],
        forbid_overwrite: true,
    }
}

async fn begin(store: &Arc<Store>) -> UploadName {
    let id = store.create_upload(BUCKET, "REQUEST", upload("a/b")).await.unwrap();
    UploadName { bucket: BUCKET.to_owned(), id }
}

/// Stores a part whose checksums are made up from its content.
async fn put(
    store: &Arc<Store>,
    name: &UploadName,
    number: u32,
    content: &str,
) -> Result<StoredPart, UploadStoreError> {
    let mut temp = store.begin(&format!("{number}{content}")).await?;
    temp.write(&content.to_owned().into()).await?;
    let mut md5 = [0; 16];
    md5[..content.len()].copy_from_slice(content.as_bytes());
    let size = content.len() as u64;
    let part = StoredPart { number, size, md5, crc64: size, stored_at: 1 };
    store.put_part(name, temp, part).await?;
    Ok(part)
}

async fn all(store: &Arc<Store>, name: &UploadName) -> Vec<StoredPart> {
    store.parts(name, 0, 10_000).await.unwrap()
}

async fn joined(
    store: &Arc<Store>,
    claim: &UploadClaim,
    parts: &[StoredPart],
) -> Result<String, UploadStoreError> {
    let temp = store.begin("JOINED").await?;
    let temp = claim.join(temp, parts.to_vec()).await?;
    Ok(fs::read_to_string(temp.path())?)
}

fn incoming(folder: &TempDir) -> usize {
    fs::read_dir(folder.path().join(".incoming")).unwrap().count()
}

#[tokio::test]
async fn parts_are_listed_in_ascending_order_and_in_pages() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let name = begin(&store).await;
    for number in [3, 10_000, 1, 20] {
        put(&store, &name, number, "x").await.unwrap();
    }
    let page = async |after, limit| {
        let parts = store.parts(&name, after, limit).await.unwrap();
        parts.iter().map(|part| part.number).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 1000).await, [1, 3, 20, 10_000]);
    assert_eq!(page(1, 2).await, [3, 20]);
    assert!(page(10_000, 2).await.is_empty());
    assert_eq!(incoming(&folder), 0);
}

#[tokio::test]
async fn a_part_that_is_sent_again_replaces_the_earlier_one() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let name = begin(&store).await;
    put(&store, &name, 1, "first").await.unwrap();
    let second = put(&store, &name, 1, "second").await.unwrap();
    assert_eq!(all(&store, &name).await, [second]);
    let claim = store.claim_upload(&name).unwrap();
    assert_eq!(joined(&store, &claim, &[second]).await.unwrap(), "second");
}

#[tokio::test]
async fn half_a_part_leaves_the_whole_one_of_its_number() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let name = begin(&store).await;
    let whole = put(&store, &name, 1, "whole").await.unwrap();
    let mut temp = store.begin("HALF").await.unwrap();
    temp.write(&"ha".into()).await.unwrap();
    drop(temp);
    assert_eq!(all(&store, &name).await, [whole]);
    assert_eq!(incoming(&folder), 0);
}

#[tokio::test]
async fn uploads_and_parts_survive_a_restart_and_remains_of_a_removal_do_not() {
    let folder = TempDir::new().unwrap();
    let (name, part) = {
        let store = open(&folder);
        let name = begin(&store).await;
        let part = put(&store, &name, 2, "kept").await.unwrap();
        (name, part)
    };
    let remains = folder.path().join(".uploads").join(BUCKET).join("0".repeat(32));
    fs::create_dir(&remains).unwrap();
    fs::write(remains.join("00001.part"), "x").unwrap();
    let store = open(&folder);
    assert!(!remains.exists());
    assert_eq!(store.find_upload(&name).await.unwrap(), Some(upload("a/b")));
    assert_eq!(all(&store, &name).await, [part]);
    assert_eq!(store.uploads(BUCKET).await.unwrap(), [(name.id, upload("a/b"))]);
}

#[tokio::test]
async fn two_uploads_of_requests_with_one_id_have_two_ids() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    assert_ne!(begin(&store).await, begin(&store).await);
}

#[tokio::test]
async fn an_aborted_upload_takes_no_part_and_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let name = begin(&store).await;
    put(&store, &name, 1, "x").await.unwrap();
    store.abort_upload(&name).await.unwrap();
    assert_eq!(store.find_upload(&name).await.unwrap(), None);
    let late = put(&store, &name, 2, "late").await;
    assert!(matches!(late, Err(UploadStoreError::NoUpload)), "{late:?}");
    let again = store.abort_upload(&name).await;
    assert!(matches!(again, Err(UploadStoreError::NoUpload)), "{again:?}");
    let listed = store.parts(&name, 0, 1).await;
    assert!(matches!(listed, Err(UploadStoreError::NoUpload)), "{listed:?}");
    assert_eq!(incoming(&folder), 0);
}

#[tokio::test]
async fn a_claimed_upload_takes_no_part_no_abort_and_no_second_claim() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let name = begin(&store).await;
    let part = put(&store, &name, 1, "one").await.unwrap();
    let claim = store.claim_upload(&name).unwrap();
    let refused = [
        put(&store, &name, 1, "two").await.map(|_| ()),
        store.abort_upload(&name).await,
        store.claim_upload(&name).map(|_| ()),
    ];
    for result in refused {
        assert!(matches!(result, Err(UploadStoreError::NoUpload)), "{result:?}");
    }
    drop(claim);
    assert_eq!(all(&store, &name).await, [part]);
    let claim = store.claim_upload(&name).unwrap();
    claim.remove().await.unwrap();
    assert_eq!(store.find_upload(&name).await.unwrap(), None);
    assert!(store.claim_upload(&name).is_err());
}

#[tokio::test]
async fn parts_are_joined_in_the_given_order_and_only_unchanged() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let name = begin(&store).await;
    let one = put(&store, &name, 1, "one,").await.unwrap();
    put(&store, &name, 2, "two,").await.unwrap();
    let three = put(&store, &name, 3, "three").await.unwrap();
    let claim = store.claim_upload(&name).unwrap();
    assert_eq!(joined(&store, &claim, &[one, three]).await.unwrap(), "one,three");
    let other = StoredPart { md5: [1; 16], ..three };
    let changed = joined(&store, &claim, &[one, other]).await;
    assert!(matches!(changed, Err(UploadStoreError::PartChanged)), "{changed:?}");
    let missing = joined(&store, &claim, &[StoredPart { number: 4, ..three }]).await;
    assert!(matches!(missing, Err(UploadStoreError::PartGone)), "{missing:?}");
    assert_eq!(incoming(&folder), 0);
}
