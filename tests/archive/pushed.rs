//! What is sealed is in the archive, version for version, however often it is pushed and wherever pushing stopped; it is read where
//! it is, and fetched as a backup.

use crate::common::{Model, dir, options, written};
use object_store::memory::InMemory;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt};
use redraft::{Archive, Error, Options, Reader, Retention, Role, Store, Value};
use std::sync::Arc;

pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn grow(store: &Store<Value>, model: &mut Model, count: u64) {
    let dice = redraft::io::SeededEntropy::new(count);
    for _ in 0..count {
        model.produce(store, &dice).unwrap();
    }
}

fn in_memory() -> (Arc<InMemory>, Archive) {
    let objects = Arc::new(InMemory::new());
    let archive = Archive::new(Arc::clone(&objects) as Arc<dyn ObjectStore>, "a/b").unwrap();
    (objects, archive)
}

fn names(objects: &InMemory) -> Vec<String> {
    let found = wait(objects.list_with_delimiter(Some(&Location::from("a/b")))).unwrap();
    found.objects.iter().map(|object| object.location.filename().unwrap().to_owned()).collect()
}

fn holds(reader: &Reader<Value>, model: &Model, oldest: u64, newest: u64) {
    assert_eq!((reader.oldest().unwrap(), reader.version()), (oldest, newest));
    for version in oldest..=newest {
        assert_eq!(*reader.at(version).unwrap(), model.states[version as usize], "version {version}");
    }
    let changes = reader.changes(oldest + 1..).unwrap().map(|change| change.unwrap().version);
    assert!(changes.eq(oldest + 1..=newest));
}

#[test]
fn what_is_sealed_is_read_from_the_archive_as_it_was() {
    let (_, store, mut model) = written(1, 60, &[20, 40]);
    let (objects, archive) = in_memory();
    let done = store.archive(&archive).unwrap();
    assert!((40..=60).contains(&done.version) && done.segments_copied > 1, "{done:?}");
    assert_eq!((done.segments_kept, done.snapshots_copied), (0, 2));
    let reader: Reader<Value> = archive.open_read_only().unwrap();
    holds(&reader, &model, 0, done.version);
    assert_eq!((reader.snapshots().unwrap(), reader.id()), (vec![20, 40], store.id()));

    let before = names(&objects);
    let again = store.archive(&archive).unwrap();
    assert_eq!((again.segments_kept, again.copied_bytes), (done.segments_copied, 0));
    assert_eq!(names(&objects), before);

    grow(&store, &mut model, 60);
    let more = store.archive(&archive).unwrap();
    assert_eq!((more.segments_kept, more.snapshots_kept), (done.segments_copied, 2));
    assert_eq!(reader.refresh().unwrap(), more.version);
    holds(&reader, &model, 0, more.version);
}

#[test]
fn what_is_fetched_is_a_backup_that_the_next_fetch_adds_to() {
    let (_, store, mut model) = written(2, 60, &[20]);
    let (_, archive) = in_memory();
    let place = tempfile::tempdir().unwrap();
    let into = place.path().join("fetched");
    for _ in 0..3 {
        let pushed = store.archive(&archive).unwrap();
        let done = archive.fetch(&into).unwrap();
        assert_eq!(done.version, pushed.version);
        holds(&Reader::open(&into).unwrap(), &model, 0, done.version);
        assert!(redraft::verify(&into).unwrap().is_sound());
        grow(&store, &mut model, 40);
    }
    let again = archive.fetch(&into).unwrap();
    assert_eq!((again.copied_bytes, again.segments_copied), (0, 0), "{again:?}");
    let refused = Store::<Value>::open(&into);
    assert!(matches!(refused, Err(Error::Role { found: Role::Backup, .. })), "{refused:?}");
    // From the copy, and from the archive itself.
    Reader::<Value>::open(&into).unwrap().restore(30, place.path().join("one")).unwrap();
    archive.open_read_only::<Value>().unwrap().restore(31, place.path().join("two")).unwrap();
    for (name, version) in [("one", 30), ("two", 31)] {
        let restored = Store::<Value>::open(place.path().join(name)).unwrap();
        assert_eq!((restored.version(), &*restored.state()), (version, &model.states[version as usize]));
    }
}

#[test]
fn an_archive_keeps_what_its_store_gives_up_and_goes_on_behind_a_gap() {
    let (_, store, mut model) = written(3, 60, &[]);
    let (_, archive) = in_memory();
    let first = store.archive(&archive).unwrap();
    assert!(store.compact_to(Retention::Changes(20)).unwrap().oldest > 20);
    grow(&store, &mut model, 40);
    let second = store.archive(&archive).unwrap();
    holds(&archive.open_read_only().unwrap(), &model, 0, second.version);
    assert!(second.version > first.version);

    grow(&store, &mut model, 100);
    let oldest = store.compact_to(Retention::Changes(10)).unwrap().oldest;
    assert!(oldest > second.version);
    grow(&store, &mut model, 60);
    let third = store.archive(&archive).unwrap();
    holds(&archive.open_read_only().unwrap(), &model, oldest, third.version);
    let place = tempfile::tempdir().unwrap();
    assert_eq!(archive.fetch(place.path().join("f")).unwrap().oldest, oldest);
    holds(&Reader::open(place.path().join("f")).unwrap(), &model, oldest, third.version);
}

