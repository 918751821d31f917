//! Blame: who set a place last, and all that was ever done to it.
//!
//! Goes through the changes from the newest on and follows the place backward, through lists that grew and through moves;
//! how a patch treats a place is `patch`'s. Always: what is told was in the states before and after the change, so that an
//! operation that wrote what was there already is not told.

use super::changes::Changes;
use super::filter::Filter;
use super::lookup::Guide;
use super::{Reader, Store};
use crate::error::{Error, Result};
use crate::history::{History, Tip};
use crate::patch::{self, Met};
use crate::record::Change;
use crate::state::State;
use crate::value::{Pointer, Value};
use std::any::Any;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// One change of what is at a place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Touch {
    /// The change: who, when, under which label.
    pub change: Change,
    /// What the place was called after it.
    pub place: Pointer,
    /// What it was called before, if the change moved it here.
    pub from: Option<Pointer>,
    /// What was there before, at the place it was moved from if it was; nothing if nothing was.
    pub old: Option<Value>,
    /// What was there afterwards; nothing if it was taken away.
    pub new: Option<Value>,
}

/// All that was done to a place, newest first. Made by [`Store::life`].
#[derive(Debug)]
pub struct Life<'a> {
    /// Those that touch the place.
    changes: Changes,
    /// The one before, if it was looked at already.
    ahead: Option<Change>,
    documents: Documents<'a>,
    /// What the place is called at the version that was come to.
    place: Pointer,
    /// Whether it is there.
    exists: bool,
    oldest: u64,
    is_over: bool,
}

#[derive(Debug)]
enum Documents<'a> {
    Shared(&'a History<Value>),
    Own(Box<History<Value>>),
}

impl<S: State + Default> Store<S> {
    /// The newest change of what is at `place`: who set it, when, from what to what. Nothing if nothing ever was there. A move
    /// of it is no such change: it is followed to where the place came from. A change that takes something away at one place
    /// and puts the same there at another is a move. An element of a list is followed when its number changes.
    ///
    /// With the index costs reading the two changes of it that came last; without, all changes back to these. Where a change does
    /// not say by itself what was there, the state around it is made, which costs what [`at`](Store::at) costs.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Meta, Store, Value, value, value::Pointer};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce_with(Meta::label("plan"), |doc| doc["cards"] = value!([{ "done": false }]))?;
    /// store.produce_with(Meta::label("ship"), |doc| doc["cards"][0]["done"] = true.into())?;
    /// store.produce(|doc| doc["cards"].as_list_mut().unwrap().insert(0, value!({ "done": false })))?;
    ///
    /// let done = store.blame(&Pointer::parse("/cards/1/done")?)?.unwrap();
    /// assert_eq!(done.change.meta.label.as_deref(), Some("ship"));
    /// assert_eq!((done.place.to_string().as_str(), done.old), ("/cards/0/done", Some(false.into())));
    /// assert!(store.blame(&Pointer::parse("/nowhere")?)?.is_none());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Compacted`] when it was there before the first change that is kept; otherwise as [`at`](Store::at).
    pub fn blame(&self, place: &Pointer) -> Result<Option<Touch>> {
        self.life(place)?.last_set()
    }

    /// All that was done to what is at `place`, newest first, moves among it. For an element of a list it begins with its
    /// insertion, for anything else with the first change that touched it, whatever came and went in between.
    ///
    /// With the index costs reading the changes that come out; without, all changes back as far as one asks. Where they do not say
    /// by themselves what was there, the states around them are made.
    ///
    /// # Errors
    /// As [`changes`](Store::changes); later trouble comes out of the iterator and ends it.
    pub fn life(&self, place: &Pointer) -> Result<Life<'_>> {
        let tip = self.published.tip();
        self.on_disk(tip.version)?;
        Life::of(&self.history, &tip, self.guide(), place)
    }

    /// The same up to a version, with the name that the place has there.
    #[cfg(feature = "inspect")]
    pub(crate) fn life_at(&self, place: &Pointer, version: u64) -> Result<Life<'_>> {
        let tip = self.published.tip();
        self.on_disk(version)?;
        let tip = if tip.version == version { tip } else { self.history.tip_at(version)? };
        Life::of(&self.history, &tip, self.guide(), place)
    }
}

impl<S: State + Default> Reader<S> {
    /// The newest change of what is at `place`, up to the version that this reader shows. See [`Store::blame`].
    ///
    /// # Errors
    /// As `Store::blame`.
    pub fn blame(&self, place: &Pointer) -> Result<Option<Touch>> {
        self.life(place)?.last_set()
    }

    /// All that was done to what is at `place`, newest first. See [`Store::life`].
    ///
    /// # Errors
    /// As `Store::life`.
    pub fn life(&self, place: &Pointer) -> Result<Life<'_>> {
        Life::of(&self.history, &self.tip(), self.guide(), place)
    }

    /// See [`Store::life_at`].
    #[cfg(feature = "inspect")]
    pub(crate) fn life_at(&self, place: &Pointer, version: u64) -> Result<Life<'_>> {
        let tip = self.tip();
        let tip = if tip.version == version { tip } else { self.history.tip_at(version)? };
        Life::of(&self.history, &tip, self.guide(), place)
    }
}

