//! [`Shared`]: a value that versions share until one of them writes to it.
//!
//! An `Arc` that can be written through. Always holds: reading never copies; writing copies at most the value itself, and
//! only while somebody else holds it; comparing two asks for identity before content.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A pointer that is cheap to clone and is copied when written to.
///
/// For parts of a state that are large and seldom change: cloning the state does not clone them, and comparing two
/// versions does not look into what both share.
///
/// ```
/// use redraft::collections::Shared;
///
/// let old = Shared::new(vec![1, 2, 3]);
/// let mut new = old.clone(); // O(1)
/// assert_eq!(new.len(), 3); // reads through, copies nothing
/// assert!(Shared::ptr_eq(&old, &new));
/// new.push(4); // writing copies what `old` still holds
/// assert_eq!((old.len(), new.len()), (3, 4));
/// ```
///
/// Any use as `&mut T` counts as writing, also one that changes nothing.
#[derive(Default)]
pub struct Shared<T> {
    inner: Arc<T>,
}

// Associated functions, as those of `Arc`, so that they stand in the way of no method of `T`.
impl<T> Shared<T> {
    /// Puts a value behind a pointer. O(1).
    pub fn new(value: T) -> Self {
        Self { inner: Arc::new(value) }
    }

    /// Whether both are the same value in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        Arc::ptr_eq(&this.inner, &other.inner)
    }

    /// The value: moved when nobody else holds it, else cloned.
    pub fn into_inner(this: Self) -> T
    where
        T: Clone,
    {
        Arc::unwrap_or_clone(this.inner)
    }

    /// The value, writable. O(1), or a clone of the value while others hold it. Writing through the pointer does the same.
    pub fn make_mut(this: &mut Self) -> &mut T
    where
        T: Clone,
    {
        Arc::make_mut(&mut this.inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Self::make_mut(self)
    }
}

impl<T> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> Borrow<T> for Shared<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> From<Arc<T>> for Shared<T> {
    fn from(inner: Arc<T>) -> Self {
        Self { inner }
    }
}

impl<T> From<Shared<T>> for Arc<T> {
    fn from(shared: Shared<T>) -> Self {
        shared.inner
    }
}

/// What both share is taken to be equal without being looked at.
impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other) || **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: PartialOrd> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (**self).partial_cmp(&**other)
    }
}

impl<T: Ord> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        if Self::ptr_eq(self, other) { Ordering::Equal } else { (**self).cmp(&**other) }
    }
}

impl<T: Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// As the value itself: sharing is not written down.
impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}
