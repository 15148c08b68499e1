//! The store on a folder that vanishes: moves, races, leftovers.

use std::collections::BTreeSet;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;

fn bucket() -> Vec<Bucket> {
    vec![Bucket { name: "examplebucket".to_owned(), region: "cn-hangzhou".to_owned() }]
}

fn open(folder: &TempDir) -> Arc<Store> {
    Arc::new(Store::open(folder.path().to_owned(), &bucket()).unwrap())
}

fn describe(key: &str, size: u64) -> Sidecar {
    Sidecar {
        key: key.to_owned(),
        size,
        etag: "E".to_owned(),
        crc64: 0,
        stored_at: 0,
        content_type: "text/plain".to_owned(),
        headers: Vec::new(),
    }
}

async fn put(store: &Arc<Store>, id: &str, key: &str, forbid: bool) -> Result<PathBuf, KeepError> {
    let mut arrival = store.receive(id).await?;
    arrival.write(&Bytes::from(id.to_owned())).await?;
    arrival.flush().await?;
    let sidecar = describe(key, id.len() as u64);
    store.keep(arrival, "examplebucket", sidecar, forbid).await
}

async fn get(store: &Arc<Store>, key: &str) -> Option<String> {
    let (_, file) = store.find("examplebucket", key).await.unwrap()?;
    Some(io::read_to_string(file).unwrap())
}

fn files(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn keys_of_every_shape_live_side_by_side() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let long = "é".repeat(511);
    let keys = ["a", "a/b", "A", "..", "../../x", "a/../b", "%2e%2e", &long, "a!b", "."];
    for (index, key) in keys.iter().enumerate() {
        put(&store, &format!("id{index}"), key, true).await.unwrap();
    }
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(get(&store, key).await, Some(format!("id{index}")), "{key}");
    }
    let inside = [".incoming", "examplebucket"].map(str::to_owned);
    assert_eq!(files(folder.path()), BTreeSet::from(inside));
    assert_eq!(files(&folder.path().join("examplebucket/objects")).len(), keys.len());
}

#[tokio::test]
async fn a_dropped_arrival_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let mut arrival = store.receive("id").await.unwrap();
    arrival.write(&Bytes::from_static(b"half")).await.unwrap();
    drop(arrival);
    assert!(files(&folder.path().join(".incoming")).is_empty());
}

#[tokio::test]
async fn an_earlier_runs_leftovers_are_cleared_and_its_objects_kept() {
    let folder = TempDir::new().unwrap();
    put(&open(&folder), "id", "key", false).await.unwrap();
    let leftover = folder.path().join(".incoming/old");
    fs::write(&leftover, b"half").unwrap();
    let store = open(&folder);
    assert!(!leftover.exists());
    assert_eq!(get(&store, "key").await.as_deref(), Some("id"));
}

#[tokio::test]
async fn of_many_uploads_that_must_not_overwrite_exactly_one_wins() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let uploads: Vec<_> = (0..16)
        .map(|index| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { put(&store, &format!("id{index}"), "key", true).await })
        })
        .collect();
    let mut kept = 0;
    for upload in uploads {
        match upload.await.unwrap() {
            Ok(_) => kept += 1,
            Err(KeepError::Exists) => {}
            Err(KeepError::Io(error)) => panic!("{error}"),
        }
    }
    assert_eq!(kept, 1);
    assert!(files(&folder.path().join(".incoming")).is_empty());
}

#[tokio::test]
async fn an_overwritten_object_is_read_to_its_end_by_who_opened_it() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    put(&store, "first", "key", false).await.unwrap();
    let (_, file) = store.find("examplebucket", "key").await.unwrap().unwrap();
    put(&store, "second", "key", false).await.unwrap();
    assert_eq!(io::read_to_string(file).unwrap(), "first");
    assert_eq!(get(&store, "key").await.as_deref(), Some("second"));
}

#[tokio::test]
async fn bytes_without_a_sidecar_are_no_object() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    put(&store, "id", "key", false).await.unwrap();
    fs::remove_file(folder.path().join("examplebucket/sidecars/key.json")).unwrap();
    assert_eq!(get(&store, "key").await, None);
    assert!(put(&store, "new", "key", true).await.is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_one_clear_sentence() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Store::open(file.join("data"), &bucket()).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the data folder "), "{text}");
    assert!(text.contains("cannot be created or written"), "{text}");
}
