//! A log is not taken for a store, nor a store for a log, and trying changes neither: each is opened by the layer that knows
//! what is acknowledged in it.

use crate::common::{contents, copy, dir, logs, segment_path, written};
use redraft::io::MemoryDisk;
use redraft::{Error, Store, Value};

#[test]
fn a_store_opened_as_a_log_is_refused_and_stays_as_it_is() {
    // A snapshot proves the last change; without it, what is damaged here would look like a torn write, and be cut.
    let (disk, store, model) = written(31, 30, &[30]);
    let killed = disk.process_kill();
    drop(store);
    let newest = killed.files().into_iter().rfind(|path| path.extension().is_some_and(|name| name == "seg"));
    let (path, mut bytes) = newest.map(|path| (path.clone(), killed.bytes(&path).unwrap())).unwrap();
    let solid = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    // The check of the last record is wrong, and the mark of 20 bytes behind it is gone.
    bytes[solid - 20] ^= 1;
    bytes[solid - 19..].fill(0);
    killed.put(&path, bytes);
    assert!(matches!(crate::common::open(&copy(&killed)), Err(Error::Damaged(_))), "the store knows better");
    for image in [copy(&disk), killed] {
        let before = contents(&image);
        let refused = logs::options(&image).open(dir());
        assert!(matches!(refused, Err(Error::Role { .. })), "{refused:?}");
        assert_eq!(before, contents(&image), "a refusal changes nothing");
    }
    assert_eq!(model.acked, 30);
}

#[test]
fn a_log_opened_as_a_store_is_refused_and_stays_as_it_is() {
    let disk = MemoryDisk::new();
    let log = logs::options(&disk).create(true).open(dir()).unwrap();
    log.append_all(["a", "b"]).unwrap();
    let killed = disk.process_kill();
    let mut bytes = killed.bytes(&segment_path(0)).unwrap();
    bytes[68] ^= 1;
    let torn = copy(&killed);
    torn.put(&segment_path(0), bytes);
    drop(log);
    for image in [&disk, &killed] {
        let refused = crate::common::reader(image).map(drop);
        assert!(matches!(refused, Err(Error::Role { .. })), "{refused:?}");
    }
    for image in [disk, killed, torn] {
        let before = contents(&image);
        let refused = crate::common::open(&image).map(|_: Store<Value>| ());
        assert!(matches!(refused, Err(Error::Role { .. } | Error::Damaged(_))), "{refused:?}");
        assert_eq!(before, contents(&image), "a refusal changes nothing");
    }
}
