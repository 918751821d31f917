//! Packed segments put together by hand: what they read as, and which flaw is told of which byte.
//!
//! The blocks hold their content as it is, so that all of this holds without `zstd` too.

use super::super::format::{FLAG_PACKED, HEADER_BYTES, header_check};
use super::super::packed::{self, Opened, flaw, make_table, must_be_equal, table_flaw};
use super::super::path_of;
use super::{NOISE, Pieces, dir, disk_of};
use crate::error::{Damage, Defect, Error};
use crate::io::{FaultDisk, File, MemoryDisk, SeededEntropy, read_full_at};
use crate::layout::{checksum, unfinished};
use std::io;
use std::path::PathBuf;

const BLOCK: usize = 8 * 1024;
const HEADER: u64 = HEADER_BYTES as u64;

fn path() -> PathBuf {
    path_of(dir(), 0)
}

/// A packed segment, piece by piece; what its bytes are is none of its business.
#[derive(Clone)]
struct Parts {
    header: Vec<u8>,
    blocks: Vec<Vec<u8>>,
    /// What the table says, and what stands behind it.
    lengths: Vec<u32>,
    content: u64,
    count: u32,
}

fn block(content: &[u8]) -> Vec<u8> {
    let packed = [&[0], content].concat();
    let check = checksum(packed.len() as u32, &[&packed]);
    [&(packed.len() as u32).to_le_bytes()[..], &check.to_le_bytes(), &packed].concat()
}

impl Parts {
    fn of(segment: &[u8]) -> Parts {
        let (header, content) = segment.split_at(HEADER_BYTES);
        let blocks: Vec<_> = content.chunks(BLOCK).map(block).collect();
        Parts { header: flagged(header), content: content.len() as u64, ..Parts::with(blocks) }
    }

    /// These blocks, of something.
    fn with(blocks: Vec<Vec<u8>>) -> Parts {
        let lengths: Vec<u32> = blocks.iter().map(|block| block.len() as u32 - 8).collect();
        let content = lengths.iter().map(|length| u64::from(length.saturating_sub(1))).sum();
        let header = flagged(&segment(0)[..HEADER_BYTES]);
        Parts { header, count: blocks.len() as u32, blocks, lengths, content }
    }

    /// Without what stands behind the table.
    fn body(&self) -> Vec<u8> {
        let table = self.lengths.iter().flat_map(|length| length.to_le_bytes());
        [self.header.clone(), self.blocks.concat(), table.collect()].concat()
    }

    fn bytes(&self) -> Vec<u8> {
        let table = &self.body()[HEADER_BYTES + self.blocks.concat().len()..];
        let fields = [&self.content.to_le_bytes()[..], &self.count.to_le_bytes()].concat();
        let check = checksum(0, &[table, &fields]);
        [&self.body()[..], &fields, &check.to_le_bytes(), b"REDRPACK"].concat()
    }

    /// Where the trailer begins.
    fn trailer(&self) -> u64 {
        self.body().len() as u64
    }

    /// Where the table begins.
    fn table(&self) -> u64 {
        HEADER + self.blocks.concat().len() as u64
    }
}

/// A header as it is with the flag.
fn flagged(header: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    header[11] |= FLAG_PACKED;
    let check = header_check(&header);
    header[56..60].copy_from_slice(&check.to_le_bytes());
    header
}

/// A header, and so many bytes.
fn segment(bytes: usize) -> Vec<u8> {
    let dice = SeededEntropy::new(bytes as u64);
    let content = (0..bytes).map(|_| dice.next() as u8).collect::<Vec<u8>>();
    Pieces::from(0, 7).raw(&content).bytes
}

fn disk(bytes: &[u8]) -> MemoryDisk {
    let disk = disk_of([]);
    disk.put(&path(), bytes.to_vec());
    disk
}

fn opened(bytes: &[u8]) -> Opened {
    packed::open(&disk(bytes), &path()).unwrap()
}

/// All of a file as it reads.
fn read(file: &dyn File) -> Vec<u8> {
    let mut bytes = vec![0; file.len().unwrap() as usize + 9];
    let count = read_full_at(file, &mut bytes, 0).unwrap();
    bytes.truncate(count);
    assert_eq!(file.len().unwrap(), count as u64);
    bytes
}

fn reads_as(bytes: &[u8]) -> Vec<u8> {
    read(&*opened(bytes).file)
}

fn told(damage: Option<Damage>) -> Option<(u64, Defect)> {
    damage.map(|damage| {
        assert_eq!((damage.path, damage.intact), (path(), None));
        (damage.byte, damage.defect)
    })
}

