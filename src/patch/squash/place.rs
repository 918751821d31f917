//! What a run of operations did to one place of a document, and to everything in it.
//!
//! A tree of the same shape as the document, as far as the run reached. Takes up one operation after the other, then says
//! what it holds in as few as there are differences. Always holds: no deeper than a path is long.

use std::collections::BTreeMap;
use std::mem;

use super::Clash;
use super::pieces::{Pieces, Slot, Told};
use crate::patch::{Action, Insert, Op, Patch};
use crate::state::State;
use crate::value::{Key, Segment, Trail, Value};

/// Whether there was something at a place before the run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    There,
    Absent,
    Unknown,
}

/// What became of one place.
pub(super) enum Place {
    /// What was there still is, changed inside.
    Kept(Inside),
    /// Holds a value that the run brought.
    Written(Value, Before),
    /// Held something, and no longer does.
    Removed,
    /// May have held something, was certainly written to, and is empty now. No single operation says this: `remove` needs
    /// something to remove. So what was written is written again first.
    Vanished(Value),
}

/// What changed inside a value.
#[derive(Default)]
pub(super) enum Inside {
    #[default]
    Nothing,
    Map(BTreeMap<Key, Place>),
    List(Pieces<Value>),
    Text(Pieces<char>),
    /// An integer that was counted. Wide enough for a run of any length.
    Sum(i128),
}

impl Default for Place {
    fn default() -> Self {
        Self::Kept(Inside::Nothing)
    }
}

impl Place {
    /// Takes up an operation at `path` below this place. `before` says whether an entry that it adds was there.
    pub(super) fn take_up(&mut self, path: &[Segment], action: &Action, before: Before) -> Result<(), Clash> {
        match (path, action) {
            ([], Action::Replace(new)) => self.overwrite(new),
            ([], Action::Add(new)) => self.upsert(new, before),
            ([], Action::Remove) => self.remove(),
            _ => match self {
                Self::Kept(inside) => inside.take_up(path, action, before),
                Self::Written(value, _) => change(value, path, action),
                Self::Removed | Self::Vanished(_) => Err(Clash),
            },
        }
    }

    fn overwrite(&mut self, new: &Value) -> Result<(), Clash> {
        let before = match self {
            Self::Kept(_) => Before::There,
            Self::Written(_, before) => *before,
            Self::Removed | Self::Vanished(_) => return Err(Clash),
        };
        *self = Self::Written(new.clone(), before);
        Ok(())
    }

    fn upsert(&mut self, new: &Value, before: Before) -> Result<(), Clash> {
        let before = match self {
            Self::Kept(Inside::Nothing) => before,
            Self::Kept(_) | Self::Removed => Before::There,
            Self::Written(_, before) => *before,
            Self::Vanished(_) => Before::Unknown,
        };
        *self = Self::Written(new.clone(), before);
        Ok(())
    }

    fn remove(&mut self) -> Result<(), Clash> {
        *self = match mem::take(self) {
            Self::Kept(_) | Self::Written(_, Before::There) => Self::Removed,
            Self::Written(_, Before::Absent) => Self::default(),
            Self::Written(value, Before::Unknown) => Self::Vanished(value),
            gone @ (Self::Removed | Self::Vanished(_)) => {
                *self = gone;
                return Err(Clash);
            }
        };
        Ok(())
    }

    /// Says everything that happened here and below, at the root of a document.
    pub(super) fn tell(self, out: &mut Patch) {
        self.tell_at(&mut Trail::new(), out);
    }

    fn tell_at(self, at: &mut Trail, out: &mut Patch) {
        let mut tell = |action| out.push(Op::new(at.path(), action));
        match self {
            Self::Kept(inside) => inside.tell_at(at, out),
            Self::Written(value, Before::There) => tell(Action::Replace(value)),
            Self::Written(value, Before::Absent | Before::Unknown) => tell(Action::Add(value)),
            Self::Removed => tell(Action::Remove),
            Self::Vanished(value) => {
                tell(Action::Add(value));
                tell(Action::Remove);
            }
        }
    }
}

