//! A fork has the past of its source and a future of its own, for no more than links; nothing that is done to either is done to the
//! other.

use crate::common::watched::{Call, Watched};
use crate::common::{Model, contents, dir, edit, options, segment_path, written};
use redraft::io::{Access, Disk, MemoryDisk, RealDisk, SeededEntropy};
use redraft::{Error, ErrorKind, Fork, Options, Reader, Retention, Store, Value};
use std::io;
use std::path::{Path, PathBuf};

fn fork_dir() -> &'static Path {
    Path::new("/forks/one")
}

fn opened(disk: &(impl Disk + Clone + 'static), dir: &Path) -> Store<Value> {
    options(disk).open(dir).unwrap()
}

fn grow(store: &Store<Value>, model: &mut Model, count: u64) {
    let dice = SeededEntropy::new(count);
    for _ in 0..count {
        model.produce(store, &dice).unwrap();
    }
}

/// What is in a fork at some version of a model: the change that says so changes nothing.
fn branch(model: &Model, version: u64) -> Model {
    let mut states = model.states[..=version as usize].to_vec();
    states.push(model.states[version as usize].clone());
    Model { states, acked: version + 1, ..Model::new() }
}

/// The directory has the versions from `oldest` to the model's newest, each as it was, is sound, and nothing is left over in it.
fn holds(disk: &MemoryDisk, dir: &Path, model: &Model, oldest: u64) {
    let report = options(disk).verify(dir).unwrap();
    assert!(report.is_sound() && report.cut.is_none(), "{report:?}");
    let reader: Reader<Value> = options(disk).open_read_only(dir).unwrap();
    assert_eq!(
        (reader.oldest().unwrap(), reader.version(), report.intact),
        (oldest, model.newest(), model.newest())
    );
    for version in oldest..=model.newest() {
        assert_eq!(*reader.at(version).unwrap(), model.states[version as usize], "version {version}");
    }
    let leftover = |path: &PathBuf| path.to_string_lossy().contains(".tmp");
    assert!(!disk.files().iter().any(leftover), "{:?}", disk.files());
}

/// The files of a directory, and whether others have a name for them.
fn files(disk: &MemoryDisk, dir: &Path) -> Vec<(PathBuf, bool)> {
    let inside = disk.files().into_iter().filter(|path| path.starts_with(dir));
    inside.map(|path| (path.clone(), disk.is_shared(&path).unwrap())).collect()
}

#[test]
fn every_version_of_the_source_can_be_gone_on_from() {
    for version in 0..=40 {
        let (disk, store, mut model) = written(1, 40, &[13, 20, 33]);
        let done = store.fork(version, fork_dir()).unwrap();
        let mut other = branch(&model, version);
        assert_eq!(
            (done.version, done.oldest, done.segments_copied, done.snapshots_copied),
            (version, 0, 0, 0)
        );
        assert!(done.copied_bytes < 1200, "{done:?}");
        holds(&disk, fork_dir(), &other, 0);
        let fork = opened(&disk, fork_dir());
        assert!(fork.opened().cut.is_none() && fork.id() == store.id() && fork.version() == version + 1);
        grow(&fork, &mut other, 25);
        grow(&store, &mut model, 15);
        fork.snapshot().unwrap();
        fork.close().unwrap();
        store.close().unwrap();
        holds(&disk, fork_dir(), &other, 0);
        holds(&disk, dir(), &model, 0);
    }
}

#[test]
fn forks_of_the_newest_version_share_every_file_but_the_one_they_write() {
    let (disk, store, model) = written(1, 60, &[20, 40]);
    let done: Vec<Fork> = (0..20).map(|n| store.fork(60, format!("/forks/{n}")).unwrap()).collect();
    assert!(done.iter().all(|fork| *fork == done[0]), "{done:?}");
    assert!(done[0].copied_bytes < 300 && done[0].segments_linked > 3 && done[0].snapshots_linked == 2);
    for n in 0..20 {
        let dir = format!("/forks/{n}");
        let own: Vec<PathBuf> = files(&disk, dir.as_ref())
            .into_iter()
            .filter(|(_, shared)| !shared)
            .map(|(path, _)| path)
            .collect();
        assert_eq!(own, [Path::new(&dir).join(segment_path(60).file_name().unwrap())]);
        assert!(disk.bytes(&own[0]).unwrap().len() < 300);
        holds(&disk, dir.as_ref(), &branch(&model, 60), 0);
    }
}

/// The disk answers what it can, and the report tells; the fork is the same.
#[test]
fn what_cannot_be_linked_is_copied_and_the_report_tells() {
    for kind in [
        io::ErrorKind::Unsupported,
        io::ErrorKind::CrossesDevices,
        io::ErrorKind::TooManyLinks,
        io::ErrorKind::PermissionDenied,
    ] {
        let (disk, store, model) = written(1, 60, &[20, 40]);
        store.close().unwrap();
        let refusing =
            Watched::refusing(disk.clone(), move |call| matches!(call, Call::Link(..)).then_some(kind));
        let store = opened(&refusing, dir());
        let done = store.fork(60, fork_dir()).unwrap();
        assert_eq!((done.segments_linked, done.snapshots_linked, done.snapshots_copied), (0, 0, 2));
        assert!(done.segments_copied > 3 && done.copied_bytes > 3 << 10, "{done:?}");
        assert!(files(&disk, fork_dir()).iter().all(|(_, shared)| !shared));
        holds(&disk, fork_dir(), &branch(&model, 60), 0);
    }
}

/// No call of either store writes to a file that the other has a name for, whatever it does, and however the session before ended.
#[test]
fn no_file_with_two_names_is_ever_written_to() {
    let (disk, store, _) = written(1, 60, &[20, 40]);
    assert!(store.fork(60, fork_dir()).unwrap().copied_bytes < 300);
    for killed in [false, true] {
        let image = disk.process_kill();
        let looking = image.clone();
        let watched = Watched::new(image.clone(), move |call| {
            if let Call::Write(path, ..) | Call::SetLen(path, _) | Call::Allocate(path, _) = call {
                assert!(!looking.is_shared(path).unwrap_or(false), "{call:?}");
            }
        });
        let before = files(&image, fork_dir()).len();
        for dir in [dir(), fork_dir()] {
            for session in 0..2 {
                let store = opened(&watched, dir);
                store.snapshot().unwrap();
                store.pack().unwrap();
                for serial in 0..20 {
                    store.produce(|doc| doc["serial"] = (100 * session + serial).into()).unwrap();
                }
                store.compact_to(Retention::Changes(30)).unwrap();
                match killed {
                    true => drop(image.process_kill()),
                    false => store.close().unwrap(),
                }
            }
            let report = options(&image).verify(dir).unwrap();
            assert!(report.is_sound() && report.intact > 60, "{report:?}");
        }
        assert!(before > 4);
    }
}

#[test]
fn what_is_in_the_way_is_refused_and_left_as_it_is() {
    let (disk, store, _) = written(1, 60, &[]);
    store.fork(3, fork_dir()).unwrap();
    store.compact_to(Retention::Changes(20)).unwrap();
    let (oldest, before) = (store.oldest(), contents(&disk));
    assert!(oldest > 3);
    let kind = |version, target: &str| store.fork(version, target).unwrap_err();
    assert!(matches!(kind(61, "/new"), Error::BeyondHead { version: 61, head: 60 }));
    assert!(matches!(kind(3, "/new"), Error::Compacted { version: 3, oldest: kept } if kept == oldest));
    assert!(matches!(kind(60, "/forks/one"), Error::Exists { .. }));
    assert!(matches!(kind(60, "/store"), Error::Exists { .. }));
    for inside in ["/store/new", "/store/a/b/new"] {
        match kind(60, inside) {
            Error::Inside { path, store } => {
                assert_eq!((path.as_path(), store.as_path()), (Path::new(inside), dir()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kind(60, "/new/..").kind(), ErrorKind::Environment);
    // Somebody's store, under the name that is a fork's while it is made.
    options(&disk).create(true).open::<Value>("/new.tmp").unwrap().close().unwrap();
    assert!(matches!(kind(60, "/new"), Error::Exists { path } if path == Path::new("/new.tmp")));
    let after: Vec<_> =
        contents(&disk).into_iter().filter(|(path, _)| !path.starts_with("/new.tmp")).collect();
    assert_eq!(after, before);
    store.produce(|doc| doc["on"] = true.into()).unwrap();
    let reader: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
    assert!(matches!(reader.fork(99, "/other").unwrap_err(), Error::BeyondHead { version: 99, .. }));
}

#[test]
fn an_empty_directory_becomes_the_fork() {
    let (disk, store, model) = written(1, 20, &[]);
    disk.create_dir(Path::new("/empty")).unwrap();
    // What an interrupted beginning left.
    disk.put(Path::new("/empty/LOCK"), Vec::new());
    disk.put(Path::new("/empty/00000000000000000000.seg.tmp"), vec![1; 9]);
    store.fork(20, "/empty/").unwrap();
    holds(&disk, Path::new("/empty"), &branch(&model, 20), 0);
}

#[test]
fn a_reader_forks_beside_the_writer_without_writing_to_its_store() {
    for version in [0, 30, 59, 60] {
        let (disk, store, mut model) = written(1, 60, &[20, 40]);
        let before: Vec<_> = contents(&disk);
        let reader: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
        reader.fork(version, fork_dir()).unwrap();
        let after: Vec<_> = contents(&disk).into_iter().filter(|(path, _)| path.starts_with(dir())).collect();
        assert_eq!(after, before);
        holds(&disk, fork_dir(), &branch(&model, version), 0);
        grow(&store, &mut model, 5);
        holds(&disk, fork_dir(), &branch(&model, version), 0);
    }
}

/// As a session that failed to seal leaves it: what is seen of the seal may be in memory only, so it is nothing to build on.
#[test]
fn a_reader_shares_no_segment_that_may_not_be_sealed_for_good() {
    let (disk, store, model) = written(1, 60, &[]);
    store.fork(60, "/forks/other").unwrap();
    // The newest segment is empty now, and its session is not over.
    let reader: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
    let beside = reader.fork(60, fork_dir()).unwrap();
    let copied: Vec<_> = files(&disk, fork_dir()).into_iter().filter(|(_, shared)| !shared).collect();
    assert!(copied.len() == 1 && beside.copied_bytes > 300, "{beside:?}");
    holds(&disk, fork_dir(), &branch(&model, 60), 0);
    store.close().unwrap();
    let reader: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
    let closed = reader.fork(60, "/forks/third").unwrap();
    assert_eq!((closed.segments_linked, closed.copied_bytes < 300), (beside.segments_linked + 1, true));
}

#[test]
fn forks_of_forks_share_what_their_sources_share() {
    let (disk, mut store, mut model) = written(1, 40, &[20]);
    for generation in 0..6 {
        let target = PathBuf::from(format!("/forks/{generation}"));
        let done = store.fork(model.newest(), &target).unwrap();
        assert_eq!((done.segments_copied, done.snapshots_copied), (0, 0));
        model = branch(&model, model.newest());
        store = opened(&disk, &target);
        grow(&store, &mut model, 9 + generation);
        holds(&disk, &target, &model, 0);
    }
    assert!(disk.is_shared(&Path::new("/forks/5").join(segment_path(0).file_name().unwrap())).unwrap());
}

#[test]
fn what_is_given_up_packed_or_redacted_in_one_is_as_it_was_in_the_other() {
    let (disk, store, model) = written(1, 80, &[20, 40, 79]);
    store.fork(80, fork_dir()).unwrap();
    store.fork(60, "/forks/two").unwrap();
    store.pack().unwrap();
    store.compact_to(Retention::Changes(10)).unwrap();
    store.close().unwrap();
    holds(&disk, fork_dir(), &branch(&model, 80), 0);
    let place = redraft::value::Pointer::parse("/serial").unwrap();
    options(&disk).plan_redaction(fork_dir(), [place]).unwrap().carry_out().unwrap();
    holds(&disk, Path::new("/forks/two"), &branch(&model, 60), 0);
    let redacted: Reader<Value> = options(&disk).open_read_only(fork_dir()).unwrap();
    assert!(redacted.at(70).unwrap()["serial"].is_null() && !model.states[70]["serial"].is_null());
    let report = options(&disk).verify(dir()).unwrap();
    assert!(report.is_sound() && report.intact == 80, "{report:?}");
    // A fork of what begins later begins there too.
    let source: Store<Value> = opened(&disk, dir());
    let oldest = source.oldest();
    for version in [oldest, oldest + 3, 80] {
        let target = PathBuf::from(format!("/forks/late/{version}"));
        assert_eq!(source.fork(version, &target).unwrap().oldest, oldest);
        holds(&disk, &target, &branch(&model, version), oldest);
    }
}

#[test]
fn a_backup_can_be_gone_on_from() {
    let (disk, store, model) = written(1, 50, &[20]);
    store.backup("/backup").unwrap();
    let backup: Reader<Value> = options(&disk).open_read_only("/backup").unwrap();
    backup.fork(33, fork_dir()).unwrap();
    let mut other = branch(&model, 33);
    grow(&opened(&disk, fork_dir()), &mut other, 10);
    holds(&disk, fork_dir(), &other, 0);
    // And a fork has backups of its own, which are not those of its source.
    opened(&disk, fork_dir()).backup("/another").unwrap();
    let refused = opened(&disk, fork_dir()).backup("/backup");
    assert!(matches!(refused, Err(Error::Diverged { offset: 33, .. })), "{refused:?}");
    holds(&disk, Path::new("/backup"), &model, 0);
}

/// Each changes at the same time as it is forked.
#[test]
fn what_is_changed_while_it_is_forked_is_in_the_fork_up_to_its_version() {
    let (disk, store, _) = written(1, 5, &[]);
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let dice = SeededEntropy::new(3);
            for serial in 0..300 {
                store.produce(|doc| edit(doc, &dice, serial)).unwrap();
            }
        });
        let mut made = 0;
        while !changing.is_finished() || made < 10 {
            let (version, state) = store.newest();
            let target = PathBuf::from(format!("/forks/{made}"));
            store.fork(version, &target).unwrap();
            let fork: Reader<Value> = options(&disk).open_read_only(&target).unwrap();
            assert_eq!((fork.version(), &*fork.state()), (version + 1, &*state));
            assert!(options(&disk).verify(&target).unwrap().is_sound());
            made += 1;
        }
    });
}

/// Files of a real file system, with links that it counts.
#[test]
fn a_fork_takes_no_more_of_a_real_disk_than_links() {
    let place = tempfile::tempdir().unwrap();
    let (path, other) = (place.path().join("s"), place.path().join("f"));
    let store: Store<Value> = Options::new().segment_bytes(16 << 10).open(&path).unwrap();
    for n in 0..400 {
        drop(store.submit(|doc| doc["text"] = format!("{n} ").repeat(100).into()).unwrap());
    }
    store.sync().unwrap();
    let done = store.fork(400, &other).unwrap();
    assert!(done.segments_linked > 5 && done.segments_copied == 0 && done.copied_bytes < 5 << 10, "{done:?}");
    let names = RealDisk.list(&other).unwrap();
    let own = names.into_iter().filter(|name| !RealDisk.is_shared(&other.join(name)).unwrap());
    let own: u64 =
        own.map(|name| RealDisk.open(&other.join(name), Access::Read).unwrap().len().unwrap()).sum();
    assert!(own < 5 << 10, "{own} bytes");
    let fork = Store::<Value>::open(&other).unwrap();
    fork.produce(|doc| doc["text"] = "other".into()).unwrap();
    assert_eq!((fork.version(), store.version()), (402, 400));
    assert!(redraft::verify(&other).unwrap().is_sound());
}
