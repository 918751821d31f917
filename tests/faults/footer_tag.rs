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

/// The tag of a footer in the place of a record, in a segment that has a real footer: what looked for the record at the
/// beginning of a segment did so for ever, and one further on was called a missing segment.
#[test]
fn the_tag_of_a_footer_in_the_place_of_a_record_is_damage_of_that_record() {
    let (disk, store, _) = crate::common::written(31, 45, &[]);
    store.close().unwrap();
    let first_frame = 64;
    let bytes = disk.bytes(&segment_path(0)).unwrap();
    let length = u32::from_le_bytes(*bytes[first_frame..].first_chunk().unwrap()) as usize;
    for (at, offset) in [(first_frame, 0), (first_frame + length + 8, 1)] {
        let image = disk.process_kill();
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
        image.put(&segment_path(0), bytes);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || drop(tell.send([open(&image).err(), reader(&image).err()])));
        let errors = told.recv_timeout(Duration::from_secs(10)).expect("an answer");
        for error in errors {
            let damage = error.as_ref().and_then(redraft::Error::damage).expect("damage");
            assert_eq!((damage.byte, damage.intact), (at as u64, Some(offset)), "{damage}");
            assert!(matches!(damage.defect, redraft::Defect::Hole { .. }), "{damage}");
        }
    }
}
