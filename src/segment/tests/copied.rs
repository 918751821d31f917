//! Segments written anew from the records of another file, against those put together by hand; and packing as a whole.

use super::super::copy::{Piecework, copy_bytes, fresh, read_piece};
use super::super::footer::{Ending, Table};
use super::super::format::{HEADER_BYTES, Header};
use super::super::packed::pack;
use super::super::path_of;
use super::{Pieces, dir, disk_of};
use crate::error::Error;
use crate::io::{Access, Disk, Failure, FaultDisk, FaultPlan, File, LockAttempt, MemoryDisk, SeededEntropy};
use crate::layout::unfinished;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What writes the records of a segment anew as it ends itself.
fn work(segment: &Pieces, ending: Ending, target: PathBuf) -> Piecework {
    Piecework {
        source: path_of(dir(), segment.header.base),
        target,
        header: segment.header,
        kept: HEADER_BYTES as u64..segment.data_end,
        added: Vec::new(),
        count: segment.count(),
        chain: segment.chain,
        table: Table { stride: 1, positions: segment.positions.clone() },
        ending,
    }
}

#[test]
fn a_segment_written_anew_is_the_one_that_a_writer_leaves() {
    let (path, elsewhere) = (path_of(dir(), 5), Path::new("/store/elsewhere"));
    for (count, allocated) in [(0, 4096), (1, 4096), (9, 64), (40, 4096)] {
        let records = Pieces::from(5, 77).batch((1..=count).map(|byte| [byte; 300]));
        for ending in [Ending::Sealed, Ending::AtRest] {
            let whole = match ending {
                Ending::Sealed => records.clone().sealed(),
                Ending::AtRest => records.clone().closed(),
            };
            let len = whole.bytes.len() as u64;
            let header = Header { allocated: len.max(allocated), ..records.header };
            let expected = [&header.encode()[..], &whole.bytes[HEADER_BYTES..]].concat();
            let disk = disk_of([&records.clone().raw(b"rubbish")]);
            disk.put(&unfinished(elsewhere), b"of an attempt before".to_vec());
            let header = Header { allocated, ..records.header };
            let work = Piecework { header, ..work(&records, ending, elsewhere.to_owned()) };
            assert_eq!(work.write(&disk, &disk).unwrap(), len);
            assert_eq!(disk.bytes(elsewhere).unwrap(), expected, "{count} records, {ending:?}");
            assert_eq!(disk.files().len(), 2, "nothing unfinished is left");
            assert_eq!(disk.bytes(&path).unwrap(), records.clone().raw(b"rubbish").bytes);
            disk.sync_dir(dir()).unwrap();
            assert_eq!(disk.power_cut(count.into()).bytes(elsewhere).unwrap(), expected, "it was not synced");
        }
    }
}

#[test]
fn a_part_is_copied_whole_in_however_many_pieces() {
    let dice = SeededEntropy::new(8);
    let bytes: Vec<u8> = (0..(2 << 20) + 9).map(|_| dice.next() as u8).collect();
    let (here, there) = (Path::new("/store/here"), Path::new("/store/there"));
    for part in [3..3, 3..4, 3..(1 << 20) + 3, 3..(1 << 20) + 4, 0..bytes.len()] {
        let disk = disk_of([]);
        disk.put(here, bytes.clone());
        let from = disk.open(here, Access::Read).unwrap();
        let to = disk.open(there, Access::Create).unwrap();
        copy_bytes((&*from, here), part.start as u64..part.end as u64, (&*to, there), 7).unwrap();
        let copied = disk.bytes(there).unwrap();
        let rest = if part.is_empty() { &[][..] } else { &copied[7..] };
        assert!(rest == &bytes[part.clone()], "{part:?}");
        let least = read_piece(&*from, &(part.start as u64..part.end as u64), here).unwrap().len();
        assert_eq!(least, part.len().min(1 << 20));
    }
}

#[test]
fn a_source_that_became_shorter_is_an_error() {
    let (disk, here) = (disk_of([]), Path::new("/store/here"));
    disk.put(here, vec![1; 100]);
    let from = disk.open(here, Access::Read).unwrap();
    assert_eq!(read_piece(&*from, &(10..100), here).unwrap(), [1; 90]);
    read_piece(&*from, &(10..101), here).unwrap_err();
    read_piece(&*from, &(200..201), here).unwrap_err();
}

