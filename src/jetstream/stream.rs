//! [`Stream`]: a log that lives on NATS JetStream, to be followed and appended to.
//!
//! Everything it does is a question in `look`, `append` and `feed`; it has a thread of its own that asks them, so that it can be used from
//! any other, whether or not that one is part of an asynchronous runtime. Always: what fails on the way is an error within the time that was
//! set; dropping it ends its thread.

use super::append::must_fit;
use super::feed::feed;
use super::line::{Line, Published};
use super::look::Core;
use super::message::{Framed, Message};
use super::objects::Objects;
use super::promise::Promise;
use super::settings::{Birth, JetStream};
use super::shape;
use crate::error::{Error, IoContext, Result};
use crate::io::Env;
use crate::layout::StoreId;
use crate::replica::{Order, Patience, Place, Source, Status, wait_here};
use async_nats::jetstream::stream::Info;
use std::fmt;
use std::future::Future;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;

/// What the server's own headers take at most of a message.
const OVERHEAD_BYTES: usize = 1 << 10;
/// No batch is larger, whatever the server takes: who appends waits for it.
const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// So much is appended at once before it is known what the server takes.
const BATCH_BYTES: usize = 64 << 10;

/// A log on NATS JetStream. See [`JetStream`].
pub struct Stream {
    far: Arc<Far>,
    runtime: Option<Runtime>,
}

/// The other side, which is asked for the first time when somebody wants something of it.
struct Far {
    settings: JetStream,
    name: String,
    patience: Patience,
    core: OnceCell<Arc<Core>>,
}

impl Far {
    async fn core(&self) -> Result<Arc<Core>> {
        let connect = || async { connected(&self.settings, self.patience.clone()).await.map(Arc::new) };
        self.core.get_or_try_init(connect).await.cloned()
    }

    fn unreachable(&self, operation: &'static str, source: io::Error) -> Error {
        Error::Unreachable { from: self.name.clone(), operation, source }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("name", &self.far.name).finish_non_exhaustive()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Waiting is not allowed where this may be dropped.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Stream {
    /// One that has asked nobody yet.
    pub(super) fn later(settings: &JetStream) -> Result<Stream> {
        let (settings, name) = (settings.clone(), settings.name());
        let patience = Patience::of(settings.timeout);
        let far = Far { settings, name, patience, core: OnceCell::new() };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("redraft-jetstream")
            .enable_all()
            .build()
            .map_err(|error| far.unreachable("start a thread to read", error))?;
        Ok(Stream { far: Arc::new(far), runtime: Some(runtime) })
    }

    pub(super) fn open(settings: &JetStream) -> Result<Stream> {
        let stream = Stream::later(settings)?;
        stream.store()?;
        Ok(stream)
    }

    /// Whose history it is. O(1), once it was reached.
    ///
    /// # Errors
    /// As [`JetStream::open`], if it was not reached yet.
    pub fn store(&self) -> Result<StoreId> {
        self.wait(async |core| Ok(core.store))
    }

    /// What an acknowledgement is worth now. One question.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Altered`].
    pub fn promise(&self) -> Result<Promise> {
        self.wait(async |core| {
            let info = core.info().await?;
            Promise::asked(&core.line, &info).await
        })
    }

    /// Puts a snapshot beside the stream, from which new replicas can begin: the bytes of a snapshot's file that continues no other.
    /// Verified before, as a whole; it counts once all of it is there. Costs its bytes, also in memory.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Foreign`] and [`Error::Diverged`] when it is none of this history at this version, or
    /// [continues](crate::Defect::ParentUnusable) another one; [`Error::BeyondHead`], [`Error::Compacted`]; [`Error::Unreachable`].
    pub fn put_snapshot(&self, version: u64, mut file: impl Read) -> Result<()> {
        let mut bytes = Vec::new();
        let failed = |source| self.far.unreachable("put what came", source);
        file.read_to_end(&mut bytes).map_err(failed)?;
        self.wait(async move |core| core.put_snapshot(version, bytes).await)
    }

    /// Gives up the history before `version`, of which there is a snapshot beside the stream: the messages that hold nothing else, what
    /// belongs to them, and older snapshots. The snapshot is read back and verified first; replicas begin with it from then on. Who is
    /// not that far yet begins anew. Costs the bytes of the snapshot, also in memory.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when there is no such snapshot; as [`put_snapshot`](Stream::put_snapshot) when it is no good. Nothing is given
    /// up then.
    pub fn trim(&self, version: u64) -> Result<()> {
        self.wait(async move |core| core.trim(version).await)
    }

    /// Runs what may wait on the thread that does.
    fn wait<T, F>(&self, work: impl FnOnce(Arc<Core>) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (tell, told) = tokio::sync::oneshot::channel();
        let ended = || self.far.unreachable("ask", io::ErrorKind::BrokenPipe.into());
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        let far = Arc::clone(&self.far);
        runtime.spawn(async move {
            let answer = match far.core().await {
                Ok(core) => work(core).await,
                Err(error) => Err(error),
            };
            drop(tell.send(answer));
        });
        wait_here(told).map_err(|_| ended())?
    }
}

impl Source for Stream {
    fn name(&self) -> String {
        self.far.name.clone()
    }

    fn status(&self) -> Result<Status> {
        self.wait(async |core| {
            let info = core.info().await?;
            let last = core.last(&info).await?;
            let oldest = core.oldest(&info).await?;
            Ok(Status::new(core.store, last.epoch, oldest, last.offset))
        })
    }

    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.wait(async move |core| core.locate(offset).await.map(|located| located.chain))
    }

    fn snapshots(&self) -> Result<Vec<u64>> {
        self.wait(async |core| core.snapshots().await)
    }

    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        let pieces = self.wait(async move |core| core.snapshot(version).await)?;
        Ok(Box::new(pieces))
    }

