//! okaywal: a write-ahead log whose entries are read back while it opens, and forgotten when a segment is full. We keep one
//! segment that never is, except where rolling is the point. A batch is an entry of many chunks.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};

use ::okaywal::{
    Configuration, Entry, EntryId, LogManager, LogPosition, ReadChunkResult, SegmentReader, WriteAheadLog,
};
use anyhow::{Context, Result, ensure};

use crate::engine::{Engine, Setup, lacks};
use crate::engines::locked;

/// What the other logs allocate at a time. Written as zeros here.
const PREALLOCATED_BYTES: u32 = 64 << 20;

/// How many entries travel from the thread that recovers to the one that looks at them, at a time and in all.
const PAGE: usize = 256;
const PAGES: usize = 4;

pub(crate) struct Okaywal {
    log: WriteAheadLog,
    dir: PathBuf,
    places: Vec<LogPosition>,
}

fn configuration(dir: &Path, segment_bytes: Option<u64>) -> Configuration {
    let preallocated = segment_bytes.map_or(PREALLOCATED_BYTES, |bytes| bytes as u32);
    let full = segment_bytes.map_or(u64::MAX, |bytes| bytes - (64 << 10));
    Configuration::default_for(dir).preallocate_bytes(preallocated).checkpoint_after_bytes(full)
}

impl Engine for Okaywal {
    const KEEPS_ALL: bool = false;

    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        if !setup.synced {
            return lacks("always syncs");
        }
        let places = Arc::new(Mutex::new(Vec::new()));
        let manager = Finder { places: Arc::clone(&places) };
        let log = configuration(dir, setup.segment_bytes).open(manager)?;
        let places = std::mem::take(&mut *locked(&places)?);
        Ok(Self { log, dir: dir.to_owned(), places })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        self.append_all(&[payload])
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let mut entry = self.log.begin_entry()?;
        for payload in payloads {
            entry.write_chunk(payload)?;
        }
        entry.commit()?;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn head(&self) -> Result<u64> {
        Ok(self.places.len() as u64)
    }

    /// Recovers the log a second time: there is no other way to its entries in order.
    fn replay(&self, from: u64, visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        if from > 0 {
            return lacks("is read from its beginning, while it opens");
        }
        let (sender, pages) = mpsc::sync_channel(PAGES);
        let configuration = configuration(&self.dir, None);
        let teller = Teller { page: Vec::new(), sender };
        // The log keeps its teller, and the teller has the rest until it is dropped.
        let opening = std::thread::spawn(move || configuration.open(teller).map(drop));
        show(&pages, visit);
        drop(pages);
        opening.join().ok().context("recovery panicked")??;
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let place =
            self.places.get(number as usize).with_context(|| format!("there is no record {number}"))?;
        let mut chunk = self.log.read_at(*place)?;
        let mut payload = Vec::with_capacity(chunk.bytes_remaining() as usize);
        chunk.read_to_end(&mut payload)?;
        ensure!(chunk.crc_is_valid()?, "record {number} is damaged");
        visit(&payload);
        Ok(())
    }

    fn close(self) -> Result<()> {
        Ok(self.log.shutdown()?)
    }
}

fn show(pages: &Receiver<Vec<Vec<u8>>>, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) {
    for page in pages {
        if page.iter().any(|payload| visit(payload).is_break()) {
            return;
        }
    }
}

/// Notes where the entries are while the log opens.
#[derive(Debug)]
struct Finder {
    places: Arc<Mutex<Vec<LogPosition>>>,
}

impl LogManager for Finder {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        let mut places = self.places.lock().map_err(|_| io::Error::other("poisoned"))?;
        while let ReadChunkResult::Chunk(chunk) = entry.read_chunk()? {
            places.push(chunk.log_position());
        }
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
        Ok(())
    }
}

/// Sends the entries to whoever looks at them while the log opens.
#[derive(Debug)]
struct Teller {
    page: Vec<Vec<u8>>,
    sender: SyncSender<Vec<Vec<u8>>>,
}

impl LogManager for Teller {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        self.page.extend(entry.read_all_chunks()?.unwrap_or_default());
        if self.page.len() >= PAGE {
            // Nobody listens when enough was seen.
            let _ = self.sender.send(std::mem::take(&mut self.page));
        }
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let _ = self.sender.send(std::mem::take(&mut self.page));
    }
}