impl<'a> Life<'a> {
    fn of<S: State + Default>(
        history: &'a History<S>,
        tip: &Arc<Tip<S>>,
        guide: Guide,
        place: &Pointer,
    ) -> Result<Self> {
        let changes = Changes::in_range(&history.view, guide, &.., tip.version)?.up_to_head();
        let changes = changes.matching(Filter::new().touching(place.clone())).newest_first();
        let documents = match (history as &dyn Any).downcast_ref::<History<Value>>() {
            Some(documents) => Documents::Shared(documents),
            None => Documents::Own(Box::new(history.documents())),
        };
        let (place, oldest) = (place.clone(), history.oldest()?);
        let ahead = None;
        let mut life = Life { changes, ahead, documents, place, exists: false, oldest, is_over: false };
        life.exists = match (tip.as_ref() as &dyn Any).downcast_ref::<Tip<Value>>() {
            Some(newest) => life.place.find(&newest.state).is_some(),
            None => life.value(tip.version, &life.place)?.is_some(),
        };
        Ok(life)
    }

    /// The newest change that was more than a move.
    pub(crate) fn last_set(mut self) -> Result<Option<Touch>> {
        for touch in &mut self {
            let touch = touch?;
            if touch.old != touch.new {
                return Ok(Some(touch));
            }
        }
        match self.exists && self.oldest > 0 {
            true => Err(Error::Compacted { version: self.oldest, oldest: self.oldest + 1 }),
            false => Ok(None),
        }
    }

    fn document(&self, version: u64) -> Result<Arc<Value>> {
        match &self.documents {
            Documents::Shared(documents) => documents.at(version),
            Documents::Own(documents) => documents.at(version),
        }
    }

    fn value(&self, version: u64, place: &Pointer) -> Result<Option<Value>> {
        Ok(place.find(&*self.document(version)?).cloned())
    }

    /// What is there after a change that touched it.
    fn after(&self, change: &Change, place: &Pointer) -> Result<Option<Value>> {
        match patch::outcome(&change.patch, place) {
            Some(value) => Ok(value),
            None => self.value(change.version, place),
        }
    }

    /// What was at the place that is followed before a change, which is what the one before it left there.
    fn before(&mut self, change: &Change) -> Result<Option<Value>> {
        self.ahead = self.changes.next().transpose()?;
        match &self.ahead {
            Some(earlier) => self.after(earlier, &self.place),
            None => self.value(self.oldest.min(change.offset()), &self.place),
        }
    }

    /// From here on the place goes by this name.
    fn rename(&mut self, place: Pointer) -> Pointer {
        if place != self.place {
            self.changes.follow(place.clone());
        }
        std::mem::replace(&mut self.place, place)
    }

    /// Goes back over one change.
    fn step(&mut self, change: Change) -> Result<Option<Touch>> {
        if !self.exists {
            return self.look_for_the_end(change);
        }
        let (before, met) = patch::trace(&change.patch, &self.place);
        if met == Met::Nothing {
            self.rename(before);
            return Ok(None);
        }
        let new = self.after(&change, &self.place)?;
        if let Some(from) = self.moved_from(&change, &met)? {
            let place = self.rename(from.clone());
            let old = self.before(&change)?;
            return Ok(Some(Touch { change, place, from: Some(from), old, new }));
        }
        // Only what stands in a list has nothing to do with what was at its number before.
        self.is_over = matches!(&met, Met::Made(made) if made.is_new_element);
        let place = self.rename(before);
        let old = if self.is_over { None } else { self.before(&change)? };
        self.exists = old.is_some();
        Ok((old != new).then_some(Touch { change, place, from: None, old, new }))
    }

    /// The place is not there. Was it before this change?
    fn look_for_the_end(&mut self, change: Change) -> Result<Option<Touch>> {
        if !patch::may_end(&change.patch, &self.place) {
            return Ok(None);
        }
        let old = self.before(&change)?;
        self.exists = old.is_some();
        let place = self.place.clone();
        Ok(self.exists.then_some(Touch { change, place, from: None, old, new: None }))
    }

    /// Where the change took away what it put at the place.
    fn moved_from(&self, change: &Change, met: &Met) -> Result<Option<Pointer>> {
        let Met::Made(made) = met else { return Ok(None) };
        let sources = patch::sources(&change.patch);
        if sources.is_empty() {
            return Ok(None);
        }
        let before = self.document(change.offset())?;
        let source = sources.into_iter().find(|source| source.find(&before) == Some(&made.value));
        let below = self.place.tokens().get(made.depth..).unwrap_or_default();
        Ok(source.map(|source| Pointer::of_tokens([source.tokens(), below].concat())))
    }
}

impl Life<'_> {
    /// What the place is called at which versions, the newest first; to the oldest version that is kept, or to where it came
    /// into being as an element of a list.
    pub(crate) fn names(mut self) -> Result<Vec<(RangeInclusive<u64>, Pointer)>> {
        let (mut names, mut last) = (Vec::new(), u64::MAX);
        while let Some(change) = self.next_change().transpose()? {
            let (version, called) = (change.version, self.place.clone());
            self.step(change)?;
            if self.is_over || self.place != called {
                names.push((version..=last, called));
                last = version - 1;
            }
            if self.is_over {
                return Ok(names);
            }
        }
        names.push((0..=last, self.place));
        Ok(names)
    }

    fn next_change(&mut self) -> Option<Result<Change>> {
        self.ahead.take().map(Ok).or_else(|| self.changes.next())
    }
}

impl Iterator for Life<'_> {
    type Item = Result<Touch>;

    /// An error is the last item.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let touch = match self.next_change()? {
                Ok(change) => self.step(change),
                Err(error) => Err(error),
            };
            self.is_over |= touch.is_err();
            if let Some(touch) = touch.transpose() {
                return Some(touch);
            }
        }
        None
    }
}