fn flaw_of(bytes: &[u8]) -> Option<(u64, Defect)> {
    told(flaw(&disk(bytes), &path()).unwrap())
}

fn table_flaw_of(bytes: &[u8]) -> Option<(u64, Defect)> {
    told(table_flaw(&disk(bytes), &path()).unwrap())
}

fn is_trailer(found: Option<&(u64, Defect)>, at: u64) -> bool {
    matches!(found, Some((byte, Defect::Undecodable { part: "the trailer", .. })) if *byte == at)
}

/// Contents that end with a block, before it and behind it.
const SIZES: [usize; 8] = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK - 1, 3 * BLOCK, 3 * BLOCK + 1];

#[test]
fn it_reads_as_the_segment_with_its_table_and_without() {
    for bytes in SIZES {
        let segment = segment(bytes);
        let mut packed = Parts::of(&segment).bytes();
        assert_eq!((flaw_of(&packed), table_flaw_of(&packed)), (None, None), "{bytes} bytes");
        let found = opened(&packed);
        assert!(found.is_packed && found.count == HEADER_BYTES && found.head[..] == segment[..HEADER_BYTES]);
        assert_eq!(read(&*found.file), segment, "{bytes} bytes");
        *packed.last_mut().unwrap() ^= 1;
        assert!(is_trailer(flaw_of(&packed).as_ref(), packed.len() as u64 - 24), "{bytes} bytes");
        assert_eq!(reads_as(&packed), segment, "{bytes} bytes without a table");
    }
}

#[test]
fn a_read_begins_and_ends_anywhere() {
    let segment = segment(2 * BLOCK + 100);
    let Opened { file, .. } = opened(&Parts::of(&segment).bytes());
    let edges = [0, HEADER_BYTES, HEADER_BYTES + BLOCK, HEADER_BYTES + 2 * BLOCK, segment.len()];
    for at in edges.iter().flat_map(|&edge| edge.saturating_sub(2)..edge + 3) {
        for wanted in [0, 1, 3, BLOCK + 7] {
            let mut buffer = vec![NOISE; wanted];
            let count = read_full_at(&*file, &mut buffer, at as u64).unwrap();
            let rest = segment.get(at..).unwrap_or_default();
            assert_eq!(buffer[..count], rest[..wanted.min(rest.len())], "{wanted} bytes at {at}");
            assert!(buffer[count..].iter().all(|&byte| byte == NOISE));
        }
    }
}

#[test]
fn a_block_is_unpacked_once_for_all_reads_in_a_row() {
    let packed = Parts::of(&segment(2 * BLOCK)).bytes();
    let disk = FaultDisk::new(disk(&packed), None);
    let Opened { file, .. } = packed::open(&disk, &path()).unwrap();
    let before = disk.bytes_read();
    for at in (0..BLOCK as u64).step_by(512) {
        read_full_at(&*file, &mut [0; 512], HEADER + at).unwrap();
    }
    assert_eq!(disk.bytes_read() - before, 8 + 1 + BLOCK as u64);
}

#[test]
fn nothing_is_written_to_it() {
    let packed = Parts::of(&segment(9)).bytes();
    let disk = disk(&packed);
    let Opened { file, .. } = packed::open(&disk, &path()).unwrap();
    let refused = [file.write_at(b"no", 64).map(drop), file.sync(), file.set_len(3), file.allocate(99)];
    for answer in refused {
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
    }
    assert_eq!(disk.bytes(&path()).unwrap(), packed);
}

