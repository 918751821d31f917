//! Moving a store into a stream: its history, and the snapshot that it begins with, if it does not begin at its first change.
//!
//! Leaves the history to [`replica::move_in`](crate::replica::move_in). Always: the stream says whose history it holds before anything of that
//! is there; whatever is there continues, so that what was interrupted is gone on with.

use super::settings::JetStream;
use super::stream::Stream;
use crate::error::{Error, Result};
use crate::replica::{Place, Progress, Source, Status, move_in};

impl JetStream {
    /// A new stream is to hold the history of this store, which is [moved in](Stream::move_in). A few questions to it.
    ///
    /// # Errors
    /// [`Error::Compacted`] when it does not begin at its first change, and has no snapshot of where it does; what it answers.
    pub fn begin_with_history_of(self, source: &dyn Source) -> Result<JetStream> {
        let Status { store, epoch, oldest: offset, .. } = source.status()?;
        if offset > 0 && !source.snapshots()?.contains(&offset) {
            return Err(Error::Compacted { version: 0, oldest: offset });
        }
        Ok(self.begin_with(store, epoch, Place { offset, chain: source.chain_at(offset)? }))
    }
}

impl Stream {
    /// Appends what `source` has and this stream has not: to move a store in, or to put back what the stream lost. Tells `progress` after
    /// each piece. A stream that has more than the source is left as it is. Costs what is moved, an answer of the server for each MiB
    /// or so, and a few checksums; the bytes of a snapshot in memory, where the history begins with one.
    ///
    /// The source stays what it was. What is written to it afterwards does not get into the stream by itself: have everybody write through
    /// a [`Node`](crate::replica::Node) of the stream, in a directory of its own.
    ///
    /// ```no_run
    /// use redraft::jetstream::JetStream;
    /// use redraft::replica::Directory;
    ///
    /// let store = Directory::open("board.redraft")?;
    /// let settings = JetStream::from_url("nats://127.0.0.1:4222?stream=board")?;
    /// let stream = settings.begin_with_history_of(&store)?.open()?;
    /// let moved = stream.move_in(&store, |step| println!("{} of {}", step.version, step.source_version))?;
    /// println!("{} changes went there", moved.copied);
    /// # Ok::<(), redraft::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`replica::move_in`](crate::replica::move_in) and [`put_snapshot`](Stream::put_snapshot). What was appended before stays, and the
    /// same call goes on from there.
    pub fn move_in(&self, source: &dyn Source, progress: impl FnMut(Progress)) -> Result<Progress> {
        let (from, own) = (source.status()?, self.status()?);
        let begins_alike = (from.store, from.oldest) == (own.store, own.oldest);
        if begins_alike && own.oldest > 0 && !self.snapshots()?.contains(&own.oldest) {
            self.put_snapshot(own.oldest, source.snapshot(own.oldest)?)?;
        }
        move_in(source, self, progress)
    }
}