/// Makes an edit to a value that the run brought itself.
fn change(value: &mut Value, path: &[Segment], action: &Action) -> Result<(), Clash> {
    value.apply(path, action).map(drop).map_err(|_| Clash)
}

impl Inside {
    fn take_up(&mut self, path: &[Segment], action: &Action, before: Before) -> Result<(), Clash> {
        match (path, action) {
            ([], Action::Inc(by)) => self.count(*by),
            ([], Action::Splice { at, del, ins: Insert::Items(items) }) => {
                self.list()?.splice(*at, *del, items.iter().cloned())
            }
            ([], Action::Splice { at, del, ins: Insert::Text(text) }) => {
                self.text()?.splice(*at, *del, text.chars())
            }
            ([Segment::Key(key), rest @ ..], _) => {
                self.map()?.entry(key.clone()).or_default().take_up(rest, action, before)
            }
            ([Segment::Index(index)], Action::Add(new)) => self.list()?.splice(*index, 0, [new.clone()]),
            ([Segment::Index(index)], Action::Remove) => self.list()?.splice(*index, 1, []),
            ([Segment::Index(index), rest @ ..], _) => match self.list()?.at(*index)? {
                Slot::Kept(place) => place.take_up(rest, action, before),
                Slot::New(value) => change(value, rest, action),
            },
            ([], Action::Add(_) | Action::Replace(_) | Action::Remove) => Err(Clash),
        }
    }

    fn count(&mut self, by: i64) -> Result<(), Clash> {
        match self {
            Self::Nothing => *self = Self::Sum(by.into()),
            Self::Sum(sum) => *sum = sum.checked_add(by.into()).ok_or(Clash)?,
            _ => return Err(Clash),
        }
        Ok(())
    }

    fn map(&mut self) -> Result<&mut BTreeMap<Key, Place>, Clash> {
        if matches!(self, Self::Nothing) {
            *self = Self::Map(BTreeMap::new());
        }
        if let Self::Map(map) = self { Ok(map) } else { Err(Clash) }
    }

    fn list(&mut self) -> Result<&mut Pieces<Value>, Clash> {
        if matches!(self, Self::Nothing) {
            *self = Self::List(Pieces::default());
        }
        if let Self::List(list) = self { Ok(list) } else { Err(Clash) }
    }

    fn text(&mut self) -> Result<&mut Pieces<char>, Clash> {
        if matches!(self, Self::Nothing) {
            *self = Self::Text(Pieces::default());
        }
        if let Self::Text(text) = self { Ok(text) } else { Err(Clash) }
    }

    fn tell_at(self, at: &mut Trail, out: &mut Patch) {
        match self {
            Self::Nothing => {}
            Self::Sum(sum) => tell_sum(sum, at, out),
            Self::Map(map) => map.into_iter().for_each(|(key, place)| tell_part(place, key, at, out)),
            Self::List(list) => list.tell(|told| match told {
                Told::Splice { at: start, del, ins } => {
                    let action = Action::Splice { at: start, del, ins: Insert::Items(ins) };
                    out.push(Op::new(at.path(), action));
                }
                Told::Kept(index, place) => tell_part(place, index, at, out),
            }),
            Self::Text(text) => text.tell(|told| {
                if let Told::Splice { at: start, del, ins } = told {
                    let ins = Insert::Text(ins.into_iter().collect::<String>().into());
                    out.push(Op::new(at.path(), Action::Splice { at: start, del, ins }));
                }
            }),
        }
    }
}

fn tell_part(place: Place, segment: impl Into<Segment>, at: &mut Trail, out: &mut Patch) {
    at.push(segment);
    place.tell_at(at, out);
    at.pop();
}

/// A sum beyond one operation takes as many as it needs, all in one direction: every number on the way lies between the
/// two ends.
fn tell_sum(mut sum: i128, at: &Trail, out: &mut Patch) {
    while sum != 0 {
        let by = sum.clamp(-i128::from(i64::MAX), i64::MAX.into());
        sum -= by;
        // Within the clamp, so the conversion is exact.
        out.push(Op::new(at.path(), Action::Inc(by as i64)));
    }
}
