//! Erasure: takes what was ever at a place, or what somebody wrote, out of a store's whole history, and keeps every version and offset.
//!
//! `rewrite` makes the history anew, beside the old one; `exchange` puts it in its place. Stands above `store`, by whose rules a
//! place is followed backward; `writer` and `mask` say how a history reads without somebody. Always:
//! * Before the new history is complete and verified, the old one is as it was; after that it is gone. There is no mixture.
//! * Every version in which nothing was that goes is what it was, and so is everything else in the others.
//! * The edition goes up, so whoever has a copy of the old history notices.

mod mask;
mod rewrite;
mod writer;

use crate::error::{Error, Result, Role};
use crate::exchange;
use crate::history::files_of;
#[cfg(feature = "index")]
use crate::index;
use crate::io::Env;
use crate::log::directory;
use crate::record::WriterId;
use crate::store::{Options, Reader};
use crate::value::{Pointer, Value};
use rewrite::{Going, Named, Rewriting};
use std::path::{Path, PathBuf};
use writer::Masks;

/// What the record of a redaction is labelled.
const LABEL: &str = "redact";

/// Takes what was ever at a place out of a store, or what a writer [ever wrote](Redaction::plan_writer).
///
/// At a place, a null stands there afterwards (or [another value](Redaction::with)) in every version in which something did. The place
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
    subject: Subject,
    stand_in: Value,
    versions: u64,
    changes: u64,
}

/// What is to go.
#[derive(Clone, Debug)]
enum Subject {
    Places(Vec<Pointer>),
    Writer(WriterId),
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
        self.plan_redaction_of(path.as_ref(), Subject::Places(places.into_iter().collect()))
    }

    /// [`Redaction::plan_writer`], on the machine that these options name, with segments of their size.
    ///
    /// # Errors
    /// As `Redaction::plan_writer`.
    pub fn plan_writer_redaction(&self, path: impl AsRef<Path>, writer: WriterId) -> Result<Redaction> {
        self.plan_redaction_of(path.as_ref(), Subject::Writer(writer))
    }

    fn plan_redaction_of(&self, path: &Path, subject: Subject) -> Result<Redaction> {
        let (env, segment_bytes) = (self.log.env.clone(), self.log.segment_bytes);
        let (dir, stand_in) = (path.to_owned(), Value::Null);
        let mut redaction = Redaction { env, segment_bytes, dir, subject, stand_in, versions: 0, changes: 0 };
        let span = tracing::info_span!("plan redaction", path = %redaction.dir.display());
        let _entered = span.enter();
        let reader = redaction.reader()?;
        (redaction.versions, redaction.changes) = redaction.subject.extent(&reader)?;
        Ok(redaction)
    }
}

impl Subject {
    /// In how many versions it is, and how many changes have to do with it.
    fn extent(&self, reader: &Reader<Value>) -> Result<(u64, u64)> {
        match self {
            Subject::Places(places) => {
                let named = Named::follow(reader, places)?;
                Ok((named.versions(reader)?, named.changes(reader)?))
            }
            Subject::Writer(writer) => {
                let (changes, first) = Masks::collect(reader, *writer)?.count(reader)?;
                Ok((first.map_or(0, |first| reader.version() + 1 - first), changes))
            }
        }
    }

    /// The same as the history is gone through; nothing if it has none of it.
    fn going(&self, reader: &Reader<Value>) -> Result<Option<Going>> {
        match self {
            Subject::Places(places) => {
                let named = Named::follow(reader, places)?;
                Ok((named.versions(reader)? > 0).then_some(Going::Places(named)))
            }
            Subject::Writer(writer) => {
                let (changes, _) = Masks::collect(reader, *writer)?.count(reader)?;
                // Counting teaches what is only to be known from there on.
                let masks = (changes > 0).then(|| Masks::collect(reader, *writer)).transpose()?;
                Ok(masks.map(Going::Writer))
            }
        }
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

    /// Looks what would go of what a writer wrote. Changes nothing and takes no lock; costs reading the history three times.
    ///
    /// Each change of the writer stays, with version, writer, number and time, and does what it did in the same places. But
    /// what it put there is blanked: texts and bytes to as many `*` and zeros, numbers to 0, truth values to false. So
    /// everything keeps its shape and its kind, and what others did to it is still done. What the writer added to numbers
    /// counts no more. Label, tags, the time it gave, and what was submitted and not done as it was are gone.
    ///
    /// Others' changes are theirs, with two exceptions (and what was submitted goes of theirs too, where something else took
    /// effect). A text that the writer was the first to write is blanked wherever
    /// somebody repeats it; and so is all that a change only took from one place to another, and what an undo or a merge put in
    /// that equals something the writer ever wrote. What was in texts that others wrote anew is theirs, and not found: redact
    /// that place. A truth value that others move stays. Keys of maps and members of sets stay, as does the order of keyed
    /// lists; redact the place that holds them where a key tells too much. A type that does not take just any text or number
    /// (an enum, say) may not be able to read what is left: try it on a [`fork`](crate::Store::fork).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("people.redraft");
    /// use redraft::merge::Submission;
    /// use redraft::{Redaction, Store, Value, diff, value};
    ///
    /// let store = Store::<Value>::open(&path)?;
    /// let (patch, _) = diff(&value!({}), &value!({ "mail": "ann@example.org" }))?;
    /// let ann = "00000000000000aa".parse()?;
    /// store.merge(&Submission::new(0, patch).by(ann, 1))?;
    /// store.produce(|doc| doc["votes"] = 2.into())?;
    /// store.close()?;
    ///
    /// let redaction = Redaction::plan_writer(&path, ann)?;
    /// assert_eq!((redaction.versions(), redaction.changes()), (2, 1));
    /// redaction.carry_out()?;
    ///
    /// let store = Store::<Value>::open(&path)?;
    /// assert_eq!(*store.at(2)?, value!({ "mail": "***************", "votes": 2 }));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`plan`](Redaction::plan); [`Error::Compacted`] where changes of the writer are no longer kept, so that nobody knows what of the
    /// oldest version is theirs.
    pub fn plan_writer(path: impl AsRef<Path>, writer: WriterId) -> Result<Redaction> {
        Options::new().plan_writer_redaction(path, writer)
    }

    /// Leaves this where something was, instead of null: for a type that has no use for null there, which could not be
    /// opened any more. Says nothing of what a writer wrote.
    #[must_use]
    pub fn with(self, stand_in: Value) -> Redaction {
        Redaction { stand_in, ..self }
    }

    /// In how many versions that are kept there is something at the places; of a writer, how many there are from the first change on that
    /// says something else afterwards. O(1), as what follows.
    pub fn versions(&self) -> u64 {
        self.versions
    }

    /// How many changes that are kept touched it, or say something else afterwards.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Does it, and adds a change, labelled `redact`, that says so and changes nothing. If there never was anything that is to go,
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
        let Some(going) = self.subject.going(&reader)? else {
            return Ok(Redacted { version: reader.version(), changes: 0, written_bytes: 0 });
        };
        let stage = exchange::prepare(disk, &self.dir)?;
        let rewriting = Rewriting::new(&self, &reader, going);
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
