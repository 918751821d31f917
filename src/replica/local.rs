//! [`LocalOrder`]: an order in a directory, for nodes of one process: tests, and programs that do not need more yet.
//!
//! Leaves keeping the records to a log. Always: it promises what an order elsewhere promises, so that a program that is right on this one
//! is right on those.

use super::begin::open_log;
use super::feed::Feed;
use super::order::{Order, Place};
use super::rouse::Rouse;
use super::source::{Source, Status};
use super::{arrival::Carrier, ignore_poison};
use crate::error::{Error, IoContext, Result, Role};
use crate::log::directory::{self, must_be_free, not_a_store, occupant};
use crate::log::options::new_identity;
use crate::log::{self, Birth, Codec, Log};
use std::io;
use std::path::Path;
use std::sync::Mutex;

/// So much is appended at once, at most.
const BATCH_BYTES: usize = 1 << 20;

/// An order in a directory of this machine.
///
/// What is in the directory is a log that any [`Reader`](crate::Reader) can open.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::replica::{LocalOrder, Node};
/// use redraft::{Value, value};
/// use std::sync::Arc;
///
/// let order = Arc::new(LocalOrder::open(dir.path().join("order"))?);
/// let here = Node::<Value>::open(order.clone(), dir.path().join("here"))?;
/// let there = Node::<Value>::open(order.clone(), dir.path().join("there"))?;
/// let settled = here.produce(|doc| doc["title"] = "plan".into())?; // it has its place in the one order
/// there.wait_for(settled.version)?;
/// assert_eq!(*there.state()?, value!({ "title": "plan" }));
/// # here.close()?;
/// # there.close()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct LocalOrder {
    log: Log,
    /// Held by the one who appends.
    turn: Mutex<()>,
    roused: Rouse,
}

impl LocalOrder {
    /// Opens the order in a directory, or makes one where there is nothing. Costs what opening a log costs.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<LocalOrder> {
        LocalOrder::open_with(&log::Options::new(), path)
    }

    /// The same, with the options of a log.
    ///
    /// # Errors
    /// As [`open`](LocalOrder::open).
    pub fn open_with(options: &log::Options, path: impl AsRef<Path>) -> Result<LocalOrder> {
        let dir = path.as_ref();
        let log = match occupant(&*options.env.disk, dir)? {
            None => open_log(options, dir, Role::Replica)?,
            Some(found) if !options.create => return Err(not_a_store(dir, found)),
            Some(_) => begun(options, dir)?,
        };
        Ok(LocalOrder { log, turn: Mutex::default(), roused: Rouse::default() })
    }
}

fn begun(options: &log::Options, dir: &Path) -> Result<Log> {
    must_be_free(&*options.env.disk, dir)?;
    let lock = directory::claim(&*options.env.disk, dir)?;
    let store = new_identity(&options.env, dir)?;
    let (codec, chain) = (Codec::Change, store.genesis());
    Log::create(options, dir, Birth { codec, store, replica: true, epoch: 1, base: 0, chain }, lock)
}

impl Source for LocalOrder {
    fn name(&self) -> String {
        self.log.path().display().to_string()
    }

    fn status(&self) -> Result<Status> {
        Status::of(&self.log.reader())
    }

    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.log.reader().chain_at(offset)
    }

    fn snapshots(&self) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }

    fn snapshot(&self, _: u64) -> Result<Carrier> {
        Err(io::Error::from(io::ErrorKind::NotFound)).during("open snapshot", self.log.path())
    }

    fn feed(&self, from: u64, lives: bool) -> Result<Carrier> {
        let feed = Feed::from_log(&self.log.reader(), from)?;
        Ok(Box::new(if lives { feed.live_and_roused_by(&self.roused) } else { feed }))
    }

    fn rouse(&self) {
        self.roused.rouse();
    }

    fn bytes_since(&self, offset: u64) -> Result<Option<u64>> {
        self.log.reader().bytes_since(offset).map(Some)
    }
}

impl Order for LocalOrder {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        let _turn = ignore_poison(&self.turn);
        if self.log.end_and_chain() != (place.offset, place.chain) {
            return Err(Error::Overtaken { from: self.name(), offset: place.offset });
        }
        self.log.append_all(records).map(drop)
    }

    fn batch_bytes(&self) -> usize {
        BATCH_BYTES
    }
}
