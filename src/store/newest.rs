//! [`Newest`]: the newest state, locked for whoever makes the next change.
//!
//! Always holds: one thread at a time has it; a recipe that calls back into the store that is running it is told so, instead
//! of waiting for itself; nobody gets it once the log takes nothing more.

use super::{Store, ignore_poison};
use crate::error::{Error, Result, Role};
use crate::history::Tip;
use crate::state::State;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, MutexGuard};

thread_local! {
    /// The stores whose recipe this thread is running.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes that a recipe runs, for as long as it lives.
#[derive(Debug)]
struct Running;

/// The newest state, locked: whoever holds it makes the next change.
#[derive(Debug)]
pub(super) struct Newest<'a, S> {
    tip: MutexGuard<'a, Arc<Tip<S>>>,
    _running: Running,
}

impl<S> Deref for Newest<'_, S> {
    type Target = Arc<Tip<S>>;

    fn deref(&self) -> &Self::Target {
        &self.tip
    }
}

impl<S> DerefMut for Newest<'_, S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tip
    }
}

impl Running {
    fn enter(store: usize) -> Result<Running> {
        RUNNING.with_borrow_mut(|running| {
            if running.contains(&store) {
                return Err(Error::Reentrant);
            }
            running.push(store);
            Ok(Running)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(Vec::pop);
    }
}

impl<S: State + Default> Store<S> {
    /// The newest state, which the next change starts from.
    pub(super) fn lock_newest(&self) -> Result<Newest<'_, S>> {
        let newest = self.lock_tip()?;
        self.log.role().must_be(Role::Store, self.log.path())?;
        Ok(newest)
    }

    /// The same for who may not be the one to make it.
    pub(super) fn lock_tip(&self) -> Result<Newest<'_, S>> {
        let running = Running::enter(std::ptr::from_ref(self) as usize)?;
        let tip = ignore_poison(&self.newest);
        self.log.check()?;
        Ok(Newest { tip, _running: running })
    }

    /// Refuses what a recipe of this store asks for that would wait for itself.
    pub(crate) fn must_not_run(&self) -> Result<()> {
        Running::enter(std::ptr::from_ref(self) as usize).map(drop)
    }
}
