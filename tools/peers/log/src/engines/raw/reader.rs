//! Reading with large reads, every frame's checksum compared. Knows where each record begins: 8 bytes a record, as found when
//! the log was scanned.

use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::file::{HEAD_BYTES, Place, head, path};

/// Larger reads are hardly faster, and the first record waits for a whole one.
const READ_BYTES: usize = 64 << 10;

/// No record that we write is as long as this.
const FRAME_BYTES_MAX: usize = 2 << 10;

pub(super) struct Reader {
    files: Vec<File>,
    places: Vec<Place>,
    end: Option<Place>,
}

impl Reader {
    /// Finds all records. The log ends where no good frame begins.
    pub(super) fn scan(dir: &Path) -> Result<Self> {
        let mut reader = Self { files: Vec::new(), places: Vec::new(), end: None };
        for segment in 0.. {
            let Ok(file) = File::open(path(dir, segment)) else { break };
            let places = &mut reader.places;
            let byte = frames(&file, 0, |byte, _| {
                places.push(Place { segment, byte });
                ControlFlow::Continue(())
            })?;
            reader.end = Some(Place { segment, byte });
            reader.files.push(file);
        }
        Ok(reader)
    }

    pub(super) fn len(&self) -> u64 {
        self.places.len() as u64
    }

    pub(super) fn end(&self) -> Option<Place> {
        self.end
    }

    fn place(&self, number: u64) -> Result<Place> {
        self.places.get(number as usize).copied().with_context(|| format!("there is no record {number}"))
    }

    pub(super) fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let Place { segment, mut byte } = self.place(from)?;
        let mut flow = ControlFlow::Continue(());
        for file in &self.files[segment as usize..] {
            frames(file, byte, |_, payload| {
                flow = visit(payload);
                flow
            })?;
            if flow.is_break() {
                break;
            }
            byte = 0;
        }
        Ok(())
    }

    pub(super) fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let Place { segment, byte } = self.place(number)?;
        let mut buffer = [0; FRAME_BYTES_MAX];
        let next = self.place(number + 1).ok().filter(|next| next.segment == segment);
        let bytes = next.map_or(FRAME_BYTES_MAX, |next| (next.byte - byte) as usize);
        let got = self.files[segment as usize].read_at(&mut buffer[..bytes], u64::from(byte))?;
        let (length, checksum) = head(&buffer[..got]).context("no frame where one was found before")?;
        let payload =
            buffer.get(HEAD_BYTES..HEAD_BYTES + length).context("a record longer than any we write")?;
        ensure!(crc32fast::hash(payload) == checksum, "record {number} is damaged");
        visit(payload);
        Ok(())
    }
}

/// Shows the good frames from a byte on, with the bytes where they begin. Says where the first begins that is not good, or was
/// not asked for any more.
fn frames(file: &File, from: u32, mut visit: impl FnMut(u32, &[u8]) -> ControlFlow<()>) -> Result<u32> {
    let mut buffer = vec![0; READ_BYTES];
    let mut at = from;
    loop {
        let got = file.read_at(&mut buffer, u64::from(at))?;
        let mut begin = 0;
        while let Some((length, checksum)) = head(&buffer[begin..got]) {
            if length > READ_BYTES - HEAD_BYTES {
                return Ok(at + begin as u32);
            }
            let Some(payload) = buffer[..got].get(begin + HEAD_BYTES..begin + HEAD_BYTES + length) else {
                break;
            };
            if crc32fast::hash(payload) != checksum || visit(at + begin as u32, payload).is_break() {
                return Ok(at + begin as u32);
            }
            begin += HEAD_BYTES + length;
        }
        if begin == 0 {
            return Ok(at);
        }
        at += begin as u32;
    }
}
