//! What a directory of segments is taken for, and what a writer does to it before it goes on.

use super::super::footer::{Ending, Footer, Table};
use super::super::format::{HEADER_BYTES, MARK_BYTES, mark};
use super::super::reader::SegmentReader;
use super::super::recovery::{Layout, inspect};
use super::super::writer::{Batch, SegmentWriter};
use super::super::{bases_in, path_of};
use super::{NOISE, Pieces, STORE, dir, disk_of};
use crate::error::{Damage, Defect, Error};
use crate::io::{Disk, FaultDisk, MemoryDisk};
use crate::layout::{StoreId, u32_at};

fn look(disk: &MemoryDisk) -> Result<Layout, Error> {
    inspect(disk, dir(), &bases_in(&disk.list(dir()).unwrap()))
}

fn damage(disk: &MemoryDisk) -> Damage {
    match look(disk) {
        Err(Error::Damaged(damage)) => damage,
        answer => panic!("{answer:?}"),
    }
}

fn is_sealed(disk: &MemoryDisk, base: u64) -> bool {
    SegmentReader::open(disk, path_of(dir(), base), base).unwrap().seal().unwrap().is_some()
}

fn three() -> Pieces {
    Pieces::first().batch(["one", "two", "three"])
}

#[test]
fn only_the_last_segment_but_one_may_lack_its_footer() {
    let (first, footless) = (three().sealed(), three().mark().blank());
    let second = first.next().batch(["four"]);
    let empty = second.next().mark().blank();
    let unsealed = |damage: Damage| (damage.path, damage.defect);
    let expected = (path_of(dir(), 0), Defect::Unsealed { successor: 3 });
    let both = disk_of([&footless, &second.clone().mark().blank(), &empty]);
    assert_eq!(unsealed(damage(&both)), expected, "two lack it");
    assert_eq!(unsealed(damage(&disk_of([&footless, &second.clone().sealed(), &empty]))), expected);
    assert_eq!(unsealed(damage(&disk_of([&footless, &second.clone().sealed()]))), expected);
    assert_eq!(
        unsealed(damage(&disk_of([&footless, &second.clone().mark().blank()]))),
        expected,
        "it has records"
    );
    let disk = disk_of([&first, &second.mark().blank(), &empty]);
    let layout = look(&disk).unwrap();
    assert_eq!((layout.head(), is_sealed(&disk, 3)), (4, false));
    layout.mend(&disk, dir()).unwrap();
    assert!(is_sealed(&disk, 3), "it has its footer now");
}

#[test]
fn a_log_begins_with_the_chain_of_its_store() {
    let foreign = Pieces::from(0, STORE.genesis() ^ 1).batch(["one"]).mark().blank();
    let found = damage(&disk_of([&foreign]));
    let expected = Defect::Chain { expected: STORE.genesis(), found: STORE.genesis() ^ 1 };
    assert_eq!((found.defect, found.byte, found.intact), (expected, 0, Some(0)));
    // Where the front was given up nobody knows what it continued.
    let mut later = Pieces::from(9, 77);
    later.header.origin = 9;
    assert_eq!(
        look(&disk_of([&Pieces::with(later.header).batch(["ten"]).mark().blank()])).unwrap().head(),
        10
    );
}

#[test]
fn what_was_durable_before_the_next_segment_was_made_is_owed() {
    let (whole, bad) = (three(), Pieces::first().batch(["one", "two"]).raw(&[NOISE; 40]));
    let next = whole.next().mark().blank();
    let found = damage(&disk_of([&bad.clone().blank(), &next]));
    assert_eq!((found.byte, found.intact), (bad.data_end, Some(2)));
    // Behind what it owes, a footer may be torn.
    let torn = whole.raw(&[NOISE; 40]).blank();
    let disk = disk_of([&torn, &next]);
    look(&disk).unwrap().mend(&disk, dir()).unwrap();
    assert!(is_sealed(&disk, 0));
}