#[test]
fn wherever_pushing_stops_the_archive_is_the_store_at_some_version() {
    let (_, store, model) = written(4, 100, &[30, 60]);
    let (objects, archive) = in_memory();
    let whole = store.archive(&archive).unwrap().version;
    let order: Vec<(String, u64)> = {
        // Segments in the order of the log, then snapshots: that is how they are put.
        let mut names = names(&objects);
        names.sort_by_key(|name| (name.ends_with(".snap"), name.clone()));
        names.into_iter().map(|name| (name, 0)).collect()
    };
    for count in 0..order.len() {
        let (partial, cut) = in_memory();
        for (name, _) in &order[..count] {
            let location = Location::from(format!("a/b/{name}"));
            let bytes = wait(async { objects.get(&location).await.unwrap().bytes().await }).unwrap();
            wait(partial.put(&location, bytes.into())).unwrap();
        }
        match cut.open_read_only::<Value>() {
            Ok(reader) => holds(&reader, &model, 0, reader.version()),
            Err(error) => {
                assert!(matches!(error, Error::NotAStore { .. }) && count == 0, "{count}: {error:?}");
            }
        }
        let done = store.archive(&cut).unwrap();
        assert_eq!((done.version, names(&partial)), (whole, names(&objects)));
        holds(&cut.open_read_only().unwrap(), &model, 0, whole);
    }
}

#[test]
fn a_large_segment_is_put_in_parts_and_is_the_same() {
    let place = tempfile::tempdir().unwrap();
    let store: Store<Value> = Options::new().segment_bytes(20 << 20).open(place.path().join("s")).unwrap();
    for n in 0..25u64 {
        let text: String = (0..100_000).map(|i| format!("{:010}", i * 7919 + n)).collect();
        store.produce(|doc| doc[format!("k{}", n % 3).as_str()] = text.as_str().into()).unwrap();
    }
    let archive = Archive::at(&format!("file://{}", place.path().join("archive").display())).unwrap();
    let done = store.archive(&archive).unwrap();
    assert!(done.copied_bytes > 16 << 20, "{done:?}");
    let first = "00000000000000000000.seg";
    let (kept, put) = (place.path().join("s").join(first), place.path().join("archive").join(first));
    assert!(std::fs::read(kept).unwrap() == std::fs::read(put).unwrap());
    let reader: Reader<Value> = archive.open_read_only().unwrap();
    assert_eq!(*reader.at(done.version).unwrap(), *store.at(done.version).unwrap());
}

#[test]
fn an_archive_is_used_from_asynchronous_code_too() {
    let (_, store, model) = written(5, 60, &[]);
    let place = tempfile::tempdir().unwrap();
    wait(async {
        let archive = Archive::at(&format!("file://{}", place.path().join("a").display())).unwrap();
        let done = store.archive(&archive).unwrap();
        holds(&archive.open_read_only().unwrap(), &model, 0, done.version);
    });
}

#[test]
fn nothing_sealed_is_nothing_to_read() {
    let (_, store, _) = written(6, 3, &[]);
    let (objects, archive) = in_memory();
    assert_eq!(store.archive(&archive).unwrap().version, 0);
    assert_eq!(names(&objects), [""; 0]);
    assert!(matches!(archive.open_read_only::<Value>(), Err(Error::NotAStore { .. })));
    let place = tempfile::tempdir().unwrap();
    assert!(matches!(archive.fetch(place.path().join("f")), Err(Error::NotAStore { .. })));
    assert!(!place.path().join("f").exists());
    assert!(dir().is_absolute());
}

#[test]
fn an_archive_of_another_store_or_history_is_refused_and_left_as_it_is() {
    let (disk, store, _) = written(7, 60, &[]);
    let (objects, archive) = in_memory();
    let copied = disk.process_kill();
    store.archive(&archive).unwrap();
    let before = names(&objects);
    let other: Store<Value> = Options::new()
        .env(redraft::io::Env::simulated(redraft::io::MemoryDisk::new(), 99))
        .segment_bytes(1024)
        .open("/other")
        .unwrap();
    (0..60).for_each(|n| drop(other.produce(|doc| doc["n"] = n.into()).unwrap()));
    assert!(matches!(other.archive(&archive), Err(Error::Foreign { .. })));

    (0..60).for_each(|n| drop(store.produce(|doc| doc["n"] = n.into()).unwrap()));
    store.archive(&archive).unwrap();
    let diverged = options(&copied).open::<Value>(dir()).unwrap();
    (0..90).for_each(|n| drop(diverged.produce(|doc| doc["m"] = n.into()).unwrap()));
    let refused = diverged.archive(&archive);
    assert!(matches!(refused, Err(Error::Diverged { offset: 60, .. })), "{refused:?}");
    assert!(names(&objects).starts_with(&before));
}
