//! Cursors of those who follow a store: set, asked for, listed and removed by name.
//!
//! The file is `cursors`'; what a cursor may say is decided here. Always: a cursor names a version that was durable when it was
//! set, so that no crash leaves it ahead of the log.

use super::{Reader, Store, ignore_poison};
use crate::cursors::{Cursor, Cursors, path_in};
use crate::error::{Damage, Defect, Error, Result};
use crate::state::State;
use std::collections::BTreeMap;
use std::sync::MutexGuard;

impl<S: State + Default> Store<S> {
    /// Notes that whoever goes by `name` has dealt with all changes up to `version`; 0 if with none yet. Replaces what was noted
    /// before, whether that was further on or not. Durable on return: two syncs, and one more if that version is not on the
    /// disk yet. All cursors of a store are one small file, so set them now and then and not with every change.
    ///
    /// What the slowest has not dealt with is not given up, [up to a limit](super::Options::hold_for_cursors). Waits for a
    /// compaction that is running.
    ///
    /// # Errors
    /// [`Error::BeyondHead`], [`Error::Compacted`] when there is no such version; [`Error::CursorsFull`] when all names together
    /// come to more than a mebibyte; [`Error::Damaged`] when the file of the cursors is: nothing was changed, and a
    /// [`Repair`](crate::Repair) starts without it. [`Error::Poisoned`], [`Error::Io`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce(|doc| doc["title"] = "plan".into())?;
    /// store.set_cursor("mailer", 0)?;
    /// let seen = store.cursor("mailer")?.unwrap_or(0);
    /// for change in store.changes(seen + 1..)? {
    ///     let change = change?;
    ///     println!("{:?}", change.patch); // deal with it
    ///     store.set_cursor("mailer", change.version)?;
    /// }
    /// assert_eq!(store.cursor("mailer")?, Some(1));
    /// # Ok(()) }
    /// ```
    pub fn set_cursor(&self, name: &str, version: u64) -> Result<()> {
        let _alone = self.alone_with_cursors();
        let (head, oldest) = (self.version(), self.oldest());
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        if version < oldest {
            return Err(Error::Compacted { version, oldest });
        }
        self.on_disk(version)?;
        let chain = self.history.view.chain_at(version)?;
        self.change_cursors(|cursors| cursors.insert(name.into(), Cursor { version, chain })).map(drop)
    }

    /// What was noted last for `name`; nothing if nothing was, or it was removed. Reads the file of the cursors.
    ///
    /// # Errors
    /// [`Error::BeyondHead`] when the log ends before that version: it is an older copy, or was cut by a repair.
    /// [`Error::Damaged`] when the file is, or when the log has another history at that version than the one that was
    /// followed; [`Error::Io`]. Setting or removing the cursor ends either of the first two.
    pub fn cursor(&self, name: &str) -> Result<Option<u64>> {
        let cursors = self.read_cursors()?;
        let Some(&Cursor { version, chain }) = cursors.by_name.get(name) else { return Ok(None) };
        let head = self.version();
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        if version >= self.oldest() {
            self.on_disk(version)?;
            let expected = self.history.view.chain_at(version)?;
            if chain != expected {
                let (path, defect) = (path_in(&self.history.dir), Defect::Chain { expected, found: chain });
                return Err(Damage { path, byte: 0, defect, intact: None }.into());
            }
        }
        Ok(Some(version))
    }

    /// All cursors with what was noted last for each, whether the log still has that or not. Reads their file.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        let cursors = self.read_cursors()?.by_name;
        Ok(cursors.into_iter().map(|(name, cursor)| (name, cursor.version)).collect())
    }

    /// Forgets a cursor; false if there was none. Durable on return: two syncs.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file of the cursors is, [`Error::Io`]. Then it is still there.
    pub fn remove_cursor(&self, name: &str) -> Result<bool> {
        let _alone = self.alone_with_cursors();
        self.change_cursors(|cursors| cursors.remove(name)).map(|removed| removed.is_some())
    }

    fn read_cursors(&self) -> Result<Cursors> {
        Cursors::read(&*self.history.env.disk, &self.history.dir, self.log.id())
    }

    fn alone_with_cursors(&self) -> MutexGuard<'_, ()> {
        ignore_poison(&self.snapshotter.keeper.moving_cursors)
    }

    /// Changes them as one; where that changes nothing, nothing is written. Returns what was there before. Called by who is alone
    /// with them.
    fn change_cursors(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Cursor>) -> Option<Cursor>,
    ) -> Result<Option<Cursor>> {
        let before = self.read_cursors()?;
        let mut after = before.clone();
        let replaced = change(&mut after.by_name);
        if after != before {
            after.write(&*self.history.env.disk, &self.history.dir)?;
        }
        Ok(replaced)
    }
}

impl<S: State + Default> Reader<S> {
    /// All cursors of the store, as its writer noted them last, whether the log still has that or not. Reads their file.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Reader, Store, Value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.set_cursor("mailer", 0)?;
    /// assert_eq!(Reader::<Value>::open(dir.path())?.cursors()?["mailer"], 0);
    /// # Ok(()) }
    /// ```
    pub fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        let cursors = Cursors::read(&*self.history.env.disk, &self.history.dir, self.id())?.by_name;
        Ok(cursors.into_iter().map(|(name, cursor)| (name, cursor.version)).collect())
    }
}