#[test]
fn a_good_mark_for_another_place_is_cut_like_any_torn_write() {
    for head in [0, 2, 4, 1 << 40] {
        let segment = three();
        let wrong = mark(&STORE, head, segment.chain);
        let layout = look(&disk_of([&segment.clone().raw(&wrong).blank()])).unwrap();
        let cut = layout.torn.as_ref().unwrap();
        assert_eq!((layout.head(), cut.byte, cut.head), (3, segment.data_end, 3), "{head}");
        assert_eq!(cut.bytes, wrong.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1);
    }
}

/// A footer of rest is one only behind the mark and the records it is about.
#[test]
fn a_log_is_at_rest_only_as_its_writer_left_it() {
    let at_rest =
        |segment: &Pieces| look(&disk_of([segment])).map(|layout| (layout.active.at_rest, layout.head()));
    let (closed, end) = (three().closed(), three().data_end as usize);
    assert_eq!(at_rest(&closed).unwrap(), (true, 3));
    let mut markless = closed.clone();
    markless.bytes[end..end + MARK_BYTES].fill(0);
    assert!(at_rest(&markless).is_err(), "it proves what is not there");
    let mut damaged = closed.clone();
    damaged.bytes[end + MARK_BYTES + 5] ^= 1;
    assert!(!at_rest(&damaged).unwrap().0, "its table is damaged");
    // The same behind which the file goes on: found by its mark, with the footer that has to go.
    let long = look(&disk_of([&closed.clone().blank()])).unwrap();
    assert_eq!((long.active.at_rest, long.active.footer_until), (false, closed.bytes.len() as u64));
    assert_eq!(long.torn, None);
    // A good footer of rest, of records that end a few bytes later.
    let later = Footer { data_end: closed.data_end + 8, ..closed.as_footer(Ending::AtRest) };
    let bytes = later.encode(Table { stride: 1, positions: closed.positions.clone() }, closed.header.chain);
    let segment = three().mark().raw(&[NOISE; 8]).raw(&bytes).blank();
    let layout = look(&disk_of([&segment])).unwrap();
    assert_eq!((layout.active.footer_until, layout.torn.is_some()), (0, true));
}

/// Opens the log for writing; the bytes of its first segment then.
fn mended(disk: &MemoryDisk) -> Vec<u8> {
    look(disk).unwrap().mend(disk, dir()).unwrap();
    disk.bytes(&path_of(dir(), 0)).unwrap()
}

#[test]
fn a_torn_tail_becomes_zeros_to_its_last_byte_and_nothing_else_changes() {
    for torn in [1, 19, 20, 21, 300, 65_535, 65_536, 65_537, 200_000] {
        let mut segment = three();
        segment.header.allocated = 1 << 18;
        let segment = Pieces::with(segment.header).batch(["one", "two", "three"]);
        let expected = segment.clone().mark().blank().bytes;
        assert!(
            mended(&disk_of([&segment.clone().raw(&vec![NOISE; torn]).blank()])) == expected,
            "{torn} bytes"
        );
        // Behind a mark as well.
        assert!(
            mended(&disk_of([&segment.mark().raw(&vec![NOISE; torn]).blank()])) == expected,
            "{torn} behind the mark"
        );
    }
}

#[test]
fn a_torn_tail_that_fills_the_segment_leaves_it_as_long_as_it_is() {
    for allocated in [512, 4096, 100_000] {
        let mut header = Pieces::first().header;
        header.allocated = allocated;
        let segment = Pieces::with(header).batch(["one"]);
        let expected = segment.clone().mark().blank().bytes;
        let torn = vec![NOISE; allocated as usize - segment.bytes.len()];
        assert!(mended(&disk_of([&segment.raw(&torn)])) == expected, "{allocated} bytes");
    }
}

