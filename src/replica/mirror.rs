//! [`Mirror`]: the same records under the same chain, in a directory of its own; no state is made of them.
//!
//! For whoever passes a history on or keeps it: costs no memory, whatever the state's size and type. Leaves reading to
//! [`Reader`](crate::Reader).

use super::begin;
use super::follow::{LONGEST_PAUSE, Pause, Syncing, follow_once};
use super::link::Link;
use super::source::{Directory, Source};
use super::{Beginning, Progress};
use crate::error::Result;
use crate::io::Env;
use crate::log::Log;
use crate::store;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How often somebody who waits for a source is asked whether to go on.
const BREATH: Duration = Duration::from_millis(100);

/// A copy of a store's history that follows it, without the state. For a state that follows, see
/// [`Replica`](crate::Replica); the directories of both are the same.
#[derive(Debug)]
pub struct Mirror {
    env: Env,
    pub(super) log: Log,
    pub(super) link: Link,
}

impl store::Options {
    /// [`Mirror::open`], with these options for the copy: the machine, which is also the source's, the size of its
    /// segments, and whether it may be started where there is nothing.
    ///
    /// # Errors
    /// As `Mirror::open`.
    pub fn open_mirror(&self, source: impl AsRef<Path>, mirror: impl AsRef<Path>) -> Result<Mirror> {
        let source = Directory::open_in(&self.log.env, source)?;
        self.mirror_of(Arc::new(source), mirror, Beginning::Oldest)
    }

    /// The same, of any source, beginning where it is told.
    ///
    /// # Errors
    /// As [`Mirror::open`], and what the source answers.
    pub fn mirror_of(
        &self,
        source: Arc<dyn Source>,
        mirror: impl AsRef<Path>,
        begin: Beginning,
    ) -> Result<Mirror> {
        let dir = mirror.as_ref();
        let span = tracing::info_span!("follow", source = source.name(), replica = %dir.display());
        let _entered = span.enter();
        let log = begin::log_of(self, &source, dir, begin)?;
        let mut link = Link::new(source, None);
        link.agrees(&log)?;
        Ok(Mirror { env: self.log.env.clone(), log, link })
    }
}

impl Mirror {
    /// Opens the copy in the directory `mirror` of the store in the directory `source`, or starts one there if it does
    /// not exist or is empty. The source is only read; its writer may be at work. Costs opening both as logs, and a few looks
    /// into either; starting one costs its first snapshot, if there is one, and a handful of syncs. Where something was
    /// [redacted](crate::Redaction) in the source since, or what comes next was given up there, everything is fetched anew, and
    /// takes the place of what is here once it is complete. [`Options::skip_ahead`](store::Options::skip_ahead) does the same where it
    /// is cheaper.
    ///
    /// # Errors
    /// [`Error::Foreign`](crate::Error::Foreign) when it follows another store, [`Error::Diverged`](crate::Error::Diverged) when
    /// their histories differ or the copy has more, [`Error::Role`](crate::Error::Role) when it is no replica; otherwise as
    /// opening a store.
    pub fn open(source: impl AsRef<Path>, mirror: impl AsRef<Path>) -> Result<Mirror> {
        store::Options::new().open_mirror(source, mirror)
    }

    /// The version that is copied: how many changes it holds durably. O(1).
    pub fn version(&self) -> u64 {
        self.log.head()
    }

    /// The directory of the copy. O(1).
    pub fn path(&self) -> &Path {
        self.log.path()
    }

    /// Copies what the source has and this one has not; durable on return. Returns how far it came. Costs what is copied, and
    /// a sync for every few MiB; next to nothing when there is nothing new.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) when a record does not continue the chain;
    /// [`Error::Damaged`](crate::Error::Damaged) when the source is; [`Error::Compacted`](crate::Error::Compacted) when the source
    /// has given up what comes next; [`Error::Poisoned`](crate::Error::Poisoned) when the copy cannot be
    /// written; [`Error::Io`](crate::Error::Io), [`Error::Unreachable`](crate::Error::Unreachable). What was copied before stays.
    pub fn catch_up(&mut self) -> Result<Progress> {
        self.catch_up_with(|_| ())
    }

    /// [`catch_up`](Mirror::catch_up), telling `progress` now and then what is durable, and once in the end.
    ///
    /// # Errors
    /// As `catch_up`.
    pub fn catch_up_with(&mut self, mut progress: impl FnMut(Progress)) -> Result<Progress> {
        self.link.catch_up(&self.log, &mut progress)
    }

    /// Has the source hold back the history that is not copied yet, under this name, for as long as it is
    /// [willing to](crate::Options::hold_for_cursors). Told now and then, and after each [`catch_up`](Mirror::catch_up).
    #[must_use]
    pub fn acknowledged_as(mut self, follower: impl Into<String>) -> Self {
        self.link.follower = Some(follower.into());
        self
    }

    /// Follows the source on this thread: takes each change as soon as it is durable there, and calls `go_on` after each piece, and
    /// at least every second or so while there are none, which says whether to go on. A source that cannot be reached, or stops
    /// answering, is tried again, as [`Replica::follow`](crate::Replica::follow) does.
    ///
    /// # Errors
    /// As [`catch_up`](Mirror::catch_up), if it does not pass.
    pub fn follow_while(&mut self, mut go_on: impl FnMut(Progress) -> bool) -> Result<()> {
        let (log, begun) = (&self.log, self.log.end());
        let mut heard = |link: &Link, connected: bool| {
            go_on(Progress { connected, ..link.progress(log.head(), log.end() - begun) })
        };
        let mut pause = Pause::up_to(LONGEST_PAUSE);
        loop {
            let (before, mut told_to_end) = (log.end(), false);
            let answer = follow_once(&mut self.link, log, Syncing::AtOnce, &mut |link| {
                told_to_end = !heard(link, true);
                !told_to_end
            });
            pause.after(answer, log.end() > before)?;
            let until = Instant::now() + pause.next(&*self.env.entropy);
            while !told_to_end && Instant::now() < until {
                thread::sleep((until - Instant::now()).min(BREATH));
                told_to_end = !heard(&self.link, false);
            }
            if told_to_end {
                return self.log.sync().map(drop);
            }
        }
    }

    /// Ends the session cleanly, as [`Store::close`](crate::Store::close) does. At most two syncs.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::Error::Poisoned); what was copied before is there all the same.
    pub fn close(self) -> Result<()> {
        self.log.close()
    }
}
