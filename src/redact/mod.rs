//! Erasure: takes what was ever at a place out of a store's whole history, and keeps every version and offset.
//!
//! `rewrite` makes the history anew, beside the old one; `exchange` puts it in its place. Stands above `store`, by whose rules a
//! place is followed backward. Always:
//! * Before the new history is complete and verified, the old one is as it was; after that it is gone. There is no mixture.
//! * Every version but those in which the place was is what it was, and so is everything else in these.
//! * The edition goes up, so whoever has a copy of the old history notices.

mod rewrite;

use crate::error::{Error, Result, Role};
use crate::exchange;
use crate::history::files_of;
#[cfg(feature = "index")]
use crate::index;
use crate::io::Env;
use crate::log::directory;
use crate::store::{Options, Reader};
use crate::value::{Pointer, Value};
use rewrite::{Named, Rewriting};
use std::path::{Path, PathBuf};

/// Takes what was ever at a place out of a store.
///
/// A null stands there afterwards (or [another value](Redaction::with)) in every version in which something did. The place
/// is followed as by [`Store::life`](crate::Store::life): from the newest version backward, through moves and through lists that grew.
/// What was moved or copied elsewhere since is at another place: ask for that too, or first. Keys on the way to the place stay, and
/// so do labels and tags.
///
/// Gone it is from the store's segments, snapshots and index. Not from what was made of it before: replicas (which fetch
/// everything anew when they look next), backups, what a [`Repair`](crate::Repair) copied aside, and blocks that a disk has
/// not used again.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("people.redraft");
/// use redraft::{Redaction, Store, Value, value, value::Pointer};
///
/// let store = Store::<Value>::open(&path)?;
/// store.produce(|doc| *doc = value!({ "ann": { "mail": "ann@example.org", "votes": 1 } }))?;
/// store.produce(|doc| doc["ann"]["votes"] = 2.into())?;
/// store.close()?;
///
/// let redaction = Redaction::plan(&path, [Pointer::parse("/ann/mail")?])?; // only reads
/// assert_eq!((redaction.versions(), redaction.changes()), (2, 1));
/// let done = redaction.carry_out()?;
///
/// let store = Store::<Value>::open(&path)?;
/// assert_eq!(*store.at(1)?, value!({ "ann": { "mail": null, "votes": 1 } }));
/// assert_eq!((store.version(), done.version), (3, 3)); // that it happened is a change of its own
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Redaction {
    env: Env,
    segment_bytes: u64,
    dir: PathBuf,
    places: Vec<Pointer>,
    stand_in: Value,
    versions: u64,
    changes: u64,
}

/// What a redaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redacted {
    /// The version that says that it happened: the newest.
    pub version: u64,
    /// How many changes say something else than before.
    pub changes: u64,
    /// How many bytes of history were written.
    pub written_bytes: u64,
}

impl Options {
    /// [`Redaction::plan`], on the machine that these options name, with segments of their size.
    ///
    /// # Errors
    /// As `Redaction::plan`.
    pub fn plan_redaction(
        &self,
        path: impl AsRef<Path>,
        places: impl IntoIterator<Item = Pointer>,
    ) -> Result<Redaction> {
        let mut redaction = Redaction {
            env: self.log.env.clone(),
            segment_bytes: self.log.segment_bytes,
            dir: path.as_ref().to_owned(),
            places: places.into_iter().collect(),
            stand_in: Value::Null,
            versions: 0,
            changes: 0,
        };
        let span = tracing::info_span!("plan redaction", path = %redaction.dir.display());
        let _entered = span.enter();
        let reader = redaction.reader()?;
        let named = Named::follow(&reader, &redaction.places)?;
        redaction.versions = named.versions(&reader)?;
        redaction.changes = named.changes(&reader)?;
        Ok(redaction)
    }
}

impl Redaction {
    /// Looks what would go. Changes nothing and takes no lock; costs reading the history.
    ///
    /// # Errors
    /// As opening the store for reading; [`Error::Damaged`] where its history is.
    pub fn plan(path: impl AsRef<Path>, places: impl IntoIterator<Item = Pointer>) -> Result<Redaction> {
        Options::new().plan_redaction(path, places)
    }

    /// Leaves this where something was, instead of null: for a type that has no use for null there, which could not be
    /// opened any more.
    #[must_use]
    pub fn with(self, stand_in: Value) -> Redaction {
        Redaction { stand_in, ..self }
    }

    /// In how many versions that are kept there is something at the places. O(1), as what follows.
    pub fn versions(&self) -> u64 {
        self.versions
    }

    /// How many changes that are kept touched it.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Does it, and adds a change, labelled `redact`, that says so and changes nothing. If there never was anything at the places,
    /// nothing happens. Costs reading the history, following
    /// the places, and writing and verifying the history once more: for a moment it is on the disk twice. When it fails or
    /// is interrupted, either nothing has happened, or the next who opens the store for writing finishes it.
    ///
    /// Readers that are open show what they showed, or damage: open them again.
    ///
    /// # Errors
    /// [`Error::Locked`] while a writer has the store open. [`Error::Damaged`] where its history is: repair it first.
    /// [`Error::Io`].
    pub fn carry_out(self) -> Result<Redacted> {
        let span = tracing::info_span!("redact", path = %self.dir.display());
        let _entered = span.enter();
        let disk = &*self.env.disk;
        let _lock = directory::lock(disk, &self.dir)?;
        let reader = self.reader()?;
        Role::of(&reader.history.view.header()?).must_be(Role::Store, &self.dir)?;
        let named = Named::follow(&reader, &self.places)?;
        if named.versions(&reader)? == 0 {
            return Ok(Redacted { version: reader.version(), changes: 0, written_bytes: 0 });
        }
        let stage = exchange::prepare(disk, &self.dir)?;
        let rewriting = Rewriting::new(&self, &reader, &named);
        let done = rewriting.into_stage(&stage)?;
        self.must_be_sound(&stage)?;
        drop(reader);
        #[cfg(feature = "index")]
        index::remove(disk, &self.dir);
        let (new, old) = (files_of(disk, &stage)?, files_of(disk, &self.dir)?);
        exchange::decide(disk, &self.dir, &new, &old)?;
        exchange::finish(disk, &self.dir)?;
        tracing::info!(version = done.version, changes = done.changes, "redacted");
        Ok(done)
    }

    fn reader(&self) -> Result<Reader<Value>> {
        self.options().open_read_only(&self.dir)
    }

    fn options(&self) -> Options {
        Options::new().env(self.env.clone()).segment_bytes(self.segment_bytes)
    }

    /// What was written is read again before anything goes.
    fn must_be_sound(&self, stage: &Path) -> Result<()> {
        let report = self.options().verify(stage)?;
        match report.damage.into_iter().next() {
            Some(damage) => Err(Error::Damaged(damage)),
            None => Ok(()),
        }
    }
}