#[test]
fn mending_twice_is_mending_once() {
    let disk = disk_of([&three().raw(&[NOISE; 99]).blank()]);
    let once = mended(&disk);
    assert_eq!(mended(&disk), once);
    assert!(look(&disk).unwrap().torn.is_none());
}

fn write(writer: &mut SegmentWriter, bodies: &[&[u8]]) {
    let segment =
        bodies.iter().fold(Pieces::from(0, writer.chain()), |segment, body| segment.record(body, false));
    let mut frames = segment.bytes[HEADER_BYTES..].to_vec();
    let ends: Vec<usize> =
        segment.positions[1..].iter().map(|&end| end as usize - HEADER_BYTES).chain([frames.len()]).collect();
    assert_eq!(u32_at(&frames, frames.len() - 4), segment.chain);
    writer.write(&mut Batch { frames: &mut frames, ends: &ends, start: 0, chain: segment.chain }).unwrap();
}

/// The session before may have ended with syncs that failed, or said they had not: then the next one does again what that
/// one did last, before anything is built on it.
#[test]
fn what_the_last_session_did_last_is_made_durable_before_a_writer_goes_on() {
    let memory = disk_of([]);
    let lying = FaultDisk::new(memory.clone(), None);
    let mut first = SegmentWriter::create(&lying, dir(), Pieces::first().header).unwrap();
    write(&mut first, &[b"one", b"two"]);
    first.commit().unwrap();
    lying.lie_about_syncs();
    lying.lie_about_dir_syncs();
    let next = Pieces::from(2, first.chain()).header;
    SegmentWriter::create(&lying, dir(), next).unwrap();
    first.seal().unwrap();
    look(&memory).unwrap().mend(&memory, dir()).unwrap();
    for seed in 0..64 {
        let image = memory.power_cut(seed);
        assert_eq!((look(&image).unwrap().head(), is_sealed(&image, 0)), (2, true), "image {seed}");
    }
}

#[test]
fn a_last_batch_of_several_pieces_is_made_durable_before_a_writer_goes_on() {
    let memory = disk_of([]);
    let lying = FaultDisk::new(memory.clone(), None);
    let mut header = Pieces::first().header;
    header.allocated = 4 << 20;
    let mut writer = SegmentWriter::create(&lying, dir(), header).unwrap();
    write(&mut writer, &[b"one"]);
    writer.commit().unwrap();
    lying.fail_syncs(true);
    write(&mut writer, &[&vec![7; 1 << 20], &vec![8; 1 << 20], b"the last"]);
    // The pages are dropped, and shown all the same.
    assert!(writer.commit().is_err());
    drop(writer);
    assert_eq!(look(&memory).unwrap().mend(&memory, dir()).unwrap().head(), 4);
    for seed in 0..8 {
        assert_eq!(look(&memory.power_cut(seed)).unwrap().head(), 4, "image {seed}");
    }
}

#[test]
fn a_new_segment_takes_the_place_of_nothing_that_cannot_be_looked_at() {
    let header = Pieces::first().header;
    let made = |disk: &dyn Disk| SegmentWriter::create(disk, dir(), header).map(drop);
    made(&disk_of([&Pieces::first().mark().blank()])).unwrap();
    made(&disk_of([])).unwrap();
    let held = disk_of([&three().mark().blank()]);
    assert!(matches!(made(&held), Err(Error::Exists { .. })), "it holds records");
    // A directory of that name can be opened as little as a file on a failing disk.
    let odd = disk_of([]);
    odd.create_dir(&path_of(dir(), 0)).unwrap();
    assert!(matches!(made(&odd), Err(Error::Io { .. })));
}

#[test]
fn a_segment_of_another_store_does_not_follow() {
    let (first, mut other) = (three().sealed(), three().next().header);
    other.store = StoreId([9; 16]);
    let found = damage(&disk_of([&first, &Pieces::with(other).mark().blank()]));
    assert_eq!((found.path, found.defect), (path_of(dir(), 3), Defect::Foreign));
}
