//! The recovery table of FORMAT.md, row by row: what is found on disk, and what is decided about it.
//!
//! Facts are compared as fields. Whether a row says "damage", "refuse" or "use", readers decide as writers do.

use crate::common::{
    Model, check, contents, copy, dir, open, options, reader, segment_path, snapshot_path, written,
};
use redraft::io::MemoryDisk;
use redraft::{Damage, Defect, Error, Occupant, Store, Value};
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 64;
const MARK_BYTES: usize = 20;

/// A closed store of several segments.
fn closed() -> (MemoryDisk, Model) {
    let (disk, store, model) = written(31, 45, &[]);
    store.close().unwrap();
    (disk, model)
}

/// The same, but the process was killed.
fn killed() -> (MemoryDisk, Model) {
    let (disk, store, model) = written(31, 45, &[]);
    let image = disk.process_kill();
    drop(store);
    (image, model)
}

/// Base offsets of the segments, ascending.
fn bases(disk: &MemoryDisk) -> Vec<u64> {
    let name = |path: PathBuf| path.file_name().and_then(|name| name.to_str().map(String::from));
    let names = disk.files().into_iter().filter_map(name);
    names.filter_map(|name| name.strip_suffix(".seg")?.parse().ok()).collect()
}

fn last_segment(disk: &MemoryDisk) -> PathBuf {
    segment_path(*bases(disk).last().unwrap())
}

/// Where the records of an unsealed segment end: at the last mark in it.
fn end_of_records(bytes: &[u8]) -> usize {
    bytes.windows(4).rposition(|word| word == [0xff; 4]).unwrap()
}

fn edit(disk: &MemoryDisk, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = disk.bytes(path).unwrap();
    change(&mut bytes);
    disk.put(path, bytes);
}

/// Changes a header field and makes its checksum good again.
fn edit_header(disk: &MemoryDisk, path: &Path, at: usize, with: &[u8]) {
    edit(disk, path, |bytes| {
        bytes[at..at + with.len()].copy_from_slice(with);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&bytes[..56]);
        hasher.update(&bytes[60..HEADER_BYTES]);
        bytes[56..60].copy_from_slice(&hasher.finalize().to_le_bytes());
    });
}

fn remove(disk: &MemoryDisk, path: &Path) {
    redraft::io::Disk::remove(disk, path).unwrap();
    redraft::io::Disk::sync_dir(disk, dir()).unwrap();
}

/// What a writer says of the image; a reader must say the same, and neither may change a byte.
fn refusal(disk: &MemoryDisk) -> Error {
    let before = contents(disk);
    let writer = open(disk).map(|store| store.version()).unwrap_err();
    let reader = reader(disk).map(|reader| reader.version()).unwrap_err();
    assert_eq!(writer.to_string(), reader.to_string());
    assert_eq!(contents(disk), before, "a refused store is left as it was");
    writer
}

fn damage(disk: &MemoryDisk) -> Damage {
    match refusal(disk) {
        Error::Damaged(damage) => damage,
        other => panic!("not damage: {other:?}"),
    }
}

/// The image opens with everything the model has, and takes another change.
fn usable(disk: &MemoryDisk, model: &Model) -> Store<Value> {
    let store = open(disk).unwrap();
    assert_eq!(store.version(), model.acked);
    assert_eq!(Some(&*store.state()), model.states.last());
    store.produce(|doc| doc["and"] = "on".into()).unwrap();
    store
}

#[test]
fn a_directory_without_segments_is_not_a_store_but_can_become_one() {
    let disk = MemoryDisk::new();
    assert!(matches!(refusal(&disk), Error::NotAStore { .. }), "it does not exist");
    redraft::io::Disk::create_dir(&disk, dir()).unwrap();
    assert!(matches!(refusal(&disk), Error::NotAStore { .. }), "it is empty");
    disk.put(&dir().join("00000000000000000000.tmp"), vec![1, 2, 3]);
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    assert_eq!(store.version(), 0);
}

#[test]
fn unfinished_files_are_ignored_by_readers_and_removed_by_writers() {
    let (disk, model) = closed();
    let unfinished = dir().join("00000000000000000099.tmp");
    disk.put(&unfinished, vec![0xab; 700]);
    assert_eq!(reader(&disk).unwrap().version(), model.acked);
    assert!(disk.bytes(&unfinished).is_some());
    drop(usable(&disk, &model));
    assert!(disk.bytes(&unfinished).is_none());
}