    fn snapshot_bytes(&self, version: u64) -> Result<Option<u64>> {
        self.wait(async move |core| core.snapshot_bytes(version).await.map(Some))
    }

    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        let pieces = self.wait(async move |core| feed(core, from, lives).await)?;
        Ok(Box::new(pieces))
    }

    fn rouse(&self) {
        self.far.patience.rouse();
    }

    fn bytes_since(&self, offset: u64) -> Result<Option<u64>> {
        self.wait(async move |core| {
            let located = core.locate(offset).await?;
            let state = core.info().await?.state;
            // No server tells what some of its messages take: they are taken to be of one size.
            let behind = state.last_sequence.saturating_sub(located.sequence);
            let share = u128::from(state.bytes) * u128::from(behind) / u128::from(state.messages.max(1));
            Ok(Some(u64::try_from(share).unwrap_or(u64::MAX)))
        })
    }
}

impl Order for Stream {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        let known = self.far.core.get().map(|core| core.batch_bytes());
        let most_bytes = known.map_or_else(|| self.wait(async |core| Ok(core.batch_bytes())), Ok)?;
        match must_fit(records, most_bytes) {
            // Who put them together could not know how much the server takes, and does by now.
            Err(Error::TooLarge { .. }) if known.is_none() && records.len() > 1 => {
                let source = io::Error::other("the server takes less at once than was supposed");
                return Err(self.far.unreachable("append to", source));
            }
            answer => answer?,
        }
        let framed = Framed::of(place.chain, records);
        self.wait(async move |core| core.append(place, framed).await)
    }

    fn batch_bytes(&self) -> usize {
        self.far.core.get().map_or(BATCH_BYTES, |core| core.batch_bytes())
    }
}

/// A connection to the stream, which is there then, holds a history, and can be relied on.
async fn connected(settings: &JetStream, patience: Patience) -> Result<Core> {
    let line = Line::connect(settings, patience).await?;
    let info = match line.info().await? {
        Some(info) => info,
        None if settings.create => made(&line, settings).await?,
        None => {
            let absent = io::Error::new(io::ErrorKind::NotFound, "there is no such stream");
            return Err(line.unreachable("open", absent));
        }
    };
    shape::check(&info.config, settings)?;
    Promise::asked(&line, &info).await?.weigh(settings)?;
    let store = match info.state.messages {
        0 => founded(&line, settings, &info).await?,
        _ => store_of(&line, info.state.first_sequence).await?,
    };
    if let Some(birth) = settings.birth.filter(|birth| birth.store != store) {
        return Err(Error::Foreign { expected: birth.store, found: store });
    }
    let most = line.client.max_payload().saturating_sub(OVERHEAD_BYTES).min(MESSAGE_BYTES_MAX);
    let most = match usize::try_from(info.config.max_message_size) {
        Ok(limit) if limit > 0 => limit.min(most),
        _ => most,
    };
    let objects = Objects::new(info.config.num_replicas);
    let core = Core::new(line, store, most, objects);
    // From here on, everything is held against this.
    let info = core.info().await?;
    core.last(&info).await?;
    Ok(core)
}

async fn made(line: &Line, settings: &JetStream) -> Result<Info> {
    let subject = format!("STREAM.CREATE.{}", line.stream);
    let make = line.context.create_stream(shape::wanted(settings));
    let made = line.within("make a stream", &[&subject], make).await?;
    match made {
        Ok(stream) => Ok(stream.cached_info().clone()),
        // Somebody else may have made it at the same time.
        Err(error) => line.info().await?.ok_or_else(|| line.failed("make a stream", error)),
    }
}

/// Begins the history of a stream that holds none, unless somebody else is faster.
async fn founded(line: &Line, settings: &JetStream, info: &Info) -> Result<StoreId> {
    let last = info.state.last_sequence;
    if last > 0 || !settings.create {
        let found = format!("nothing, after {last} messages");
        return Err(line.found(last).altered("a history", found));
    }
    let birth = match settings.birth {
        Some(birth) => birth,
        None => {
            let mut id = [0; 16];
            let entropy = Env::real().entropy;
            entropy.fill(&mut id).during("draw an identity for", Path::new(&*line.stream))?;
            let store = StoreId(id);
            Birth { store, epoch: 1, place: Place { offset: 0, chain: store.genesis() } }
        }
    };
    let message = Message::founding(birth.store, birth.epoch, birth.place.offset, birth.place.chain);
    match line.publish(message, 0).await? {
        Published::As(1) => Ok(birth.store),
        _ => store_of(line, 1).await,
    }
}

/// Whose history begins with that message.
async fn store_of(line: &Line, first: u64) -> Result<StoreId> {
    match line.message(first, None).await? {
        Some(message) => Ok(message.header.store),
        None => Err(line.found(first).altered("a message", "none")),
    }
}
