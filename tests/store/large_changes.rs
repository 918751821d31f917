//! A change larger than a segment gets a segment as large as it needs, and is guarded like any other.

use crate::common::{check, copy, dir, open, options, reader, segment_path};
use redraft::io::MemoryDisk;
use redraft::{Error, Value};

fn large(bytes: usize) -> Value {
    Value::Bytes(vec![7; bytes].into())
}

#[test]
fn a_first_change_larger_than_the_segment_is_kept_and_its_loss_is_noticed() {
    let disk = MemoryDisk::new();
    let store = options(&disk).segment_bytes(512).create(true).open::<Value>(dir()).unwrap();
    store.produce(|doc| doc["large"] = large(3000)).unwrap();
    store.close().unwrap();
    assert_eq!(open(&copy(&disk)).unwrap().state()["large"], large(3000));
    assert!(check(&disk).unwrap().is_sound());

    let path = segment_path(0);
    let whole = disk.bytes(&path).unwrap();
    let mark = whole.windows(4).rposition(|word| word == [0xff; 4]).unwrap();
    for len in [512, 600, 1000, 2000, mark - 1, mark, mark + 15] {
        let cut = copy(&disk);
        cut.put(&path, whole[..len].to_vec());
        assert!(
            matches!(open(&cut), Err(Error::Damaged(_))),
            "cut to {len} bytes, the change is gone silently"
        );
        assert!(!check(&cut).unwrap().is_sound());
    }
}

#[test]
fn large_and_small_changes_mix() {
    let disk = MemoryDisk::new();
    let store = options(&disk).segment_bytes(512).create(true).open::<Value>(dir()).unwrap();
    let seen = options(&disk).open_read_only::<Value>(dir()).unwrap();
    let mut changes = store.changes(..).unwrap();
    for n in 0..40_usize {
        store.produce(|doc| doc["n"] = large(1 + n % 5 * 400)).unwrap();
        assert_eq!(changes.next().unwrap().unwrap().version, n as u64 + 1);
        assert_eq!(seen.refresh().unwrap(), n as u64 + 1);
        assert_eq!(*seen.state(), *store.state());
    }
    store.close().unwrap();
    assert!(check(&disk).unwrap().is_sound());
    assert_eq!(reader(&disk).unwrap().version(), 40);
}
