//! Segments as files: named by their order, allocated in full, filled from the front.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::{FallocateFlags, fallocate};

/// Length and checksum.
pub(super) const HEAD_BYTES: usize = 8;

pub(super) fn frame(payload: &[u8], frames: &mut Vec<u8>) {
    frames.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frames.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    frames.extend_from_slice(payload);
}

/// Length and checksum of the frame that begins here. None where none can begin.
pub(super) fn head(bytes: &[u8]) -> Option<(usize, u32)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (checksum, _) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    (length > 0).then_some((length, u32::from_le_bytes(*checksum)))
}

pub(super) fn path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:08}.raw"))
}

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) byte: u32,
}

/// Whoever appends. Knows one file, the last.
pub(super) struct Writer {
    dir: PathBuf,
    segment_bytes: u64,
    segment: u32,
    file: File,
    at: u64,
    allocated: u64,
    frame: Vec<u8>,
}

impl Writer {
    /// Goes on at `end`, or begins the first file.
    pub(super) fn new(dir: &Path, segment_bytes: u64, end: Option<Place>) -> Result<Self> {
        let dir = dir.to_owned();
        let Some(Place { segment, byte }) = end else {
            let file = create(&dir, 0, segment_bytes)?;
            return Ok(Self {
                dir,
                segment_bytes,
                segment: 0,
                file,
                at: 0,
                allocated: segment_bytes,
                frame: Vec::new(),
            });
        };
        let file = OpenOptions::new().read(true).write(true).open(path(&dir, segment))?;
        let allocated = file.metadata()?.len();
        Ok(Self { dir, segment_bytes, segment, file, at: u64::from(byte), allocated, frame: Vec::new() })
    }

    pub(super) fn put(&mut self, frames: &[u8], sync: bool) -> Result<()> {
        if self.at + frames.len() as u64 > self.allocated {
            self.roll(frames.len() as u64)?;
        }
        self.file.write_all_at(frames, self.at)?;
        self.at += frames.len() as u64;
        if sync { self.sync() } else { Ok(()) }
    }

    pub(super) fn put_one(&mut self, payload: &[u8]) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.frame);
        buffer.clear();
        frame(payload, &mut buffer);
        self.put(&buffer, false)?;
        self.frame = buffer;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    fn roll(&mut self, at_least: u64) -> Result<()> {
        self.sync()?;
        self.allocated = self.segment_bytes.max(at_least);
        self.segment += 1;
        self.file = create(&self.dir, self.segment, self.allocated)?;
        self.at = 0;
        Ok(())
    }
}

/// A file of its full length, whose name survives a power cut.
fn create(dir: &Path, segment: u32, bytes: u64) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path(dir, segment))?;
    fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}
