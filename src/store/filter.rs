//! [`Filter`]: which changes of a history somebody wants to see.
//!
//! Plain data, so that whoever knows where such changes are can be asked instead of looking at all of them. Leaves reading
//! to [`Changes`](super::Changes). Always: what is cheap to know of a change is asked before what has to be decoded.

#[cfg(feature = "index")]
use crate::index::{self, Term};
use crate::patch::{Patch, touches};
use crate::record::{Change, WriterId};
use crate::value::Pointer;

/// Narrows a history: a change must meet all that is asked for. Made empty, which wants every change; goes to
/// [`Changes::matching`](super::Changes::matching).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::{Filter, Meta, Store, Value, value::Pointer};
///
/// let store = Store::<Value>::open(dir.path())?;
/// store.produce_with(Meta::label("plan"), |doc| doc["title"] = "garden".into())?;
/// store.produce_with(Meta::label("vote"), |doc| doc["votes"] = 1.into())?;
/// store.produce_with(Meta::label("plan"), |doc| doc["title"] = "house".into())?;
///
/// let titles = Filter::new().touching(Pointer::parse("/title")?).labelled("plan");
/// let newest = store.changes(..)?.matching(titles).newest_first().next().transpose()?;
/// assert_eq!(newest.map(|change| change.version), Some(3));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    places: Vec<Pointer>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    writer: Option<WriterId>,
    label: Option<String>,
}

impl Filter {
    /// Wants every change.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Only changes that touched this place: those after which what is there, or whether something is there, can be another
    /// than before. These are changes of the place itself and of what lies in it, of what it lies in if that was put
    /// there or taken away, and, where the place leads through a list, insertions and removals in front of it. An element of
    /// a list is counted as it is at each version: `/cards/3` is whatever is fourth then; [`blame`](super::Store::blame) and
    /// [`life`](super::Store::life) follow it instead. Asked for again: changes that touched any of the places.
    #[must_use]
    pub fn touching(mut self, place: Pointer) -> Filter {
        self.places.push(place);
        self
    }

    /// Only changes that happened at this time or after, in milliseconds since 1970. As with [`until`](Filter::until) it is
    /// [`Change::time_ms`] that counts, which may be in another order than the versions.
    #[must_use]
    pub fn since(mut self, time_ms: i64) -> Filter {
        self.since_ms = Some(time_ms);
        self
    }

    /// Only changes that happened at this time or before, in milliseconds since 1970.
    #[must_use]
    pub fn until(mut self, time_ms: i64) -> Filter {
        self.until_ms = Some(time_ms);
        self
    }

    /// Only changes of this writer.
    #[must_use]
    pub fn by(mut self, writer: WriterId) -> Filter {
        self.writer = Some(writer);
        self
    }

    /// Only changes with exactly this label.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Filter {
        self.label = Some(label.into());
        self
    }

    /// What can be told of a change whose patch was not decoded.
    pub(crate) fn admits_all_but_patch(&self, change: &Change) -> bool {
        let time = change.time_ms();
        self.since_ms.is_none_or(|since| since <= time)
            && self.until_ms.is_none_or(|until| time <= until)
            && self.writer.is_none_or(|writer| writer == change.writer)
            && self.label.as_ref().is_none_or(|label| change.meta.label.as_ref() == Some(label))
    }

    pub(crate) fn admits_patch(&self, patch: &Patch) -> bool {
        self.places.is_empty() || self.places.iter().any(|place| touches(patch, place))
    }

    /// What an index can be asked for: every change that is wanted has one of these terms. Nothing if there is no telling.
    #[cfg(feature = "index")]
    pub(crate) fn terms(&self, home: WriterId) -> Option<Vec<Term>> {
        let has_places =
            !self.places.is_empty() && self.places.iter().all(|place| !place.tokens().is_empty());
        if has_places {
            return Some(self.places.iter().flat_map(index::of_place).collect());
        }
        match (&self.label, self.writer) {
            (Some(label), _) => Some(vec![index::of_label(label)]),
            (None, Some(writer)) if writer != home => Some(vec![index::of_writer(writer)]),
            _ => None,
        }
    }
}
