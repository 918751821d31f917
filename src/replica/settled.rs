//! What becomes of the changes of a replica that writes, and who hears of it.
//!
//! Leaves finding out to `writer`. Always: each change is told of once in a session, after it was seen in the history, in order.

use super::ignore_poison;
use super::writer::Writer;
use crate::merge::Outcome;
use crate::record::Note;
use crate::state::State;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

/// A change that was made here, and waits to be merged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pending<S> {
    /// Its number; nothing if the recipe changed nothing.
    pub sequence: Option<u64>,
    /// What shows with it.
    pub state: Arc<S>,
}

/// A change that was made here, and is part of the history now, or refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// Its number.
    pub sequence: u64,
    /// The version it made.
    pub version: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it met other changes, and what was done there.
    pub notes: Vec<Note>,
    /// The number of the change that takes its place, if its recipe had to be run again.
    pub again_as: Option<u64>,
}

pub(super) type Listener = dyn Fn(&Settled) + Send + Sync;
/// Keeps somebody informed about what becomes of changes, until it is dropped.
#[must_use = "dropping it ends the listening"]
pub struct Writing {
    _listener: Arc<Listener>,
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing")
    }
}

impl<S: State + Default> Writer<S> {
    /// Calls `listener` with what becomes of each change made here, once it is seen in the history, for as long as the returned
    /// guard lives. On the thread that looked; a listener that panics is reported, and told of the next one all the same. The first listener hears at once of all that was settled while nobody could listen,
    /// since this was opened; one that was told of before may be among them. Whoever has to know for ever asks the history for the
    /// changes by [this writer](Writer::id).
    pub fn listen(&self, listener: impl Fn(&Settled) + Send + Sync + 'static) -> Writing {
        let listener: Arc<Listener> = Arc::new(listener);
        ignore_poison(&self.listeners).push(Arc::downgrade(&listener));
        self.tell();
        Writing { _listener: listener }
    }

    /// Tells those who listen what was settled; it waits for the first of them.
    pub(super) fn tell(&self) {
        let mut listeners = ignore_poison(&self.listeners);
        listeners.retain(|listener| listener.strong_count() > 0);
        let heard: Vec<Arc<Listener>> = listeners.iter().filter_map(Weak::upgrade).collect();
        drop(listeners);
        if heard.is_empty() {
            return;
        }
        let mut inner = ignore_poison(&self.queue);
        // As many come again, as a rule.
        let room = Vec::with_capacity(inner.untold.len());
        let untold = std::mem::replace(&mut inner.untold, room);
        drop(inner);
        for settled in untold {
            for listener in &heard {
                // It is settled whatever a listener makes of it, and the others want to hear of it too.
                if catch_unwind(AssertUnwindSafe(|| listener(&settled))).is_err() {
                    tracing::error!(sequence = settled.sequence, "a listener panicked");
                }
            }
        }
    }
}
