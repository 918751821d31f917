//! Answers about history that need not read all of it: which changes are about a path, a writer, a label.
//!
//! Derived from the log and fed by following it, when a question is asked and never while something is written. Kept in sled,
//! in the directory `index` of a store, where only who has the store open for writing uses it, or of a reader that was given one. From top to bottom: [`Index`] is
//! what a store holds, `follow` reads the log, `term` says what a change is found by, `tails` and `chunk` make posting lists
//! of that, `tree` is sled, `candidates` reads the lists.
//!
//! Always:
//! * What comes out is a superset of what was asked for, and whoever asks looks at each change itself. So hashes may
//!   collide, and there is no dictionary of paths that could grow without bound.
//! * An index is used only if it adds up and the log is the one it followed, as the chain at its watermark tells. Otherwise
//!   it is made anew, and the answer says so.
//! * Nothing that goes wrong here is an error to who asks: there is an answer without the index.

mod candidates;
mod chunk;
mod directory;
mod follow;
mod tails;
mod term;
mod tree;
mod watermark;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests;

pub(crate) use candidates::Candidates;
pub(crate) use directory::remove;
pub(crate) use term::{Term, of_label, of_place, of_writer};
pub(crate) use tree::Lost;

use crate::log;
use follow::{Follower, Trouble};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Who loses an index more often in one session has a reason that another one does not help against.
const LOST_MAX: u32 = 2;

/// The index of a store, opened when the first question is asked.
#[derive(Debug)]
pub(crate) struct Index {
    dir: PathBuf,
    process: u32,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    follower: Option<Follower>,
    lost: u32,
}

/// What the index says.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) candidates: Candidates,
    /// Why the index was made anew for this, if it was.
    pub(crate) remade: Option<String>,
}

impl Index {
    /// The index of the store in this directory of the real file system. Touches nothing yet.
    pub(crate) fn of(store: &Path) -> Index {
        let dir = store.join(directory::NAME);
        Index { dir, process: std::process::id(), session: Mutex::default() }
    }

    /// Catches up, and finds the changes at `offsets` that may have one of the terms. Costs what the log has grown by since the
    /// last time; the first time in a session, reading the index. Questions wait for each other until then.
    ///
    /// The error is why there is no index to answer with.
    pub(crate) fn find(
        &self,
        view: &log::Reader,
        terms: &[Term],
        offsets: Range<u64>,
    ) -> Result<Found, String> {
        if std::process::id() != self.process {
            return Err("the index belongs to the process this one was forked from".into());
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let remade = session.catch_up(&self.dir, view)?;
        match &session.follower {
            Some(follower) => Ok(Found { candidates: follower.candidates(terms, offsets), remade }),
            None => Err("there is none".into()),
        }
    }
}

impl Session {
    /// Returns why the index was made anew, if it was.
    fn catch_up(&mut self, dir: &Path, view: &log::Reader) -> Result<Option<String>, String> {
        let mut remade = None;
        loop {
            let lost = match self.try_catch_up(dir, view) {
                Ok(()) => return Ok(remade),
                Err(Trouble::Log(error)) => return Err(error.to_string()),
                Err(Trouble::Lost(lost)) => lost,
            };
            self.follower = None;
            if self.lost >= LOST_MAX {
                tracing::warn!(%lost, "doing without the index");
                return Err(lost.to_string());
            }
            self.lost += 1;
            tracing::warn!(%lost, "making the index anew");
            directory::next(dir).map_err(|Lost(why)| why)?;
            remade = Some(lost.to_string());
        }
    }

    fn try_catch_up(&mut self, dir: &Path, view: &log::Reader) -> Result<(), Trouble> {
        let follower = match &mut self.follower {
            Some(follower) => follower,
            None => self.follower.insert(Follower::open(dir, view)?),
        };
        follower.catch_up(view)
    }
}