/// Zeros and noise, of a file that takes more than one write.
#[cfg(feature = "zstd")]
fn large() -> Pieces {
    let dice = SeededEntropy::new(9);
    let noise = (0..(2 << 20) + 700).map(|_| dice.next() as u8).collect::<Vec<u8>>();
    Pieces::first().record(&noise, true).record(&[7; 300 << 10], false).sealed()
}

#[cfg(feature = "zstd")]
#[test]
fn what_was_packed_reads_as_before_and_takes_as_much_less_as_is_said() {
    let (segment, path) = (large(), path_of(dir(), 0));
    let disk = disk_of([&segment]);
    disk.put(&unfinished(&path), b"of an attempt before".to_vec());
    let saved = pack(&disk, dir(), &path).unwrap();
    let after = disk.power_cut(3);
    let len = after.bytes(&path).unwrap().len() as u64;
    assert!(saved > 200 << 10 && saved + len == segment.bytes.len() as u64, "{saved} of {len} bytes");
    let found = super::super::packed::open(&after, &path).unwrap();
    let mut bytes = vec![0; segment.bytes.len() + 1];
    assert_eq!(crate::io::read_full_at(&*found.file, &mut bytes, 0).unwrap(), segment.bytes.len());
    assert!(found.is_packed && bytes[..segment.bytes.len()] == segment.bytes[..]);
    assert_eq!(super::super::packed::flaw(&after, &path).unwrap(), None);
    assert_eq!(pack(&after, dir(), &path).unwrap(), 0, "once is enough");
}

#[test]
fn what_gets_no_smaller_stays_and_leaves_nothing() {
    let segment = Pieces::first().record(b"short", true).sealed();
    let disk = disk_of([&segment]);
    assert_eq!(pack(&disk, dir(), &path_of(dir(), 0)).unwrap(), 0);
    assert_eq!(disk.bytes(&path_of(dir(), 0)).unwrap(), segment.bytes);
    assert_eq!(disk.files(), [path_of(dir(), 0)]);
}

/// A disk that takes one byte of each new file for another.
#[derive(Debug)]
struct Mistaken(MemoryDisk, u64);

#[derive(Debug)]
struct MistakenFile(Arc<dyn File>, u64);

impl Disk for Mistaken {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        self.0.is_vacant(dir)
    }
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let file = self.0.open(path, access)?;
        Ok(if access == Access::Create { Arc::new(MistakenFile(file, self.1)) } else { file })
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        self.0.try_lock(path)
    }
}

impl File for MistakenFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buffer, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut bytes = bytes.to_vec();
        if let Some(byte) = self.1.checked_sub(at).and_then(|within| bytes.get_mut(within as usize)) {
            *byte ^= 0x10;
        }
        self.0.write_at(&bytes, at)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        self.0.allocate(len)
    }
}

#[test]
fn what_was_packed_takes_the_place_of_the_segment_only_if_it_reads_the_same() {
    let segment = Pieces::first().record(&[7; 30 << 10], true).sealed();
    let path = path_of(dir(), 0);
    // In the header, in a length, in a check, in a block.
    for at in [2, 11, 30, 64, 69, 80] {
        let disk = Mistaken(disk_of([&segment]), at);
        match pack(&disk, dir(), &path) {
            Err(Error::Damaged(_)) => {}
            answer => assert!(!cfg!(feature = "zstd") && answer.unwrap() == 0, "byte {at}"),
        }
        assert_eq!(disk.0.bytes(&path).unwrap(), segment.bytes, "byte {at}");
    }
}

#[test]
fn an_unfinished_file_that_cannot_be_removed_is_an_error() {
    let plan = FaultPlan { call: 0, failure: Failure::Medium, forever: false };
    let disk = FaultDisk::new(disk_of([]), Some(plan));
    fresh(&disk, Path::new("/store/here")).unwrap_err();
    fresh(&disk, Path::new("/store/here")).unwrap();
}
