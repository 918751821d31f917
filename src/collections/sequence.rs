//! What a `Vec` has from its slice, for [`List`]: its ends, searching, sorting, sifting.
//!
//! Stands on access by position. Always: where nothing changes nothing is copied, so that versions go on sharing.

use std::cmp::Ordering;
use std::ops::RangeBounds;

use super::{IntoIter, List};

impl<T> List<T> {
    /// Whether an element equals this one. O(n).
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|other| other == item)
    }

    /// The number of elements at the start for which `belongs` holds, if all of those come first. O(log n) questions.
    pub fn partition_point(&self, mut belongs: impl FnMut(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if belongs(&self[middle]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Where an element stands in a sorted list, or else where it belongs. O(log n) comparisons. If there are several,
    /// the first one.
    ///
    /// # Errors
    /// The position before which it belongs, if it is not there.
    ///
    /// ```
    /// use redraft::collections::List;
    ///
    /// let list = List::from([1, 3, 5]);
    /// assert_eq!(list.binary_search(&3), Ok(1));
    /// assert_eq!(list.binary_search(&4), Err(2));
    /// ```
    pub fn binary_search(&self, item: &T) -> Result<usize, usize>
    where
        T: Ord,
    {
        self.binary_search_by(|other| other.cmp(item))
    }

    /// As [`binary_search`](Self::binary_search), by what `compare` says of an element.
    ///
    /// # Errors
    /// The position before which such an element belongs, if there is none.
    pub fn binary_search_by(&self, mut compare: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        let at = self.partition_point(|item| compare(item).is_lt());
        let found = self.get(at).is_some_and(|item| compare(item).is_eq());
        if found { Ok(at) } else { Err(at) }
    }

    /// As [`binary_search`](Self::binary_search), by what `key` makes of an element.
    ///
    /// # Errors
    /// The position before which such an element belongs, if there is none.
    pub fn binary_search_by_key<B: Ord>(
        &self,
        wanted: &B,
        mut key: impl FnMut(&T) -> B,
    ) -> Result<usize, usize> {
        self.binary_search_by(|item| key(item).cmp(wanted))
    }
}

impl<T: Clone> List<T> {
    /// The first element, writable. O(log n).
    pub fn first_mut(&mut self) -> Option<&mut T> {
        self.get_mut(0)
    }

    /// The last element, writable. O(log n).
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.len().checked_sub(1)?)
    }

    /// Puts an element before all others. O(log n).
    pub fn push_front(&mut self, item: T) {
        self.insert(0, item);
    }

    /// Takes the first element off. O(log n).
    pub fn pop_front(&mut self) -> Option<T> {
        if self.is_empty() { None } else { Some(self.remove(0)) }
    }

    /// Takes a stretch out, at once and not as the iterator goes. O(log n + taken).
    ///
    /// # Panics
    /// If the range begins after it ends, or ends after the list does.
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> IntoIter<T> {
        self.splice(range, []).into_iter()
    }

    /// Makes the list this long, with copies of `item` where it was shorter. O(log n + difference).
    pub fn resize(&mut self, len: usize, item: T) {
        let missing = len.saturating_sub(self.len());
        self.truncate(len);
        if missing > 0 {
            self.extend(std::iter::repeat_n(item, missing));
        }
    }

    /// Keeps the elements for which `keep` says so. O(n), and copies nothing when all are kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let gone: Vec<usize> =
            self.iter().zip(0..).filter(|(item, _)| !keep(item)).map(|(_, at)| at).collect();
        if gone.len() <= self.len() / 2 {
            gone.into_iter().rev().for_each(|at| drop(self.remove(at)));
            return;
        }
        let mut gone = gone.into_iter().peekable();
        let kept = self.iter().zip(0..).filter(|(_, at)| gone.next_if_eq(at).is_none());
        *self = kept.map(|(item, _)| item.clone()).collect();
    }

    /// Drops each element that equals the one before it. O(n), and copies nothing when there is none.
    pub fn dedup(&mut self)
    where
        T: PartialEq,
    {
        let mut twice = self.iter().zip(self.iter().skip(1)).map(|(before, item)| before == item);
        let mut keep: Vec<bool> = vec![true];
        keep.extend(twice.by_ref().map(|twice| !twice));
        let mut keep = keep.into_iter();
        self.retain(|_| keep.next().unwrap_or(true));
    }

    /// Sorts; equal elements stay as they stand. O(n log n), and copies nothing when the list is sorted already.
    pub fn sort(&mut self)
    where
        T: Ord,
    {
        self.sort_by(T::cmp);
    }

    /// Sorts by `compare`; equal elements stay as they stand. O(n log n), and copies nothing when the list is sorted
    /// already.
    pub fn sort_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        if self.iter().is_sorted_by(|a, b| compare(a, b).is_le()) {
            return;
        }
        let mut items = std::mem::take(self).into_vec();
        items.sort_by(compare);
        *self = items.into();
    }

    /// Sorts by what `key` makes of an element; equal elements stay as they stand. O(n log n).
    pub fn sort_by_key<B: Ord>(&mut self, mut key: impl FnMut(&T) -> B) {
        self.sort_by(|a, b| key(a).cmp(&key(b)));
    }

    /// Turns the order round. O(n).
    pub fn reverse(&mut self) {
        *self = self.iter().rev().cloned().collect();
    }
}
