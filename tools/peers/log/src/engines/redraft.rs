//! redraft's own log, as anyone would use it.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ::redraft::Durability;
use ::redraft::log::{Log, Options, Reader, Ticket};
use anyhow::Result;

use crate::engine::{Engine, Setup};
use crate::engines::locked;
use crate::records::Records;

/// What a power cut may take when nothing is synced.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct Redraft {
    log: Log,
    /// With the buffer that records are read into.
    reader: Mutex<(Reader, Vec<u8>)>,
}

impl Engine for Redraft {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let durability = if setup.synced { Durability::Immediate } else { Durability::Interval(INTERVAL) };
        let mut options = Options::new().durability(durability);
        if let Some(bytes) = setup.segment_bytes {
            options = options.segment_bytes(bytes);
        }
        let log = options.open(dir)?;
        let reader = Mutex::new((log.reader(), Vec::new()));
        Ok(Self { log, reader })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        self.log.append(payload)?;
        Ok(())
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        self.log.append_all(payloads)?;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.log.sync()?;
        Ok(())
    }

    fn head(&self) -> Result<u64> {
        Ok(self.log.head())
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let mut records = locked(&self.reader)?.0.records(from)?;
        while let Some(record) = records.next_record()? {
            if visit(record.payload()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let (reader, buffer) = &mut *locked(&self.reader)?;
        reader.read_into(number, buffer)?;
        visit(buffer);
        Ok(())
    }

    fn keep_in_flight(&self, records: &Records, count: usize, time: Duration) -> Result<u64> {
        let (mut tickets, mut number, start) = (VecDeque::with_capacity(count), 0, Instant::now());
        while start.elapsed() < time {
            if tickets.len() == count {
                tickets.pop_front().map(Ticket::wait).transpose()?;
            }
            tickets.push_back(self.log.submit(records.get(number))?);
            number += 1;
        }
        tickets.into_iter().try_for_each(|ticket| ticket.wait().map(|_| ()))?;
        Ok(number)
    }

    fn close(self) -> Result<()> {
        Ok(self.log.close()?)
    }
}
