//! Segments put together piece by piece, and what is made of them: where a boundary stands to the byte, where something is torn.
//!
//! What whole logs come to is tested in `tests/log` and `tests/faults`; here are the bytes that those meet by luck.

mod bytes;
mod copied;
mod packed;
mod points;
mod reading;
mod recovery;

use super::footer::{Ending, Footer, Table};
use super::format::{Codec, HEADER_BYTES, Header, mark, mark_first, push_frame};
use super::path_of;
use super::reader::SegmentReader;
use crate::io::MemoryDisk;
use crate::layout::{Chain, StoreId};
use std::path::Path;

const STORE: StoreId = StoreId(*b"the store itself");
/// What no length can be.
const NOISE: u8 = 0xee;

fn dir() -> &'static Path {
    Path::new("/store")
}

/// A segment as far as it is put together.
#[derive(Clone, Debug)]
struct Pieces {
    bytes: Vec<u8>,
    header: Header,
    positions: Vec<u32>,
    data_end: u64,
    chain: Chain,
}

impl Pieces {
    /// The first segment of a log.
    fn first() -> Pieces {
        Pieces::from(0, STORE.genesis())
    }

    /// A segment that begins with the record at `base`.
    fn from(base: u64, chain: Chain) -> Pieces {
        let (codec, allocated) = (Codec::Opaque, 4096);
        Pieces::with(Header {
            codec,
            replica: false,
            backup: false,
            epoch: 1,
            store: STORE,
            base,
            allocated,
            origin: 0,
            chain,
        })
    }

    fn with(header: Header) -> Pieces {
        let bytes = header.encode().to_vec();
        Pieces { bytes, header, positions: Vec::new(), data_end: HEADER_BYTES as u64, chain: header.chain }
    }

    /// The segment that comes after this one.
    fn next(&self) -> Pieces {
        Pieces::from(self.head(), self.chain)
    }

    /// Records that were written together.
    fn batch<B: AsRef<[u8]>>(self, bodies: impl IntoIterator<Item = B>) -> Pieces {
        let mut first = true;
        bodies
            .into_iter()
            .fold(self, |segment, body| segment.record(body.as_ref(), std::mem::take(&mut first)))
    }

    fn record(mut self, body: &[u8], first: bool) -> Pieces {
        let start = self.bytes.len();
        self.positions.push(start as u32);
        self.chain = push_frame(&mut self.bytes, body, self.chain);
        if first {
            mark_first(&mut self.bytes[start..]);
        }
        self.data_end = self.bytes.len() as u64;
        self
    }

    fn mark(self) -> Pieces {
        let mark = mark(&STORE, self.head(), self.chain);
        self.raw(&mark)
    }

    /// What the writer of a segment did not write.
    fn raw(mut self, bytes: &[u8]) -> Pieces {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The footer that belongs to the records so far, wherever that is.
    fn footer(self, ending: Ending) -> Pieces {
        let known = Table { stride: 1, positions: self.positions.clone() };
        let footer = self.as_footer(ending);
        let base = self.header.chain;
        self.raw(&footer.encode(known, base))
    }

    fn as_footer(&self, ending: Ending) -> Footer {
        let known = Table { stride: 1, positions: self.positions.clone() };
        Footer::over(ending, self.count(), self.data_end, self.chain, &known, u64::MAX)
    }

    fn sealed(self) -> Pieces {
        self.footer(Ending::Sealed)
    }

    /// As a clean close leaves it.
    fn closed(self) -> Pieces {
        self.mark().footer(Ending::AtRest)
    }

    /// Zeros, as far as was allocated.
    fn blank(mut self) -> Pieces {
        self.bytes.resize(self.header.allocated as usize, 0);
        self
    }

    fn count(&self) -> u32 {
        self.positions.len() as u32
    }

    fn head(&self) -> u64 {
        self.header.base + u64::from(self.count())
    }

    fn put(&self, disk: &MemoryDisk) {
        disk.put(&path_of(dir(), self.header.base), self.bytes.clone());
    }

    fn reader(&self) -> SegmentReader {
        let disk = MemoryDisk::new();
        self.put(&disk);
        SegmentReader::open(&disk, path_of(dir(), self.header.base), self.header.base).unwrap()
    }
}

/// A disk that holds these segments.
fn disk_of<const N: usize>(segments: [&Pieces; N]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    crate::io::Disk::create_dir(&disk, dir()).unwrap();
    segments.iter().for_each(|segment| segment.put(&disk));
    disk
}
