//! Whatever happens to the bytes on their way, nothing wrong is appended; and it is told, unless all that should come came.
//!
//! Each way of going wrong is tried at every place of a feed: a bit flipped, the wire cut, a frame lost, doubled, or swapped with
//! the next one.

use crate::common::{counted, dir, env, options, seed, written};
use crate::wire::{Wire, bytes_of};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::replica::{Beginning, Directory, Feed, Source};
use redraft::{Error, ErrorKind, Mirror};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

const CHANGES: u64 = 25;
const HEADER_BYTES: usize = 64;
const MARK_BYTES: usize = 20;

fn source(disk: &MemoryDisk) -> Directory {
    Directory::open_in(&env(disk), dir()).unwrap()
}

/// The feed of a small store, and where its frames are.
fn feed(disk: &MemoryDisk) -> (Vec<u8>, Vec<Range<usize>>) {
    let reader = options(disk).open_read_only::<redraft::Value>(dir()).unwrap();
    let bytes = bytes_of(Feed::from_log(&reader.log(), 0).unwrap());
    let (mut frames, mut at) = (Vec::new(), HEADER_BYTES);
    while at < bytes.len() - MARK_BYTES {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        frames.push(at..at + length + 8);
        at += length + 8;
    }
    assert_eq!(frames.len() as u64, CHANGES);
    (bytes, frames)
}

/// Lets a new mirror catch up over a wire that carries `bytes`, and then over an honest one. Whether the first said anything.
fn carries(disk: &MemoryDisk, bytes: Vec<u8>, breaks: bool) -> Option<Error> {
    let copy = MemoryDisk::new();
    let options = options(&copy).create(true);
    let wire = Arc::new(Wire::new(source(disk), move |_| (bytes.clone(), breaks)));
    let mut mirror = options.mirror_of(wire, dir(), Beginning::Oldest).unwrap();
    let told = mirror.catch_up().err();
    let durable = mirror.version();
    drop(mirror);
    assert!(is_a_beginning(disk, &copy) >= durable);
    let mut mirror = options.mirror_of(Wire::honest(source(disk)), dir(), Beginning::Oldest).unwrap();
    assert_eq!(mirror.catch_up().unwrap().version, CHANGES);
    mirror.close().unwrap();
    assert_eq!(is_a_beginning(disk, &copy), CHANGES);
    told
}

/// What is there is a beginning of the source's history; how much of it.
fn is_a_beginning(disk: &MemoryDisk, copy: &MemoryDisk) -> u64 {
    let report = options(copy).verify(dir()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let (ours, theirs) = (source(copy), source(disk));
    assert_eq!(ours.chain_at(report.intact).unwrap(), theirs.chain_at(report.intact).unwrap());
    report.intact
}

fn is_told(told: Option<&Error>) {
    let error = told.unwrap_or_else(|| panic!("nothing was told"));
    assert!(
        matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Diverged | ErrorKind::Newer),
        "{error:?}"
    );
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (disk, _store, _) = written(1, CHANGES, &[]);
    let (bytes, _) = feed(&disk);
    let dice = SeededEntropy::new(seed(2));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << dice.below(8);
        let told = carries(&disk, flipped, false);
        is_told(told.as_ref());
    }
    counted(bytes.len() as u64, "flipped bits on the wire");
}

#[test]
fn a_wire_cut_anywhere_is_noticed_and_what_came_before_is_kept() {
    let (disk, _store, _) = written(3, CHANGES, &[]);
    let (bytes, _) = feed(&disk);
    for end in 0..bytes.len() {
        for breaks in [false, true] {
            is_told(carries(&disk, bytes[..end].to_vec(), breaks).as_ref());
        }
    }
    counted(2 * bytes.len() as u64, "cuts of the wire");
}

#[test]
fn a_frame_lost_doubled_or_swapped_is_found() {
    let (disk, _store, _) = written(4, CHANGES, &[]);
    let (bytes, frames) = feed(&disk);
    for (index, frame) in frames.iter().enumerate() {
        let lost = [&bytes[..frame.start], &bytes[frame.end..]].concat();
        is_told(carries(&disk, lost, false).as_ref());
        let doubled = [&bytes[..frame.end], &bytes[frame.start..]].concat();
        is_told(carries(&disk, doubled, false).as_ref());
        if let Some(next) = frames.get(index + 1) {
            let swapped =
                [&bytes[..frame.start], &bytes[next.clone()], &bytes[frame.clone()], &bytes[next.end..]];
            is_told(carries(&disk, swapped.concat(), false).as_ref());
        }
    }
    // Without the mark in the end nobody can know that it is the end.
    is_told(carries(&disk, bytes[..bytes.len() - MARK_BYTES].to_vec(), false).as_ref());
    let marks = [&bytes[..], &bytes[bytes.len() - MARK_BYTES..]].concat();
    assert!(carries(&disk, marks, false).is_none(), "a mark may come again");
}

/// The feed of another store, or of another part of this one, continues nothing.
#[test]
fn what_nobody_asked_for_is_refused() {
    let (disk, _store, _) = written(5, CHANGES, &[]);
    let reader = options(&disk).open_read_only::<redraft::Value>(dir()).unwrap();
    is_told(carries(&disk, bytes_of(Feed::from_log(&reader.log(), 7).unwrap()), false).as_ref());
    let other = MemoryDisk::new();
    let theirs: redraft::Store =
        options(&other).env(Env::simulated(other, 8)).create(true).open(dir()).unwrap();
    theirs.produce(|doc| doc["n"] = 1.into()).unwrap();
    let told = carries(&disk, bytes_of(Feed::of(&theirs, 0).unwrap()), false);
    assert!(matches!(told, Some(Error::Foreign { .. })), "{told:?}");
    for rubbish in [vec![0; 4096], vec![255; 4096], b"HTTP/1.1 200 OK\r\n\r\n<html>".repeat(10)] {
        is_told(carries(&disk, rubbish, false).as_ref());
    }
}

/// A length of a gigabyte costs no memory before a gigabyte has come, and a snapshot that was changed on its way is not begun with.
#[test]
fn a_snapshot_that_was_changed_on_its_way_begins_nothing() {
    let (disk, store, _) = written(7, CHANGES, &[20]);
    store.compact_to(redraft::Retention::Changes(2)).unwrap();
    let oldest = store.oldest();
    assert!(oldest > 0);
    let path = crate::common::snapshot_path(oldest);
    let bytes = disk.bytes(&path).unwrap();
    for at in (0..bytes.len()).step_by(3) {
        let copy = MemoryDisk::new();
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        let wire = Wire::new(source(&disk), move |_| (flipped.clone(), false));
        let begun = options(&copy).create(true).mirror_of(Arc::new(wire), dir(), Beginning::Oldest);
        assert!(begun.is_err(), "byte {at} of the snapshot was flipped");
        let mut mirror: Mirror = options(&copy)
            .create(true)
            .mirror_of(Wire::honest(source(&disk)), dir(), Beginning::Oldest)
            .unwrap();
        assert_eq!(mirror.catch_up().unwrap().version, CHANGES);
        assert!(copy.bytes(&Path::new("/store").join(path.file_name().unwrap())).is_some());
    }
}
