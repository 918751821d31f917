//! [`Filter`]: which changes of a history somebody wants to see.
//!
//! Plain data, so that whoever knows where such changes are can be asked instead of looking at all of them. Leaves reading
//! to [`Changes`](super::Changes). Always: what is cheap to know of a change is asked before what has to be decoded.

use crate::patch::Patch;
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

    /// Only changes that did something at this place, inside it, or to something it lies in. Places are compared by their
    /// text ([`Pointer::meets`]): an element that others were inserted before is found under its number of then. Asked for
    /// again: changes that touched any of the places.
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
        let touched = |place: &Pointer| patch.iter().any(|op| place.meets(&op.path));
        self.places.is_empty() || self.places.iter().any(touched)
    }
}
