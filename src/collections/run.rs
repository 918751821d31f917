//! [`Run`]: what one leaf of a tree holds, a stretch of the whole sequence.
//!
//! A list and a map hold their items in vectors, one position an item. A text holds bytes, one position a character.
//! `node` and its neighbours build trees of either. Always holds: cutting a run in two and appending the second part to
//! the first gives the run again.

/// A stretch of a sequence, as comparisons read it.
pub(super) trait Run {
    /// What the run is stored as, and what its size is limited by.
    type Item;

    fn items(&self) -> &[Self::Item];

    /// The number of positions it takes in the sequence.
    fn len(&self) -> usize;
}

/// A stretch of a sequence that can be cut and joined.
pub(super) trait Splice: Run + Clone {
    /// A copy that one more item fits into without copying again.
    fn copy_with_room(&self) -> Self;

    /// The position of an item, or of the nearest one before it where the run may be cut.
    fn position(&self, item: usize) -> usize;

    /// Takes off what stands from a position on, and gives back the memory it took.
    fn split_off(&mut self, at: usize) -> Self;

    fn append(&mut self, more: Self);
}

impl<E> Run for Vec<E> {
    type Item = E;

    fn items(&self) -> &[E] {
        self
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl<E: Clone> Splice for Vec<E> {
    fn copy_with_room(&self) -> Self {
        let mut copy = Self::with_capacity(self.len() + 1);
        copy.extend_from_slice(self);
        copy
    }

    fn position(&self, item: usize) -> usize {
        item
    }

    fn split_off(&mut self, at: usize) -> Self {
        let more = self.split_off(at);
        self.shrink_to_fit();
        more
    }

    fn append(&mut self, more: Self) {
        self.reserve_exact(more.len());
        self.extend(more);
    }
}