#[test]
fn a_flipped_bit_of_its_header_is_the_same_one_of_the_header_that_was() {
    let segment = segment(9);
    let packed = Parts::of(&segment).bytes();
    for bit in 0..8 * HEADER_BYTES {
        let (mut there, mut here) = (packed.clone(), segment.clone());
        there[bit / 8] ^= 1 << (bit % 8);
        here[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(reads_as(&there), here, "bit {bit}");
        assert!(opened(&there).is_packed, "bit {bit}");
    }
}

#[test]
fn a_header_is_believed_and_the_last_bytes_where_it_cannot_be() {
    let plain = [&segment(100)[..], b"REDRPACK"].concat();
    let found = opened(&plain);
    assert!(!found.is_packed && found.head[..] == plain[..HEADER_BYTES], "it says it is not packed");
    assert_eq!((read(&*found.file), flaw_of(&plain), table_flaw_of(&plain)), (plain.clone(), None, None));
    for at in [0, 40, 56] {
        let mut damaged = segment(100);
        damaged[at] ^= 1;
        assert_eq!(reads_as(&damaged), damaged, "nothing says that it is packed");
    }
    for bytes in 0..HEADER_BYTES {
        let short =
            &if bytes < 8 { plain[..bytes].to_vec() } else { [&plain[..bytes - 8], b"REDRPACK"].concat() };
        let found = opened(short);
        assert_eq!((found.count, found.is_packed, read(&*found.file)), (bytes, false, short.to_vec()));
        assert_eq!((flaw_of(short), table_flaw_of(short)), (None, None));
    }
    let header = flagged(&plain[..HEADER_BYTES]);
    assert_eq!(reads_as(&header), plain[..HEADER_BYTES], "all that is left of one");
}

#[test]
fn a_file_that_is_too_short_for_a_trailer_says_so() {
    let packed = Parts::of(&segment(0)).bytes();
    assert_eq!(packed.len(), HEADER_BYTES + 24);
    for len in HEADER_BYTES..packed.len() {
        let defect = Defect::Short { expected: packed.len() as u64, found: len as u64 };
        assert_eq!(flaw_of(&packed[..len]), Some((len as u64, defect)), "{len} bytes");
    }
}

#[test]
fn a_trailer_must_have_room_for_what_it_names() {
    // The least that a block takes, and one byte less.
    let mut parts = Parts::with(vec![block(b"")]);
    parts.content = 1;
    let short = Defect::Short { expected: 1, found: 0 };
    assert_eq!(flaw_of(&parts.bytes()), Some((HEADER, short)), "there is room for this one");
    let mut parts = Parts::with(vec![vec![NOISE; 17]]);
    (parts.count, parts.content, parts.lengths) = (2, 9000, vec![NOISE.into(), 1]);
    let mut bytes = parts.bytes();
    assert!(is_trailer(flaw_of(&bytes).as_ref(), parts.trailer()), "25 bytes for two");
    // It is asked before the check is.
    let check = bytes.len() - 12;
    bytes[check] ^= 1;
    assert!(is_trailer(flaw_of(&bytes).as_ref(), parts.trailer()));
}

#[test]
fn a_table_must_fit_its_check_and_its_blocks() {
    let sound = Parts::of(&segment(2 * BLOCK + 5));
    for at in [0, 11, 12, 19] {
        let mut bytes = sound.bytes();
        bytes[sound.table() as usize + at] ^= 1;
        let Some((byte, Defect::Checksum { part: "the table of blocks", stored, computed })) =
            flaw_of(&bytes)
        else {
            panic!("byte {at}: {:?}", flaw_of(&bytes));
        };
        let fields = [&bytes[sound.table() as usize..bytes.len() - 12]];
        assert_eq!((byte, computed), (sound.table(), checksum(0, &[fields[0]])), "byte {at}");
        assert_eq!(stored.to_le_bytes(), bytes[bytes.len() - 12..bytes.len() - 8]);
        assert_eq!(table_flaw_of(&bytes), flaw_of(&bytes));
    }
    let wrong: [fn(&mut Parts); 5] = [
        |parts| parts.content += BLOCK as u64,
        |parts| parts.content -= 5,
        |parts| parts.lengths[0] += 1,
        |parts| parts.lengths[2] -= 1,
        |parts| parts.content = u64::MAX,
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let mut parts = sound.clone();
        change(&mut parts);
        assert!(is_trailer(flaw_of(&parts.bytes()).as_ref(), sound.trailer()), "case {number}");
        assert_eq!(reads_as(&parts.bytes()), segment(2 * BLOCK + 5), "case {number}");
    }
}

#[test]
fn what_stands_behind_a_block_that_is_not_full_is_none() {
    let mut parts = Parts::with(vec![block(&[1; BLOCK]), block(&[2; BLOCK - 1]), block(&[3; 7])]);
    parts.content = 1;
    let content = [&[1; BLOCK][..], &[2; BLOCK - 1]].concat();
    assert_eq!(reads_as(&parts.bytes())[HEADER_BYTES..], content);
}

/// A sound segment of three blocks, whose second one is replaced.
fn second(block: Vec<u8>) -> Vec<u8> {
    let mut parts = Parts::of(&segment(2 * BLOCK + 5));
    parts.lengths[1] = (block.len() as u32).saturating_sub(8);
    parts.blocks[1] = block;
    parts.bytes()
}

/// What is wrong with the second block is told, and costs the block.
fn costs_the_second(block: Vec<u8>, defect: Defect) {
    let packed = second(block);
    assert_eq!(flaw_of(&packed), Some((HEADER + 8 + 1 + BLOCK as u64, defect)));
    assert_eq!(table_flaw_of(&packed), None, "the table is good");
    let mut expected = segment(2 * BLOCK + 5);
    expected[HEADER_BYTES + BLOCK..HEADER_BYTES + 2 * BLOCK].fill(0x55);
    assert_eq!(reads_as(&packed), expected);
}

#[test]
fn a_damaged_block_is_named_and_reads_as_no_record() {
    let short = |expected, found| Defect::Short { expected, found };
    costs_the_second(vec![0; 8], short(9, 8));
    let long = (BLOCK as u32 + 2).to_le_bytes();
    let most = BLOCK as u64 + 1;
    costs_the_second([&long[..], &[0; 9]].concat(), Defect::Length { part: "block", found: most + 1, most });
    let good = block(&[4; BLOCK]);
    costs_the_second(good[..good.len() - 1].to_vec(), short(8 + most, 7 + most));
    costs_the_second(block(&[4; BLOCK - 1]), short(BLOCK as u64, BLOCK as u64 - 1));
    for at in [4, 8, 9, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[at] ^= 1;
        let stored = u32::from_le_bytes(*damaged[4..].first_chunk().unwrap());
        let computed = checksum(most as u32, &[&damaged[8..]]);
        costs_the_second(damaged, Defect::Checksum { part: "a block", stored, computed });
    }
    // Nine bytes are a block, of nothing.
    costs_the_second(block(b""), short(BLOCK as u64, 0));
}

#[test]
fn a_block_packed_in_a_way_of_the_future_is_an_error_and_no_damage() {
    let mut future = block(&[4; BLOCK]);
    future[8] = 200;
    let check = checksum(BLOCK as u32 + 1, &[&future[8..]]);
    future[4..8].copy_from_slice(&check.to_le_bytes());
    let packed = second(future);
    let newer = |found: Error| matches!(found, Error::Newer { found: 200, .. });
    assert!(newer(flaw(&disk(&packed), &path()).unwrap_err()));
    let Opened { file, .. } = opened(&packed);
    let error = file.read_at(&mut [0; 9], HEADER + BLOCK as u64).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert_eq!(file.read_at(&mut [0; 9], HEADER).unwrap(), 9, "the others can be read");
}

#[test]
fn of_a_damaged_block_and_a_damaged_table_the_block_is_told() {
    let mut packed = Parts::of(&segment(BLOCK + 5)).bytes();
    let len = packed.len();
    // The last one, which is not found without the table then.
    packed[HEADER_BYTES + 8 + 1 + BLOCK + 10] ^= 1;
    packed[len - 1] ^= 1;
    assert!(is_trailer(flaw_of(&packed).as_ref(), len as u64 - 24));
    assert_eq!(reads_as(&packed), segment(BLOCK + 5)[..HEADER_BYTES + BLOCK]);
}

#[test]
fn a_table_made_anew_is_the_one_that_was() {
    for bytes in SIZES {
        let sound = Parts::of(&segment(bytes));
        let whole = sound.bytes();
        for at in sound.table() as usize..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let disk = disk(&damaged);
            disk.put(&unfinished(&path()), b"of an attempt before".to_vec());
            make_table(&disk, &path()).unwrap();
            assert_eq!(disk.bytes(&path()).unwrap(), whole, "{bytes} bytes, byte {at}");
            assert_eq!(disk.files(), [path()]);
        }
    }
}

/// Where two are told to differ, and what about.
fn difference(segment: &[u8], packed: &[u8]) -> Option<u64> {
    let answer = must_be_equal(&opened(segment), &opened(packed), segment.len() as u64, &path());
    let Err(Error::Damaged(damage)) = answer else { return answer.map(|()| None).unwrap() };
    told(Some(damage)).map(|(byte, _)| byte)
}

#[test]
fn what_was_packed_wrongly_is_named_by_its_first_byte() {
    let sound = segment(2 * BLOCK + 9);
    assert_eq!(difference(&sound, &Parts::of(&sound).bytes()), None);
    for at in [HEADER_BYTES, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + HEADER_BYTES, sound.len() - 1] {
        let mut other = sound.clone();
        other[at] ^= 1;
        other[sound.len() - 1] ^= 2;
        assert_eq!(difference(&sound, &Parts::of(&other).bytes()), Some(at as u64));
    }
    let longer = [&sound[..], b"more"].concat();
    assert_eq!(difference(&sound, &Parts::of(&longer).bytes()), Some(sound.len() as u64));
    assert_eq!(difference(&longer, &Parts::of(&sound).bytes()), Some(sound.len() as u64));
    assert_eq!(difference(&sound, &sound), Some(0));
}
