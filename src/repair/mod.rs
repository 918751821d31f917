//! Mending a log or store that opening refuses as damaged: says what would be lost, copies it aside, then cuts.
//!
//! Stands beside `check`, on the same functions that opening decides by. `files` looks at what is there, `walk` goes over
//! what is good, `plan` decides what becomes of each file, `act` does it. Nothing else in the crate removes damaged bytes.
//!
//! What is kept is the longest good prefix of the log, every record verified against the chain from its beginning on.
//! What can be derived from the records (headers, footers, the place of a file in the order) is made anew.
//!
//! Always:
//! * Planning only reads. Carrying out takes the writer's lock, plans again under it, and does nothing if that comes to
//!   anything else than what was said.
//! * Nothing is overwritten in place or removed before all that will be has been copied aside, durably, byte by byte.
//! * Each step is one atomic change of names, durable before the next. A file is replaced by one that is complete.
//! * The order of the steps: damaged cursors, which the log does not depend on, go; files are put under their names, the good part is written as it shall end, what came before it
//!   goes, snapshots go, and of the segments behind it the newest goes last. None of those fits the good part, and neither
//!   does a snapshot of a later version, so there is something that does not fit until the last step: an interrupted repair
//!   leaves a damaged log, never one that is sound but shorter. Planning that again leads to the same end.
//! * Where files were being exchanged, and what says so can no longer be read, that file goes last: until then nobody opens the rest.
//! * A file of a newer format is an error, and nothing is touched.

mod act;
mod files;
mod loss;
mod plan;
mod step;
mod undecided;
mod walk;

pub use step::{Loss, Mending, Step, Why};

#[cfg(doc)]
use crate::Error;
use crate::error::{Error as Failure, Result};
use crate::io::Env;
use crate::log::{StoreId, directory};
use crate::store::Options;
use plan::Plan;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What would mend a damaged log or store, and what that would cost.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("board.redraft");
/// use redraft::{Repair, Store, Value};
///
/// # let store = Store::<Value>::open(&path)?;
/// # store.produce(|board| board["title"] = "Launch".into())?;
/// # store.close()?;
/// let repair = Repair::plan(&path)?; // only reads
/// if repair.is_needed() {
///     println!("version {} can be kept, lost: {}", repair.head(), repair.loss());
///     for step in repair.steps() {
///         println!("{step}");
///     }
///     println!("copied aside to {}", repair.aside().display());
///     repair.carry_out()?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Repair {
    env: Env,
    dir: PathBuf,
    plan: Plan,
}

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// The version the log ends with.
    pub head: u64,
    /// Where everything that was cut or removed is; nothing if nothing was.
    pub aside: Option<PathBuf>,
}

impl Options {
    /// [`Repair::plan`], on the machine that these options name; nothing else in them matters for it.
    ///
    /// # Errors
    /// As `Repair::plan`.
    pub fn plan_repair(&self, path: impl AsRef<Path>) -> Result<Repair> {
        let (env, dir) = (self.log.env.clone(), path.as_ref().to_owned());
        let span = tracing::info_span!("plan repair", path = %dir.display());
        let _entered = span.enter();
        let plan = plan::plan(&*env.disk, &dir)?;
        Ok(Repair { env, dir, plan })
    }
}

impl Repair {
    /// Reads all of the log or store in the directory `path` and plans how to mend it. Changes nothing and takes no lock:
    /// beside a writer it may see things in motion, so ask again when there is none. O(history); as much memory as the largest
    /// snapshot takes, and a byte a record.
    ///
    /// Where a replica or a backup has what is damaged here, take it from there: a repair only keeps what is left.
    ///
    /// Where an exchange of files was interrupted (by a [`Redaction`](crate::Redaction), or a replica or backup that followed one) and the file
    /// that says so is damaged, the new history takes the place of the old one if it is whole, and is given up if only the old one is. The
    /// other one is copied aside: with what was to be redacted, so remove the copy once it is not needed.
    ///
    /// What is judged is bytes: a record whose checksum is right stays, even if the change in it makes no sense, which
    /// [`verify`](crate::verify) tells.
    ///
    /// # Errors
    /// [`Error::Irreparable`] when there is nothing to begin with: neither the first record nor a snapshot that records lead
    /// on from; or two histories, neither of which is whole. [`Error::Unfinished`] while opening it for writing would finish an exchange. [`Error::NotAStore`], [`Error::Newer`], [`Error::Io`].
    pub fn plan(path: impl AsRef<Path>) -> Result<Repair> {
        Options::new().plan_repair(path)
    }

    /// Whether anything is wrong that opening does not mend by itself. O(1), as all that follow.
    pub fn is_needed(&self) -> bool {
        !self.plan.steps.is_empty()
    }

    /// Identifies the store that most of the files belong to. Others are removed.
    pub fn id(&self) -> StoreId {
        self.plan.store
    }

    /// The oldest version that there would be: above the one before, if the beginning is lost.
    pub fn oldest(&self) -> u64 {
        self.plan.versions.start
    }

    /// The newest version that would be kept.
    pub fn head(&self) -> u64 {
        self.plan.versions.end
    }

    /// How many changes would be lost, as far as that can be known.
    pub fn loss(&self) -> Loss {
        self.plan.loss
    }

    /// What would be done, in this order. Nothing where nothing is wrong.
    pub fn steps(&self) -> &[Step] {
        &self.plan.steps
    }

    /// The directory, to be made inside the log's own, that everything which is to be cut or removed is copied to first. Its
    /// last file, `repair.txt`, says what was done and why; a directory without it is from a repair that did not get
    /// beyond copying.
    pub fn aside(&self) -> &Path {
        &self.plan.aside
    }

    /// The files that are copied there, whole, before anything is changed.
    pub fn copied(&self) -> &[PathBuf] {
        &self.plan.copied
    }

    /// Does it. Costs reading everything once more, and writing and syncing what is copied and rewritten; nothing at all if no
    /// repair [is needed](Repair::is_needed). When it fails or is interrupted, plan and carry out again: what was damaged
    /// still is, and what was copied aside stays.
    ///
    /// # Errors
    /// [`Error::Locked`] while a writer has it open, [`Error::PlanOutdated`] when it is not what it was: nothing was
    /// changed. [`Error::Io`].
    pub fn carry_out(self) -> Result<Repaired> {
        if !self.is_needed() {
            return Ok(Repaired { head: self.head(), aside: None });
        }
        let span = tracing::info_span!("repair", path = %self.dir.display());
        let _entered = span.enter();
        let disk = &*self.env.disk;
        let _lock = directory::lock_as_it_is(disk, &self.dir)?;
        if plan::plan(disk, &self.dir)? != self.plan {
            return Err(Failure::PlanOutdated { path: self.dir });
        }
        act::carry_out(disk, &self.dir, &self.plan)?;
        let Range { end: head, .. } = self.plan.versions;
        let aside = (!self.plan.copied.is_empty()).then_some(self.plan.aside);
        tracing::info!(head, "repaired");
        Ok(Repaired { head, aside })
    }
}
