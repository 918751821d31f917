//! Persistent collections: cheap to clone, cheap to change, and cheap to compare with what they were.
//!
//! [`List`] and [`Map`] are what dynamic values are made of, and what typed states use for whatever is long; [`Text`] is
//! the string that typed states edit. All stand on one B+ tree: `node` says what it looks like and `run` what its leaves
//! hold, `edit` and `join` change it, `cursor` and `gaps` find out what two trees do not share. Know nothing of values and patches. Always holds: a clone is one reference; a change copies the
//! nodes on the way to it and shares all others; comparing two versions opens only the nodes they do not share, and
//! never asks the items whether they are equal.
//!
//! | for | use |
//! |---|---|
//! | entries by key, in key order | [`Map`] |
//! | elements, in order | [`Set`] |
//! | a sequence of things known by their position | [`List`] |
//! | a sequence of things known by a key of their own | [`KeyedList`] |
//! | a large part that seldom changes | [`Shared`] |
//! | a text that is edited in places | [`Text`] |
//! | a number that is counted | [`Counter`] |

mod chunk;
mod contents;
mod counter;
mod cursor;
mod debug;
mod difference;
mod edit;
mod entry;
mod gaps;
mod iter;
mod join;
mod keyed_list;
mod list;
mod map;
mod node;
mod owned;
mod run;
mod sequence;
mod serde;
mod set;
mod shared;
mod text;
mod tree;

pub use contents::{Entries, EntriesMut, Iter, IterMut};
pub use counter::Counter;
pub use difference::{MapChange, MapChanges};
pub use entry::{Entry, OccupiedEntry, VacantEntry};
pub use gaps::Gap;
pub(crate) use keyed_list::Id;
pub use keyed_list::{KeyedItems, KeyedList};
pub use list::List;
pub use map::Map;
pub use owned::IntoIter;
pub use set::{Set, SetIter};
pub use shared::Shared;
pub use text::{Chars, Chunks, Text};

pub(crate) use chunk::byte_of;

/// Counts the nodes that comparisons open, for the tests that hold them to what they promise.
#[cfg(test)]
mod visits {
    use std::cell::Cell;

    thread_local! {
        static OPENED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        OPENED.set(OPENED.get() + 1);
    }

    /// How many nodes were opened while `run` ran.
    pub(super) fn during<R>(run: impl FnOnce() -> R) -> (R, usize) {
        let before = OPENED.get();
        let result = run();
        (result, OPENED.get() - before)
    }
}

#[cfg(test)]
mod tests;
