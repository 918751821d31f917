//! Found by the fuzz target `directory`: one flipped bit in a segment without records turns the tag of its mark into that
//! of a footer, and a reader went on to the next segment, which was the same one, for ever. In a segment with records it
//! took the tag for proof and the next segment for missing, where a writer cuts and goes on.

use crate::common::{check, open, options, reader, segment_path};
use redraft::io::MemoryDisk;
use std::time::Duration;

/// A store of so many changes whose process was killed, and whose mark lost a bit.
fn flipped(changes: i64) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store = options(&disk).create(true).open::<redraft::Value>(crate::common::dir()).unwrap();
    (0..changes).for_each(|n| drop(store.produce(|doc| doc["n"] = n.into()).unwrap()));
    let image = disk.process_kill();
    let mut bytes = image.bytes(&segment_path(0)).unwrap();
    let mark = bytes.windows(4).rposition(|word| word == [0xff; 4]).unwrap();
    bytes[mark] ^= 1;
    image.put(&segment_path(0), bytes);
    image
}

fn readable(changes: i64) {
    let image = flipped(changes);
    let (tell, told) = std::sync::mpsc::channel();
    let copy = image.clone();
    std::thread::spawn(move || tell.send(reader(&copy).map(|reader| reader.version())));
    let version = told.recv_timeout(Duration::from_secs(10)).expect("a reader that comes to an end");
    let report = check(&image).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert!(version.unwrap() as i64 >= changes - 1);
    assert_eq!(open(&image).unwrap().version() as i64, changes);
}

#[test]
fn a_reader_of_an_empty_segment_with_the_tag_of_a_footer_comes_to_an_end() {
    readable(0);
}

#[test]
fn the_tag_of_a_footer_alone_proves_nothing() {
    readable(3);
}
