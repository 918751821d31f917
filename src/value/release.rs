//! Dropping containers without using up the stack.
//!
//! [`Map`](super::Map) and [`List`](super::List) hand what they hold to [`release`] when they are dropped. Always
//! holds: however deep a value is, at most [`DEPTH_MAX`] drops are nested; what lies deeper waits in a queue of this
//! thread that the outermost drop empties. A store never holds such values, but a program may build one by mistake,
//! and a crash would be a poor way to tell it. A container that somebody else holds too is not dropped at all, so it is not
//! counted; two threads that let go of one at the same moment may leave one level of it uncounted.

use std::cell::{Cell, RefCell};

use super::{DEPTH_MAX, Key, Value};
use crate::collections::{List, Map};

/// The contents of a container on their way out. Never read again: being owned is its whole purpose.
pub(super) enum Contents {
    Map(Map<Key, Value>),
    List(List<Value>),
}

impl Contents {
    fn is_empty(&self) -> bool {
        match self {
            Self::Map(map) => map.is_empty(),
            Self::List(list) => list.is_empty(),
        }
    }
}

thread_local! {
    static NESTED: Cell<usize> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Contents>> = const { RefCell::new(Vec::new()) };
}

/// Drops the contents now, or queues them when too many drops are already under way.
pub(super) fn release(contents: Contents) {
    if contents.is_empty() {
        return;
    }
    let nested = NESTED.get();
    if nested >= DEPTH_MAX {
        // While the thread's own storage is being torn down there is no queue; the plain drop is all that is left.
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().push(contents));
        return;
    }
    NESTED.set(nested + 1);
    drop(contents);
    if nested == 0 {
        drain();
    }
    NESTED.set(nested);
}

/// Runs with the depth at 1, so that what is dropped here may queue more but never drains by itself.
fn drain() {
    while let Some(next) = WAITING.try_with(|waiting| waiting.borrow_mut().pop()).ok().flatten() {
        drop(next);
    }
}
