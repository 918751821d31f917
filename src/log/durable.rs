//! [`Durable`]: what the writer of a log tells the readers in its own process.
//!
//! How far the log is durable, which segments there are, and where in the active one its records are, which in a sealed
//! one the footer tells. Readers take no lock that the writer would feel. Always holds: what is told is durable; places are
//! those of whole records; a segment is told of before any of its records is durable.

use super::ignore_poison;
use crate::segment::positions::Positions;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::task::Waker;

#[derive(Debug)]
pub(crate) struct Durable {
    head: AtomicU64,
    segments: ArcSwap<Segments>,
    /// Whom to wake when more is durable, or when nothing ever will be.
    wakers: Mutex<Vec<Waker>>,
    is_awaited: AtomicBool,
}

/// The segments of a log.
#[derive(Debug)]
pub(crate) struct Segments {
    /// Where they begin, ascending; never empty.
    pub(crate) bases: Vec<u64>,
    /// Where the records of the last one are.
    pub(crate) active: Arc<Positions>,
}

impl Segments {
    /// The base of the segment that holds `offset`, if it is not gone.
    pub(crate) fn holding(&self, offset: u64) -> Option<u64> {
        holding(&self.bases, offset)
    }

    /// The places in the segment that begins at `base`, if it is the active one.
    pub(crate) fn active(&self, base: u64) -> Option<&Arc<Positions>> {
        (self.bases.last() == Some(&base)).then_some(&self.active)
    }
}

/// The base of the segment among `bases` (ascending) that holds `offset`.
pub(crate) fn holding(bases: &[u64], offset: u64) -> Option<u64> {
    let before = bases.partition_point(|&base| base <= offset).checked_sub(1)?;
    bases.get(before).copied()
}

impl Durable {
    pub(super) fn new(head: u64, bases: Vec<u64>, active: Arc<Positions>) -> Self {
        Durable {
            head: AtomicU64::new(head),
            segments: ArcSwap::from_pointee(Segments { bases, active }),
            wakers: Mutex::default(),
            is_awaited: AtomicBool::new(false),
        }
    }

    /// The offset after the last durable record.
    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    pub(super) fn segments(&self) -> arc_swap::Guard<Arc<Segments>> {
        self.segments.load()
    }

    /// Tells that all before `head` is durable. Who awaits that is woken by [`wake`](Durable::wake), which is to be called
    /// once no lock is held: a waker is code of the program's, and may use the log.
    pub(super) fn grow(&self, head: u64) {
        debug_assert!(head >= self.head(), "what is durable stays durable");
        self.head.store(head, Ordering::Release);
    }

    /// Tells that the active segment is now the one that begins at `base`. O(segments).
    pub(super) fn roll(&self, base: u64, active: &Arc<Positions>) {
        let mut bases = self.segments().bases.clone();
        bases.retain(|&known| known < base);
        bases.push(base);
        self.segments.store(Arc::new(Segments { bases, active: Arc::clone(active) }));
    }

    /// Tells that the segments before the one at `oldest` are gone. O(segments).
    pub(super) fn forget(&self, oldest: u64) {
        let known = self.segments.load_full();
        let bases = known.bases.iter().copied().filter(|&base| base >= oldest).collect();
        self.segments.store(Arc::new(Segments { bases, active: Arc::clone(&known.active) }));
    }

    /// Has `waker` woken when more is durable, or when nothing ever will be. Look again after calling this: it may have
    /// happened in between.
    pub(super) fn wake_when_grown(&self, waker: &Waker) {
        let mut wakers = ignore_poison(&self.wakers);
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        self.is_awaited.store(true, Ordering::SeqCst);
        // Pairs with the one in `wake`: of a head that grows and somebody who begins to wait, one sees the other.
        fence(Ordering::SeqCst);
    }

    /// Wakes all that wait for more.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.is_awaited.load(Ordering::SeqCst) && self.is_awaited.swap(false, Ordering::SeqCst) {
            let wakers = std::mem::take(&mut *ignore_poison(&self.wakers));
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_segment_that_is_replaced_is_told_of_once() {
        let positions = || Arc::new(Positions::none_of(512));
        let (first, second, larger) = (positions(), positions(), positions());
        let durable = Durable::new(0, vec![0], first);
        durable.roll(7, &second);
        durable.roll(7, &larger);
        let segments = durable.segments();
        assert_eq!(segments.bases, [0, 7]);
        assert!(
            segments.active(7).is_some_and(|known| Arc::ptr_eq(known, &larger))
                && segments.active(0).is_none()
        );
        durable.forget(7);
        assert_eq!((durable.segments().holding(6), durable.segments().holding(7)), (None, Some(7)));
    }
}
