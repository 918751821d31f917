//! [`MapChanges`]: what differs between two maps, in key order.
//!
//! Moves a cursor through each map. Branches know the first key of each of their nodes, so whichever cursor stands
//! before the smaller key goes on, and nodes that both maps have come to stand before both cursors at once. Always
//! holds: such nodes are never opened; values are shown to the caller's `same` and otherwise handed out unread.

use std::cmp::Ordering;
use std::iter::FusedIterator;
use std::sync::Arc;

use super::cursor::{Cursor, Next, open_higher, skip_shared};
use super::map::First;
use super::node::Link;

/// One difference between two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapChange<'a, K, V> {
    /// An entry of the new map only.
    Added(&'a K, &'a V),
    /// An entry of both maps whose values may differ.
    Updated {
        /// The key in the new map.
        key: &'a K,
        /// The value in the old map.
        old: &'a V,
        /// The value in the new map.
        new: &'a V,
    },
    /// An entry of the old map only.
    Removed(&'a K, &'a V),
}

/// What a leaf of a map holds.
type Run<K, V> = Vec<(K, V)>;

type MapCursor<'a, K, V> = Cursor<'a, Run<K, V>, First<K>>;

/// The differences between two maps in key order, from [`Map::diff`](super::Map::diff).
pub struct MapChanges<'a, K, V, S> {
    old: MapCursor<'a, K, V>,
    new: MapCursor<'a, K, V>,
    same: S,
}

impl<'a, K, V, S> MapChanges<'a, K, V, S> {
    pub(super) fn new(
        old: Option<&'a Link<Run<K, V>, First<K>>>,
        new: Option<&'a Link<Run<K, V>, First<K>>>,
        same: S,
    ) -> Self {
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => (None, None),
            roots => roots,
        };
        Self { old: Cursor::new(old), new: Cursor::new(new), same }
    }
}

/// The first key of what a cursor stands before.
fn key_of<'a, K, V>(next: &Next<'a, Run<K, V>, First<K>>) -> Option<&'a K> {
    match next {
        Next::Items(items) => items.first().map(|(key, _)| key),
        Next::Node(child) => Some(&child.mark.0),
        Next::End => None,
    }
}

/// Takes the entry that is next, or opens the node that is.
fn advance<'a, K, V>(cursor: &mut MapCursor<'a, K, V>) -> Option<&'a (K, V)> {
    match cursor.next() {
        Next::Items(items) => {
            cursor.take(1);
            items.first()
        }
        _ => {
            cursor.open();
            None
        }
    }
}

impl<'a, K: Ord, V, S: FnMut(&V, &V) -> bool> Iterator for MapChanges<'a, K, V, S> {
    type Item = MapChange<'a, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            skip_shared(&mut self.old, &mut self.new);
            if self.skip_same() {
                continue;
            }
            let (old, new) = (self.old.next(), self.new.next());
            let order = match (key_of(&old), key_of(&new)) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.cmp(new),
            };
            let found = match order {
                Ordering::Less => advance(&mut self.old).map(|(key, old)| MapChange::Removed(key, old)),
                Ordering::Greater => advance(&mut self.new).map(|(key, new)| MapChange::Added(key, new)),
                Ordering::Equal => self.meet(&old, &new),
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

impl<'a, K: Ord, V, S: FnMut(&V, &V) -> bool> MapChanges<'a, K, V, S> {
    /// Steps over entries that both maps have: nearly all there are, once two leaves are open. Returns whether that
    /// leads to the end of a leaf, where nodes may be shared again.
    fn skip_same(&mut self) -> bool {
        let (Next::Items(old), Next::Items(new)) = (self.old.next(), self.new.next()) else { return false };
        let same = |((old_key, old), (new_key, new)): &(&(K, V), &(K, V))| {
            old_key == new_key && (self.same)(old, new)
        };
        let count = old.iter().zip(new).take_while(same).count();
        self.old.take(count);
        self.new.take(count);
        count == old.len().min(new.len())
    }

    /// Both cursors stand before one key.
    fn meet(
        &mut self,
        old: &Next<'a, Run<K, V>, First<K>>,
        new: &Next<'a, Run<K, V>, First<K>>,
    ) -> Option<MapChange<'a, K, V>> {
        match (old, new) {
            (Next::Items(old), Next::Items(new)) => {
                self.old.take(1);
                self.new.take(1);
                let ((_, old), (key, new)) = (old.first()?, new.first()?);
                (!(self.same)(old, new)).then_some(MapChange::Updated { key, old, new })
            }
            (Next::Items(_), _) => advance(&mut self.new).and(None),
            (_, Next::Items(_)) => advance(&mut self.old).and(None),
            _ => {
                open_higher(&mut self.old, &mut self.new);
                None
            }
        }
    }
}

impl<K: Ord, V, S: FnMut(&V, &V) -> bool> FusedIterator for MapChanges<'_, K, V, S> {}