#[test]
fn a_header_that_fails_its_check_is_damage() {
    let (disk, _) = closed();
    for base in bases(&disk) {
        let image = copy(&disk);
        edit(&image, &segment_path(base), |bytes| bytes[20] ^= 0x10);
        let found = damage(&image);
        assert_eq!((found.path, found.byte), (segment_path(base), 0));
        assert!(matches!(found.defect, Defect::Checksum { part: "the header", .. }), "{:?}", found.defect);
    }
    edit(&disk, &segment_path(0), |bytes| bytes[0] = b'X');
    assert_eq!(damage(&disk).defect, Defect::Magic);
}

/// An offset that counting on from would overflow is no offset; the largest is one.
#[test]
fn an_offset_that_cannot_be_is_damage_of_the_header() {
    let (disk, _) = closed();
    let last = last_segment(&disk);
    for (base, cannot_be) in [(1_u64 << 62, false), ((1 << 62) + 1, true), (u64::MAX, true)] {
        let image = copy(&disk);
        edit_header(&image, &last, 32, &base.to_le_bytes());
        let found = damage(&image);
        assert_eq!((&found.path, found.byte), (&last, 32));
        let length =
            matches!(found.defect, Defect::Length { found, most, .. } if (found, most) == (base, 1 << 62));
        assert_eq!(length, cannot_be, "{base}: {:?}", found.defect);
    }
}

