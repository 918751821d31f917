//! An archive that somebody else has put things into: names that lead elsewhere, links, files of other stores, bytes that are not
//! what was put there. Nothing is written outside of the directory asked for, and nothing wrong is shown.

use crate::common::written;
use object_store::memory::InMemory;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt};
use redraft::{Archive, Error, Reader, Value};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn url(dir: &Path) -> String {
    format!("file://{}", dir.display())
}

/// An archive in a directory, and the version it has.
fn archived(dir: &Path) -> (Archive, u64) {
    let (_, store, _) = written(1, 60, &[20]);
    let archive = Archive::at(&url(dir)).unwrap();
    let version = store.archive(&archive).unwrap().version;
    (archive, version)
}

fn tree(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
        found.insert(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(tree(&entry.path()));
        }
    }
    found
}

#[test]
fn names_that_are_not_a_stores_are_never_paths() {
    let (_, store, _) = written(1, 60, &[]);
    let objects = Arc::new(InMemory::new());
    let archive = Archive::new(Arc::clone(&objects) as Arc<dyn ObjectStore>, "a").unwrap();
    let version = store.archive(&archive).unwrap().version;
    for name in [
        "a/..%2F..%2Fx.seg",
        "a/../x",
        "a/sub/00000000000000000000.seg",
        "a/LOCK",
        "a/x.tmp",
        "a/1.seg",
        "a/%00.snap",
    ] {
        let location = Location::parse(name).unwrap_or_else(|_| Location::from(name));
        crate::pushed::wait(objects.put(&location, "rubbish".into())).unwrap();
    }
    let place = tempfile::tempdir().unwrap();
    fs::create_dir_all(place.path().join("deep/in")).unwrap();
    let done = archive.fetch(place.path().join("deep/in/here")).unwrap();
    assert_eq!(done.version, version);
    let outside: Vec<_> = tree(place.path())
        .into_iter()
        .filter(|path| !path.starts_with(place.path().join("deep/in/here")))
        .collect();
    assert_eq!(outside, [place.path().join("deep"), place.path().join("deep/in")]);
    let is_ours = |path: &PathBuf| path.extension().is_some_and(|end| end == "seg") || path.ends_with("LOCK");
    assert!(tree(&place.path().join("deep/in/here")).iter().all(is_ours));
}

#[test]
fn links_in_a_directory_are_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("archive");
    let (archive, version) = archived(&dir);
    // The last segment stands elsewhere, and a link leads there.
    let last = tree(&dir).into_iter().rfind(|path| path.extension().is_some_and(|end| end == "seg")).unwrap();
    fs::rename(&last, place.path().join("secret")).unwrap();
    symlink(place.path().join("secret"), &last).unwrap();
    let reader: Reader<Value> = archive.open_read_only().unwrap();
    assert!(reader.version() < version, "what is behind the link is not shown");
    assert!(archive.fetch(place.path().join("f")).unwrap().version < version);
}

#[test]
fn a_flipped_bit_anywhere_is_told_or_does_no_harm() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("archive");
    let (archive, version) = archived(&dir);
    let sound: Reader<Value> = archive.open_read_only().unwrap();
    let states: Vec<Value> = (0..=version).map(|version| (*sound.at(version).unwrap()).clone()).collect();
    let (mut told, mut harmless) = (0, 0);
    for path in tree(&dir) {
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(37) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, bad).unwrap();
            // Anew: a block that was good may be at hand.
            let archive = Archive::at(&url(&dir)).unwrap();
            let into = tempfile::tempdir().unwrap();
            match archive.fetch(into.path().join("f")) {
                Err(Error::Damaged(_) | Error::Newer { .. } | Error::NotAStore { .. }) => told += 1,
                Err(error) => panic!("{}, byte {at}: {error:?}", path.display()),
                Ok(done) => {
                    let fetched: Reader<Value> = Reader::open(into.path().join("f")).unwrap();
                    assert!(redraft::verify(into.path().join("f")).unwrap().is_sound());
                    for version in 0..=done.version {
                        assert_eq!(*fetched.at(version).unwrap(), states[version as usize]);
                    }
                    assert!(
                        done.version == version || !done.passed_over.is_empty(),
                        "{}, {at}",
                        path.display()
                    );
                    harmless += 1;
                }
            }
        }
        fs::write(&path, good).unwrap();
    }
    assert!(told > 50 && harmless > 0, "{told} told, {harmless} without harm");
}

#[test]
fn files_that_are_cut_or_gone_are_told() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("archive");
    let (_, version) = archived(&dir);
    let segments: Vec<_> =
        tree(&dir).into_iter().filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
    for path in &segments {
        let good = fs::read(path).unwrap();
        for keep in [0, 10, 64, 100, good.len() / 2, good.len() - 1] {
            fs::write(path, &good[..keep]).unwrap();
            let answer = Archive::at(&url(&dir)).unwrap().fetch(place.path().join("none"));
            assert!(matches!(answer, Err(Error::Damaged(_))), "{}, {keep}: {answer:?}", path.display());
            assert!(!place.path().join("none").exists());
        }
        fs::write(path, good).unwrap();
    }
    fs::remove_file(&segments[1]).unwrap();
    let answer = Archive::at(&url(&dir)).unwrap().fetch(place.path().join("none"));
    assert!(matches!(answer, Err(Error::Damaged(_))), "{answer:?}");
    assert!(version > 0);
}

#[test]
fn what_is_no_archive_is_refused() {
    for (wrong, kind) in [
        ("not a url", std::io::ErrorKind::InvalidInput),
        ("s3://bucket/path", std::io::ErrorKind::Unsupported),
        ("https://example.com/x", std::io::ErrorKind::Unsupported),
    ] {
        let refused = Archive::at(wrong).unwrap_err();
        assert_eq!(refused.io().map(std::io::Error::kind), Some(kind), "{wrong}: {refused:?}");
    }
}
