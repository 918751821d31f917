//! Which version was the newest at a time.
//!
//! Leaves the search to `history`. Always: a time is that of recording, which never runs backwards along a history.

use super::{Reader, Store};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::state::State;

impl<S: State + Default> Store<S> {
    /// The version that was the newest at `time_ms`, in milliseconds since 1970: the last one recorded then or before. Before
    /// the first change that is version 0, the beginning; a time to come is the newest version. Some twenty single reads for
    /// a million changes; one sync if something acknowledged is not on the disk yet.
    ///
    /// What counts is when the store recorded a change ([`Change::stamp`](crate::Change::stamp)), not what time its maker gave
    /// it ([`Meta::at_ms`](crate::Meta::at_ms)): all changes of an imported history were recorded when it was imported.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value};
    /// use std::time::{SystemTime, UNIX_EPOCH};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce(|doc| doc["title"] = "plan".into())?;
    /// let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    /// let an_hour_ago = store.at(store.version_at(now - 3_600_000)?)?;
    /// assert!(an_hour_ago["title"].is_null());
    /// assert_eq!(store.version_at(now + 1)?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::BeforeKept`] when that was before the oldest version that is kept; otherwise as [`changes`](Store::changes).
    pub fn version_at(&self, time_ms: i64) -> Result<u64> {
        let head = self.version();
        self.on_disk(head)?;
        self.history.version_at(time_ms, head)
    }
}

impl<S: State + Default> Reader<S> {
    /// The version that was the newest at `time_ms`, in milliseconds since 1970, up to the one that this reader shows. Some
    /// twenty single reads for a million changes; beside a writer in another process, and after a crash, a scan of the newest
    /// segment. See [`Store::version_at`].
    ///
    /// # Errors
    /// As `Store::version_at`.
    pub fn version_at(&self, time_ms: i64) -> Result<u64> {
        self.history.version_at(time_ms, self.version())
    }
}
