//! [`Backward`]: the records of a log, newest first.
//!
//! Frames can only be walked forward, so it reads them by groups, each from a known place, and hands out a group from its
//! end. Always holds: what [`Records`](super::Records) promises, in the other direction; the oldest record kept is the last.

use super::Reader;
use crate::error::{Error, Result};
use std::ops::Range;

/// How many records are read at a time in the beginning: a few of the stretches between known places.
const GROUP: u64 = 16;
/// Beginning to read costs as much as a few hundred small records: for who goes on, groups grow until they have so many bytes.
const GROUP_BYTES: usize = 256 << 10;
/// And no more records than this.
const GROUP_MAX: u64 = 4096;

/// A position in a log that moves backward. Made by [`Reader::backward`].
#[derive(Debug)]
pub struct Backward {
    reader: Reader,
    /// The offset after the next record.
    end: u64,
    /// How many records the next group is to have.
    group: u64,
    /// The payloads of a group, one after the other, and where each is.
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

/// One record, lent by who read it backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackwardRecord<'a> {
    offset: u64,
    payload: &'a [u8],
}

impl<'a> BackwardRecord<'a> {
    /// Its place in the log.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What was appended.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

impl Backward {
    pub(super) fn new(reader: Reader, end: u64) -> Backward {
        Backward { reader, end, group: GROUP, bytes: Vec::new(), places: Vec::new() }
    }

    /// The offset after the next record.
    pub fn offset(&self) -> u64 {
        self.end
    }

    /// The next record, going backward, lent until the next call. Nothing once the oldest was handed out. Costs its length;
    /// the file is read by groups of sixteen records and more, which are held in memory: for who goes on up to 512 KiB.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the place; asking again gives the same answer. [`Error::Compacted`] when it has been given up
    /// meanwhile; [`Error::Io`].
    pub fn next_record(&mut self) -> Result<Option<BackwardRecord<'_>>> {
        if self.places.is_empty() && !self.load()? {
            return Ok(None);
        }
        let Some(place) = self.places.pop() else { return Ok(None) };
        self.end -= 1;
        let offset = self.end;
        Ok(self.bytes.get(place).map(|payload| BackwardRecord { offset, payload }))
    }

    /// Reads the group before `end`; false if there is none.
    fn load(&mut self) -> Result<bool> {
        let oldest = self.reader.oldest()?;
        if self.end <= oldest {
            return Ok(false);
        }
        let base = self.reader.base_of(self.end - 1)?;
        // Groups are counted from where their segment begins: that is where places are known.
        let within = (self.end - 1 - base) / GROUP * GROUP;
        let first = |group: u64| base + within.saturating_sub(group - GROUP);
        let answer = match self.load_from(first(self.group)) {
            // What stands behind the damage is still to be had.
            Err(_) if self.group > GROUP => {
                self.group = GROUP;
                self.load_from(first(GROUP))
            }
            answer => answer,
        };
        match &answer {
            // What was read before the damage is not the end of the group.
            Err(_) => self.places.clear(),
            Ok(()) if self.bytes.len() > GROUP_BYTES => self.group = (self.group / 2).max(GROUP),
            Ok(()) => self.group = (self.group * 2).min(GROUP_MAX),
        }
        answer.map(|()| !self.places.is_empty())
    }

    fn load_from(&mut self, first: u64) -> Result<()> {
        self.bytes.clear();
        self.places.clear();
        let mut records = self.reader.records(first)?;
        while records.offset() < self.end {
            let Some(record) = records.next_record()? else {
                return Err(Error::BeyondHead { version: self.end, head: records.offset() });
            };
            let start = self.bytes.len();
            self.bytes.extend_from_slice(record.payload());
            self.places.push(start..self.bytes.len());
        }
        Ok(())
    }
}