#[test]
fn a_newer_format_is_refused_and_left_untouched() {
    let (disk, _) = closed();
    let last = last_segment(&disk);
    for (at, with, field) in [(8, 2, "format version"), (10, 7, "record codec"), (11, 0x82, "flags")] {
        let image = copy(&disk);
        edit_header(&image, &last, at, &[with]);
        match refusal(&image) {
            Error::Newer { path, what, found, .. } => {
                assert_eq!((path, what, found), (last.clone(), field, with.into()));
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    // A format that keeps its checksum elsewhere is told from a flipped bit by how much differs.
    edit(&disk, &last, |bytes| bytes[8] = 99);
    assert!(matches!(refusal(&disk), Error::Newer { found: 99, .. }));
}

#[test]
fn a_file_under_another_name_is_damage() {
    let (disk, _) = closed();
    let second = bases(&disk)[1];
    let bytes = disk.bytes(&segment_path(second)).unwrap();
    disk.put(&segment_path(second + 1), bytes);
    remove(&disk, &segment_path(second));
    let found = damage(&disk);
    assert_eq!(found.defect, Defect::Misnamed { named: second + 1, found: second });
}

#[test]
fn segments_of_another_store_are_damage() {
    let (disk, _) = closed();
    let (other, store, _) = {
        let other = MemoryDisk::new();
        let env = redraft::io::Env::simulated(other.clone(), 8);
        let store = options(&other).env(env).create(true).open::<Value>(dir()).unwrap();
        (other, store, ())
    };
    for number in 0..60i64 {
        store.produce(|doc| doc["n"] = number.into()).unwrap();
    }
    store.close().unwrap();
    let second = bases(&disk)[1];
    edit_header(&disk, &segment_path(second), 16, &other.bytes(&segment_path(0)).unwrap()[16..32]);
    let found = damage(&disk);
    assert_eq!(
        (found.path, found.defect, found.intact),
        (segment_path(second), Defect::Foreign, Some(second))
    );
}

#[test]
fn a_missing_segment_in_the_middle_is_damage() {
    let (disk, _) = closed();
    let all = bases(&disk);
    remove(&disk, &segment_path(all[1]));
    let found = damage(&disk);
    assert_eq!(found.defect, Defect::Gap { expected: all[1], found: all[2] });
    assert_eq!((found.path, found.intact), (segment_path(all[2]), Some(all[1])));
}

#[test]
fn a_segment_that_continues_another_history_is_damage() {
    let (disk, _) = closed();
    let second = bases(&disk)[1];
    edit_header(&disk, &segment_path(second), 60, &[1, 2, 3, 4]);
    let found = damage(&disk);
    assert!(matches!(found.defect, Defect::Chain { found: 0x0403_0201, .. }), "{:?}", found.defect);
    assert_eq!((found.path, found.intact), (segment_path(second), Some(second)));
}

/// Every record is good by itself here; only the chain tells that they changed places.
#[test]
fn records_that_changed_places_are_damage() {
    let (disk, model) = {
        let disk = MemoryDisk::new();
        let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
        (1..=4i64).for_each(|number| drop(store.produce(|doc| doc["n"] = number.into()).unwrap()));
        store.close().unwrap();
        (disk, 4)
    };
    let path = segment_path(0);
    let bytes = disk.bytes(&path).unwrap();
    let starts: Vec<usize> = (0..model).fold(vec![HEADER_BYTES], |mut starts, _| {
        let at = starts[starts.len() - 1];
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        starts.push(at + length + 8);
        starts
    });
    let (second, third) = (starts[1]..starts[2], starts[2]..starts[3]);
    let mut swapped = bytes.clone();
    swapped.splice(starts[1]..starts[3], [&bytes[third], &bytes[second]].concat());
    disk.put(&path, swapped);
    assert_eq!(damage(&disk).intact, Some(1));
}

#[test]
fn a_missing_first_segment_is_damage() {
    let (disk, _) = closed();
    let all = bases(&disk);
    remove(&disk, &segment_path(0));
    assert_eq!(damage(&disk).defect, Defect::Gap { expected: 0, found: all[1] });
}

#[test]
fn snapshots_whose_segments_are_all_gone_are_named_and_stay() {
    let (disk, store, _) = written(17, 60, &[30]);
    store.close().unwrap();
    bases(&disk).into_iter().for_each(|base| remove(&disk, &segment_path(base)));
    let before = contents(&disk);
    let refused = [
        reader(&disk).map(drop).unwrap_err(),
        open(&disk).map(drop).unwrap_err(),
        check(&disk).map(drop).unwrap_err(),
        options(&disk).create(true).open::<Value>(dir()).map(drop).unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, Error::NotAStore { found: Occupant::Remains, .. }), "{error:?}");
    }
    assert_eq!(contents(&disk), before);
}

#[test]
fn what_an_interrupted_truncation_left_is_passed_over_and_removed() {
    let (disk, store, model) = written(17, 60, &[]);
    let before = contents(&disk);
    let oldest = store.compact_to(redraft::Retention::Changes(20)).unwrap().oldest;
    let image = disk.process_kill();
    let left: Vec<_> = before.into_iter().filter(|(path, _)| image.bytes(path).is_none()).collect();
    // Any number of the last ones that were to go.
    for keep in 1..left.len() {
        let image = copy(&image);
        left[left.len() - keep..].iter().for_each(|(path, bytes)| image.put(path, bytes.clone()));
        let reader = reader(&image).unwrap();
        assert_eq!((reader.oldest().unwrap(), reader.version()), (oldest, 60));
        let gone = reader.at(oldest - 1);
        assert!(matches!(gone, Err(Error::Compacted { oldest: said, .. }) if said == oldest), "{gone:?}");
        assert!(crate::common::check(&image).unwrap().is_sound());
        let store = open(&image).unwrap();
        assert_eq!((store.oldest(), &*store.state()), (oldest, &model.states[60]));
        assert!(left.iter().all(|(path, _)| image.bytes(path).is_none()), "they are gone now");
    }
}

#[test]
fn a_restored_store_without_its_first_snapshot_is_damage() {
    let (disk, _) = closed();
    let target = Path::new("/restored");
    open(&disk).unwrap().restore(20, target).unwrap();
    redraft::io::Disk::remove(&disk, &target.join("00000000000000000020.snap")).unwrap();
    let Err(Error::Damaged(found)) = options(&disk).open::<Value>(target) else { panic!("not damage") };
    assert_eq!(found.defect, Defect::BaseMissing { oldest: 20 });
}

/// Found by the fuzz target `segment`: to whoever wanted to follow such a store it was said that a file was not found, as
/// if there were no store, and not that the store is damaged.
#[test]
fn following_a_restored_store_without_its_first_snapshot_names_the_damage() {
    let (disk, _) = closed();
    let source = Path::new("/restored");
    open(&disk).unwrap().restore(20, source).unwrap();
    redraft::io::Disk::remove(&disk, &source.join("00000000000000000020.snap")).unwrap();
    let follower = options(&disk).create(true).open_mirror(source, Path::new("/replica"));
    let Err(Error::Damaged(found)) = follower else { panic!("not damage") };
    assert_eq!(found.defect, Defect::BaseMissing { oldest: 20 });
}

#[test]
fn an_unsealed_segment_before_one_with_records_is_damage() {
    let (disk, _) = closed();
    let all = bases(&disk);
    let before_last = segment_path(all[all.len() - 2]);
    edit(&disk, &before_last, |bytes| {
        let seal = bytes.len() - 1;
        bytes[seal] = 0;
        bytes.resize(1024, 0);
    });
    let found = damage(&disk);
    assert_eq!(found.path, before_last);
    assert_eq!(found.defect, Defect::Unsealed { successor: all[all.len() - 1] });
}

#[test]
fn an_interrupted_roll_is_finished() {
    // A store that was killed after the next segment was named and before the full one was sealed.
    let (disk, model) = killed();
    let last = last_segment(&disk);
    let bytes = disk.bytes(&last).unwrap();
    let end = end_of_records(&bytes);
    let chain = {
        let stored: [u8; 4] = bytes[end - 4..end].try_into().unwrap();
        // The last record was alone in its batch, so its check is stored complemented.
        (!u32::from_le_bytes(stored)).to_le_bytes()
    };
    let next = segment_path(model.acked);
    let mut header = bytes[..HEADER_BYTES].to_vec();
    header[32..40].copy_from_slice(&model.acked.to_le_bytes());
    header.resize(1024, 0);
    disk.put(&next, header);
    edit_header(&disk, &next, 60, &chain);
    assert_eq!(reader(&disk).unwrap().version(), model.acked);
    drop(usable(&disk, &model));
    let sealed = disk.bytes(&last).unwrap();
    assert_eq!(&sealed[sealed.len() - 4..], b"SEAL");
    assert!(crate::common::check(&disk).unwrap().is_sound());
}

#[test]
fn a_missing_last_segment_is_damage() {
    let (disk, _) = closed();
    let all = bases(&disk);
    remove(&disk, &last_segment(&disk));
    let found = damage(&disk);
    assert_eq!(found.defect, Defect::SuccessorMissing { offset: all[all.len() - 1] });
    assert_eq!(found.intact, Some(all[all.len() - 1]));
}

#[test]
fn an_active_segment_that_was_cut_short_is_damage() {
    let (disk, model) = closed();
    let last = last_segment(&disk);
    let end = end_of_records(&disk.bytes(&last).unwrap());
    edit(&disk, &last, |bytes| bytes.truncate(end));
    let found = damage(&disk);
    assert_eq!(found.defect, Defect::Short { expected: 1024, found: end as u64 });
    assert_eq!((found.path, found.byte), (last, end as u64));
    assert_eq!(found.intact, Some(model.acked));
}

#[test]
fn a_table_behind_the_mark_that_is_torn_costs_nothing_and_is_reported() {
    let (disk, model) = closed();
    let last = last_segment(&disk);
    let table = end_of_records(&disk.bytes(&last).unwrap()) + MARK_BYTES;
    for byte in table..disk.bytes(&last).unwrap().len() {
        let image = copy(&disk);
        edit(&image, &last, |bytes| bytes[byte] ^= 0x10);
        let store = usable(&image, &model);
        let cut = store.opened().cut.clone().unwrap();
        assert_eq!((cut.path, cut.byte, cut.head), (last.clone(), table as u64, model.acked));
    }
    // Without it, all is as before it was written.
    edit(&disk, &last, |bytes| bytes.truncate(table));
    assert!(usable(&disk, &model).opened().cut.is_none());
}

/// A record that is longer than a segment has one of its own, which ends with the footer before that is synced.
#[test]
fn a_torn_mark_before_the_table_of_a_full_segment_costs_nothing_and_is_reported() {
    let disk = MemoryDisk::new();
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    store.produce(|doc| doc["text"] = "long ".repeat(1000).into()).unwrap();
    store.close().unwrap();
    let segment = last_segment(&disk);
    let bytes = disk.bytes(&segment).unwrap();
    let mark = end_of_records(&bytes);
    assert_eq!(u64::from_le_bytes(bytes[40..48].try_into().unwrap()), bytes.len() as u64, "it is full");
    for torn in 1..MARK_BYTES {
        let image = copy(&disk);
        edit(&image, &segment, |bytes| bytes[mark..mark + torn].fill(0));
        let report = check(&image).unwrap();
        assert!(report.is_sound() && report.cut.is_some(), "{report:?}");
        let opened = open(&image).unwrap();
        assert_eq!((opened.version(), &*opened.state()), (1, &*open(&copy(&disk)).unwrap().state()));
        let cut = opened.opened().cut.clone().unwrap();
        assert_eq!((cut.byte, cut.head), (mark as u64, 1));
    }
}

#[test]
fn a_closed_log_is_used_as_it_is() {
    let (disk, model) = closed();
    let store = usable(&disk, &model);
    assert!(store.opened().cut.is_none());
}

#[test]
fn a_closed_log_whose_file_is_long_again_is_used_as_it_is() {
    let (disk, model) = closed();
    edit(&disk, &last_segment(&disk), |bytes| bytes.resize(1024, 0));
    assert!(usable(&disk, &model).opened().cut.is_none());
}

#[test]
fn a_log_that_was_killed_while_idle_is_used_as_it_is() {
    let (disk, model) = killed();
    assert_eq!(reader(&disk).unwrap().version(), model.acked);
    assert!(usable(&disk, &model).opened().cut.is_none());
}

#[test]
fn a_log_that_ends_before_its_snapshot_is_damage() {
    let (disk, store, model) = written(31, 45, &[45]);
    drop(store);
    let all = bases(&disk);
    // The newest segments are gone, and the seal of the one before them is undone: without the snapshot all looks well.
    let (last, base) =
        all.iter().rev().find(|&&base| base < 40).map(|&base| (segment_path(base), base)).unwrap();
    all.iter().filter(|&&other| other > base).for_each(|&other| remove(&disk, &segment_path(other)));
    edit(&disk, &last, |bytes| {
        let footer = bytes.windows(4).rposition(|word| word == [0xfe, 0xff, 0xff, 0xff]).unwrap();
        bytes[footer..].fill(0);
        bytes.resize(1024, 0);
    });
    let Defect::LogTooShort { head, proven: 45 } = damage(&disk).defect else { panic!("not found") };
    assert!(head < model.acked);
}

#[test]
fn a_log_without_its_last_mark_is_used_and_made_sure_of() {
    let (disk, model) = killed();
    edit(&disk, &last_segment(&disk), |bytes| {
        let end = end_of_records(bytes);
        bytes[end..end + MARK_BYTES].fill(0);
    });
    // Nothing proves the last batch to a reader; the writer makes it durable before it shows it.
    assert_eq!(reader(&disk).unwrap().version(), model.acked - 1);
    let store = usable(&disk, &model);
    assert!(store.opened().cut.is_none());
}

#[test]
fn something_unreadable_before_proof_is_damage() {
    let (disk, model) = killed();
    let last = last_segment(&disk);
    let base = *bases(&disk).last().unwrap();
    let image = copy(&disk);
    edit(&image, &last, |bytes| bytes[HEADER_BYTES + 10] ^= 1);
    let found = damage(&image);
    assert_eq!((found.path, found.byte, found.intact), (last.clone(), HEADER_BYTES as u64, Some(base)));
    assert!(matches!(found.defect, Defect::Checksum { part: "a record", .. }), "{:?}", found.defect);
    // The last record, with nothing but its mark behind it.
    let bytes = disk.bytes(&last).unwrap();
    let end = end_of_records(&bytes);
    edit(&disk, &last, |bytes| bytes[end - 6] ^= 1);
    assert_eq!(damage(&disk).intact, Some(model.acked - 1));
    // A whole page of zeros where records were.
    edit(&disk, &last, |bytes| bytes[HEADER_BYTES..end - 1].fill(0));
    assert!(matches!(damage(&disk).defect, Defect::Hole { .. }));
}

#[test]
fn something_unreadable_before_what_a_snapshot_proves_is_damage() {
    let (disk, store, model) = written(31, 45, &[45]);
    let image = disk.process_kill();
    drop(store);
    let last = last_segment(&image);
    edit(&image, &last, |bytes| {
        let end = end_of_records(bytes);
        bytes[end - 6] ^= 1;
        bytes[end..end + MARK_BYTES].fill(0);
    });
    assert!(image.bytes(&snapshot_path(45)).is_some());
    let found = damage(&image);
    assert_eq!(found.defect, Defect::LogTooShort { head: 44, proven: 45 });
    assert_eq!((found.path, found.intact), (last, Some(model.acked - 1)));
}

#[test]
fn something_unreadable_without_proof_is_cut_and_reported() {
    let (disk, mut model) = killed();
    let last = last_segment(&disk);
    let mut torn_from = 0;
    edit(&disk, &last, |bytes| {
        let end = end_of_records(bytes);
        bytes[end - 6] ^= 1;
        bytes[end..end + MARK_BYTES].fill(0);
        torn_from = end;
    });
    let before = contents(&disk);
    assert_eq!(crate::common::check(&disk).unwrap().cut.map(|cut| cut.head), Some(44));
    assert_eq!(contents(&disk), before, "looking changes nothing");
    model.acked -= 1;
    model.states.pop();
    let store = usable(&disk, &model);
    let cut = store.opened().cut.clone().unwrap();
    assert_eq!((cut.path, cut.head), (last, 44));
    assert_eq!(cut.byte + cut.bytes, torn_from as u64);
}
