//! [`Standing`]: where an element of a keyed list stood before it was taken away, so that it can stand there again.
//!
//! A keyed list is two parts in a document, `items` by key and the `order` of the keys (`collections::KeyedList`), and who puts an item
//! back owes it its place. Leaves putting items back to `extra`. Always: what is told leaves each key in the order once; other maps,
//! also those of the same shape whose order does not name their keys, are left alone.

use crate::op::{Action, Insert, Op};
use crate::value::{Key, List, Path, Segment, Value};

/// The element of a keyed list, and the order it stood in.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    key: Value,
    order: List,
}

impl Standing {
    /// Of what was at `item` in a document, if that was an element of a keyed list. O(length of the list).
    pub(super) fn of(document: &Value, item: &Path) -> Option<Standing> {
        let (order, key) = order_of(item)?;
        let (order, key) = (document.at_path(&order)?.as_list()?.clone(), Value::from(key));
        order.iter().any(|other| *other == key).then_some(Standing { key, order })
    }

    /// What puts its key back into the order of a document: behind the nearest of those before it that are still there.
    pub(super) fn again(&self, document: &Value, item: &Path) -> Option<Op> {
        let (path, _) = order_of(item)?;
        let now: Vec<&Value> = document.at_path(&path)?.as_list()?.iter().collect();
        if now.contains(&&self.key) {
            return None;
        }
        let before: Vec<&Value> = self.order.iter().take_while(|other| **other != self.key).collect();
        let stands = |key: &&Value| now.iter().position(|other| other == key);
        let at = before.iter().rev().find_map(stands).map_or(0, |index| index + 1);
        let ins = Insert::Items(vec![self.key.clone()]);
        Some(Op::new(path, Action::Splice { at, del: 0, ins }))
    }
}

/// Where the order of the list is that an item would be an element of, and its key.
fn order_of(item: &Path) -> Option<(Path, Key)> {
    let [list @ .., Segment::Key(items), Segment::Key(key)] = item.as_slice() else { return None };
    (items.as_str() == Some("items"))
        .then(|| (list.iter().cloned().collect::<Path>().child("order"), key.clone()))
}
