//! A source behind a wire that does what a test wants with the bytes.

use redraft::io::SeededEntropy;
use redraft::replica::{Directory, Feed, Source, Status};
use redraft::{Error, Result};
use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

/// What becomes of the bytes of a feed or a snapshot; how many of them arrive before the wire breaks, if it does.
pub(crate) type Tamper = dyn Fn(Vec<u8>) -> (Vec<u8>, bool) + Send + Sync;

pub(crate) struct Wire {
    pub(crate) end: Directory,
    pub(crate) tamper: Box<Tamper>,
    /// Whether a call is answered at all.
    pub(crate) answers: Box<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(crate) fn new(
        end: Directory,
        tamper: impl Fn(Vec<u8>) -> (Vec<u8>, bool) + Send + Sync + 'static,
    ) -> Self {
        Wire { end, tamper: Box::new(tamper), answers: Box::new(|| true) }
    }

    pub(crate) fn honest(end: Directory) -> Arc<Self> {
        Arc::new(Wire::new(end, |bytes| (bytes, false)))
    }

    /// What the dice decide: silent, broken off, a bit flipped, a piece delivered twice, or mostly nothing.
    pub(crate) fn in_trouble(end: Directory, trouble: usize, dice: SeededEntropy) -> Arc<Self> {
        Arc::new(Wire::new(end, move |mut bytes| {
            let at = dice.below(bytes.len());
            match trouble {
                0 => (bytes[..at].to_vec(), true),
                1 => (bytes[..at].to_vec(), false),
                2 => {
                    bytes[at] ^= 1 << dice.below(8);
                    (bytes, false)
                }
                3 => {
                    let again = bytes[at..].to_vec();
                    (bytes.into_iter().chain(again).collect(), false)
                }
                _ => (bytes, false),
            }
        }))
    }

    fn ask(&self) -> Result<()> {
        if (self.answers)() { Ok(()) } else { Err(silence()) }
    }

    fn carried(&self, mut from: impl Read) -> Result<Box<dyn Read + Send>> {
        let mut bytes = Vec::new();
        if let Err(error) = from.read_to_end(&mut bytes) {
            return Err(error.downcast::<Error>().unwrap_or_else(|_| silence()));
        }
        let (arrived, breaks) = (self.tamper)(bytes);
        Ok(if breaks { Box::new(Cursor::new(arrived).chain(Broken)) } else { Box::new(Cursor::new(arrived)) })
    }
}

fn silence() -> Error {
    Error::Unreachable { from: "the wire".into(), operation: "ask", source: io::ErrorKind::TimedOut.into() }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl Source for Wire {
    fn name(&self) -> String {
        "the wire".into()
    }

    fn status(&self) -> Result<Status> {
        self.ask()?;
        self.end.status()
    }

    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.ask()?;
        self.end.chain_at(offset)
    }

    fn bytes_since(&self, offset: u64) -> Result<Option<u64>> {
        self.ask()?;
        self.end.bytes_since(offset)
    }

    fn snapshot_bytes(&self, version: u64) -> Result<Option<u64>> {
        self.ask()?;
        self.end.snapshot_bytes(version)
    }

    fn snapshots(&self) -> Result<Vec<u64>> {
        self.ask()?;
        self.end.snapshots()
    }

    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.ask()?;
        self.carried(self.end.snapshot(version)?)
    }

    fn feed(&self, from: u64, _lives: bool) -> Result<Box<dyn Read + Send>> {
        self.ask()?;
        self.carried(self.end.feed(from, false)?)
    }
}

/// All bytes of a feed.
pub(crate) fn bytes_of(mut feed: Feed) -> Vec<u8> {
    let mut bytes = Vec::new();
    feed.read_to_end(&mut bytes).unwrap();
    bytes
}
