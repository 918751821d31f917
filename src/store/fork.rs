//! Forking: another store with the same past, which goes on by itself.
//!
//! Leaves all of it to `fork`. Always: no change waits for it, but for a new segment where the newest version is forked.

use super::complete::beginning;
use super::migrate::to_be_said;
use super::{Reader, Store};
use crate::backup::Source;
use crate::draft::Drafted;
use crate::error::{Error, IoContext, Result};
use crate::fork::{Branch, Fork, fork, must_be_possible};
use crate::history::History;
use crate::patch::Patch;
use crate::record::{Change, Meta, WriterId};
use crate::state::State;
use std::path::Path;
use std::sync::Arc;

/// What is copied rather than sealed: a new segment costs more than that, and each fork would leave a short one behind.
const COPIED_BYTES_MAX: u64 = 64 << 10;

impl<S: State + Default> Store<S> {
    /// Makes a store in the directory `target` that has the history of this one up to `version`, and goes on from there by itself; the
    /// directory must not exist or be empty. Segments and snapshots are shared with this store, and are gone once neither has them any
    /// more. So a thousand forks of a large store, to try as many futures of it, take little more of the disk than it does.
    ///
    /// The fork has the same [`id`](Store::id), and is a store like any other: opened, changed, verified, compacted, backed up and
    /// followed. Its first change says that it is one, [`Change::is_fork`](crate::Change::is_fork); what comes after is by a writer of
    /// its own. What is written to either is not in the other: a replica of one that is pointed to the other is told
    /// [`Error::Diverged`]. Nor does a [`Redaction`](crate::Redaction) of one reach the other: what has to be forgotten everywhere is to
    /// be redacted in each. [Cursors](Store::set_cursor) stay behind, and the index is made anew.
    ///
    /// Costs a link for each segment and snapshot, a look at each segment, and five syncs; and, where the version lies inside of a
    /// segment, reading and writing what that has of it. A fork of the newest version ends the segment that is being written,
    /// if it has more than 64 KiB or a quarter of its length, so that all others of that version share it. Where the file system has no links, or the target is
    /// on another one, files are copied, as the report tells. Interrupted at any moment, the fork is there or not at all; what is left
    /// under its name with `.tmp` behind it is used by the next one of that name.
    ///
    /// # Errors
    /// [`Error::BeyondHead`], [`Error::Compacted`]; [`Error::Exists`] when there is something, [`Error::Inside`] when `target` is in
    /// the directory of a store, [`Error::Locked`] when somebody else is making a fork there; [`Error::Damaged`] when the segments do
    /// not fit together; [`Error::Io`] when the system refuses. This store goes on all the same. [`Error::Poisoned`] when what was
    /// acknowledged cannot be made durable.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (path, other) = (dir.path().join("notes"), dir.path().join("other"));
    /// use redraft::{Store, Value};
    ///
    /// let store = Store::<Value>::open(&path)?;
    /// let planned = store.produce(|doc| doc["title"] = "plan".into())?.version();
    /// store.produce(|doc| doc["title"] = "launch".into())?;
    /// store.fork(planned, &other)?;
    /// let fork = Store::<Value>::open(&other)?;
    /// assert_eq!(fork.state()["title"].as_str(), Some("plan"));
    /// fork.produce(|doc| doc["title"] = "another plan".into())?;
    /// assert_eq!(store.state()["title"].as_str(), Some("launch"));
    /// # Ok(()) }
    /// ```
    pub fn fork(&self, version: u64, target: impl AsRef<Path>) -> Result<Fork> {
        let (head, target) = (self.version(), target.as_ref());
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        must_be_possible(&*self.history.env.disk, target)?;
        self.on_disk(version)?;
        if version == self.log.end() {
            self.log.seal_above(COPIED_BYTES_MAX)?;
        }
        begin(&self.history, version, target, true)
    }
}

impl<S: State + Default> Reader<S> {
    /// Makes a store that has the history up to `version`, beside a writer if there is one, and also of a replica or a backup. Nothing
    /// of the source is written: of the segment that is being written there, what is before the version is copied. See
    /// [`Store::fork`].
    ///
    /// # Errors
    /// As `Store::fork`.
    pub fn fork(&self, version: u64, target: impl AsRef<Path>) -> Result<Fork> {
        let (head, target) = (self.version(), target.as_ref());
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        must_be_possible(&*self.history.env.disk, target)?;
        begin(&self.history, version, target, false)
    }
}

fn begin<S: State + Default>(
    history: &History<S>,
    version: u64,
    target: &Path,
    beside_writer: bool,
) -> Result<Fork> {
    let source = Source { disk: &*history.env.disk, dir: &history.dir, view: &history.view };
    let (change, mut first) = (first_change(history, version, target)?, Vec::new());
    change.encode(WriterId::of(history.view.id()), &mut first);
    fork(&history.env, &source, Branch { version, first: &first, beside_writer }, target)
}

/// What tells the history of a fork from that of its source, and from that of every other fork: a writer of its own, who is at home
/// from then on.
fn first_change<S: State + Default>(history: &History<S>, version: u64, target: &Path) -> Result<Change> {
    let (env, mut writer) = (&history.env, [0; 8]);
    env.entropy.fill(&mut writer).during("draw a writer for", target)?;
    let stamp = history.stamp_at(version)?.next(env.clock.now_ms());
    let meta = Meta::label(format!("forked from {} at {version}", history.view.id()));
    let change = Change::of(WriterId(u64::from_le_bytes(writer)), 1, version + 1, stamp);
    let change = Change { meta, is_fork: true, ..change };
    if version > 0 {
        return Ok(change);
    }
    // The first change of all says what the type begins with.
    let (tip, nothing) = (history.tip_at(0)?, Patch::new());
    let state = Arc::clone(&tip.state);
    let begun = beginning(&*tip.state, Drafted { state, patch: nothing.clone(), inverse: nothing })?;
    Ok(Change { patch: begun.patch, schema: to_be_said(&tip), ..change })
}
