//! [`Feed`]: a log as a stream of bytes, from any offset on, for whoever copies it.
//!
//! The bytes are those of a segment (FORMAT.md) that begins where it was asked for: a header, the records as they lie in the log,
//! and behind them a mark each time there is no more for now. So what was fetched into a file is a segment, and nothing on the
//! way needs to know what a change is. Leaves sending it to others.
//!
//! Always: only durable records are in it, verified as they are read; a stream that ended properly ends with a mark.

use super::rouse::Rouse;
use crate::error::{Error, Result};
use crate::log::{self, Records};
use crate::segment::format::{Header, mark};
use std::io::{self, Read};
use std::time::Duration;

/// About as much is made ready at a time.
const PIECE_BYTES: usize = 256 << 10;
/// How long a live feed is silent at most. A mark says that there is still somebody.
pub(crate) const PULSE: Duration = Duration::from_secs(1);

/// The bytes of a log from an offset on. Made by [`Feed::of`], and read piece by piece or through [`Read`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::{Store, Value, replica::Feed};
///
/// let store = Store::<Value>::open(dir.path().join("notes"))?;
/// store.produce(|doc| doc["title"] = "plan".into())?;
/// let copy = dir.path().join("copy");
/// std::fs::create_dir(&copy)?;
/// let mut segment = std::fs::File::create(copy.join("00000000000000000000.seg"))?;
/// std::io::copy(&mut Feed::of(&store, 0)?, &mut segment)?; // what was sent is what is stored
/// assert_eq!(redraft::Reader::<Value>::open(&copy)?.state(), store.state());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Feed {
    log: log::Reader,
    records: Records,
    /// What [`Read`] has not handed out yet, and how much of it it has.
    ready: Vec<u8>,
    handed: usize,
    header_is_due: bool,
    lives: bool,
    ended: bool,
    until: u64,
    roused: Rouse,
    /// What [`Read`] has to tell once it has handed out what came before it.
    failed: Option<Error>,
}

impl Feed {
    /// The changes of a store from version `from` on, up to the newest that is durable when it gets there. Costs looking for
    /// the place.
    ///
    /// # Errors
    /// [`Error::BeyondHead`], [`Error::Compacted`], [`Error::Damaged`], [`Error::Io`].
    pub fn of<S: crate::State + Default>(store: &crate::Store<S>, from: u64) -> Result<Feed> {
        Feed::from_log(&store.log_reader(), from)
    }

    /// The same for a log, or for a store that is open for reading: see [`Reader::log`](crate::Reader::log).
    ///
    /// # Errors
    /// As [`of`](Feed::of).
    pub fn from_log(log: &log::Reader, from: u64) -> Result<Feed> {
        let records = log.records(from)?;
        let (log, roused, ready, failed) = (log.clone(), Rouse::default(), Vec::new(), None);
        let (handed, header_is_due, lives, ended, until) = (0, true, false, false, u64::MAX);
        Ok(Feed { log, records, ready, handed, header_is_due, lives, ended, until, roused, failed })
    }

    /// Goes on for ever: at the end it waits for more, and says every second with a mark that it is still there.
    #[must_use]
    pub fn live(mut self) -> Feed {
        self.lives = true;
        self
    }

    /// The same, saying so as well whenever those who wait are roused.
    pub(super) fn live_and_roused_by(self, roused: &Rouse) -> Feed {
        Feed { roused: roused.clone(), ..self.live() }
    }

    /// Ends before offset `to`, with a mark there, if that comes before the end.
    #[must_use]
    pub fn until(mut self, to: u64) -> Feed {
        self.until = to;
        self
    }

    /// The same from here on, header and all, for somebody else.
    pub(super) fn again(self) -> Feed {
        Feed { ready: Vec::new(), handed: 0, header_is_due: true, lives: false, ended: false, ..self }
    }

    /// Whether all of it was read, up to the end.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.handed == self.ready.len()
    }

    /// The offset of the next record to come. O(1).
    pub fn offset(&self) -> u64 {
        self.records.offset()
    }

    /// Appends to `out` what is there, about 256 KiB at most; the last of it, behind which there is nothing for now, ends with a
    /// mark. Whether there may be more at once. Never waits for changes.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Compacted`] when what comes next was given up meanwhile, [`Error::Io`].
    pub fn fill(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        let full = out.len() + PIECE_BYTES;
        self.push_header(out)?;
        while out.len() < full {
            let next = if self.offset() < self.until { self.records.next_record()? } else { None };
            match next {
                Some(record) => push(record, out),
                None => {
                    out.extend_from_slice(&mark(&self.log.id(), self.records.offset(), self.records.chain()));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The same, waiting up to `patience` for a change if there is none.
    ///
    /// # Errors
    /// As [`fill`](Feed::fill).
    pub fn fill_within(&mut self, patience: Duration, out: &mut Vec<u8>) -> Result<bool> {
        if !self.header_is_due {
            self.roused.wait(|is_over| -> Result<()> {
                let next = self.records.next_within_unless(patience, is_over)?;
                next.into_iter().for_each(|record| push(record, out));
                Ok(())
            })?;
        }
        self.fill(out)
    }

    fn push_header(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if std::mem::take(&mut self.header_is_due) {
            let (base, chain) = (self.records.offset(), self.records.chain());
            // A copy, whatever this is; its beginning is where it begins.
            let own = self.log.header()?;
            let header =
                Header { replica: true, backup: false, base, origin: base, allocated: 0, chain, ..own };
            out.extend_from_slice(&header.encode());
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        self.handed = 0;
        let filled = if self.lives { self.fill_within(PULSE, &mut ready) } else { self.fill(&mut ready) };
        self.ready = ready;
        match filled {
            Ok(more) => self.ended = !more && !self.lives,
            // First what was good before it.
            Err(error) if !self.ready.is_empty() => self.failed = Some(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// A record as the log has it, but for the flag of a batch: whoever stores it batches it anew.
fn push(record: log::Record<'_>, out: &mut Vec<u8>) {
    let body = record.payload();
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(&record.chain().to_le_bytes());
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed == self.ready.len() {
            if self.ended {
                return Ok(0);
            }
            match self.failed.take() {
                Some(error) => return Err(io::Error::other(error)),
                None => self.refill().map_err(io::Error::other)?,
            }
        }
        let rest = &self.ready[self.handed..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.handed += count;
        Ok(count)
    }
}
