//! [`Differ`]: where the differences between two states are collected, each with what undoes it.
//!
//! Driven by [`State::diff_from`](super::State::diff_from); emptied by `draft`. Always holds: operation and inverse are written
//! down side by side, so they cannot disagree; what may not be stored (too deep, a bad key) never enters the patch.

use super::State;
use crate::op::{Action, Insert, Op, Patch, append};
use crate::value::{DEPTH_MAX, Flaw, Key, Path, Segment, Str, Value};

/// Collects what turns an old state into a new one.
///
/// An implementation of [`State::diff_from`](super::State::diff_from) steps into the parts that differ with
/// [`field`](Self::field), [`key`](Self::key) and [`index`](Self::index), and says what changed there with the other
/// methods. Operations count in the order they are told: a list index is one *after* the operations told before it.
///
/// ```
/// use redraft::state::{Differ, State};
/// use redraft::value::Value;
///
/// let mut differ = Differ::new();
/// differ.field("title", |title| title.replace(Value::from("old"), Value::from("new")));
/// let (patch, inverse) = differ.finish().unwrap();
/// assert_eq!(patch[0].path.to_string(), "/title");
/// assert_eq!(inverse.len(), 1);
/// ```
#[derive(Debug, Default)]
pub struct Differ {
    trail: Vec<Step>,
    ops: Vec<Op>,
    /// In the order of `ops`; turned round at the end.
    undo: Vec<Op>,
    refused: Option<Refused>,
    check: Check,
}

/// Whether differences are written down, or only used to find out whether what came about may be.
#[derive(Debug, Default, PartialEq)]
enum Check {
    #[default]
    Off,
    Sound,
    /// The first place that is not.
    Unsound(Path),
}

/// One step of the way to what is being looked at. Most steps lead to nothing that differs, so a field's name becomes a
/// key, which allocates, only when something is told.
#[derive(Debug)]
enum Step {
    Field(&'static str),
    Other(Segment),
}

impl Step {
    fn segment(&self) -> Segment {
        match self {
            Self::Field(name) => Segment::Key(Key::Str(Str::of_static(name))),
            Self::Other(segment) => segment.clone(),
        }
    }

    fn is_valid(&self) -> bool {
        !matches!(self, Self::Other(Segment::Key(key)) if !key.is_valid())
    }
}

/// What a state holds that no patch may carry, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) flaw: Flaw,
    pub(crate) path: Path,
}

impl Differ {
    /// Starts at the root, with nothing found.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a new state that operations made part by part: writes nothing down, but has the types whose parts must fit
    /// together look at those that changed.
    pub(crate) fn checking() -> Self {
        Self { check: Check::Sound, ..Self::default() }
    }

    pub(crate) fn is_checking(&self) -> bool {
        self.check != Check::Off
    }

    /// The parts of what is here do not fit together.
    pub(crate) fn unsound(&mut self) {
        if self.check == Check::Sound {
            self.check = Check::Unsound(self.path());
        }
    }

    /// The first place whose parts do not fit together.
    pub(crate) fn into_unsound(self) -> Option<Path> {
        match self.check {
            Check::Unsound(path) => Some(path),
            Check::Off | Check::Sound => None,
        }
    }

    /// What a part that is new shows as, to be told with [`add`](Self::add), [`replace`](Self::replace) or
    /// [`splice`](Self::splice). Whoever looks for parts that do not fit together looks into it, too. For what the derive writes.
    #[doc(hidden)]
    pub fn shown<T: State>(&mut self, new: &T) -> Value {
        let shown = new.to_value();
        if self.is_checking() && T::from_value(shown.clone()).is_err() {
            self.unsound();
        }
        shown
    }

    /// Looks at the named field of a struct.
    pub fn field(&mut self, name: &'static str, look: impl FnOnce(&mut Self)) {
        self.at(Step::Field(name), look);
    }

    /// Looks at the entry of a map.
    pub fn key(&mut self, key: &Key, look: impl FnOnce(&mut Self)) {
        self.at(Step::Other(Segment::Key(key.clone())), look);
    }

    /// Looks at the element of a list.
    pub fn index(&mut self, index: usize, look: impl FnOnce(&mut Self)) {
        self.at(Step::Other(Segment::Index(index)), look);
    }

    /// There is something here that was not: a new entry, or an element inserted.
    pub fn add(&mut self, new: Value) {
        self.tell(Action::Add(new), Action::Remove);
    }

    /// What was here is gone.
    pub fn remove(&mut self, old: Value) {
        self.tell(Action::Remove, Action::Add(old));
    }

    /// Something else is here.
    pub fn replace(&mut self, old: Value, new: Value) {
        self.tell(Action::Replace(new), Action::Replace(old));
    }

    /// In the list or string that is here, `ins` stands from `at` on where `old` stood.
    pub fn splice(&mut self, at: usize, old: Insert, ins: Insert) {
        let (del, added) = (old.len(), ins.len());
        self.tell(Action::Splice { at, del, ins }, Action::Splice { at, del: added, ins: old });
    }

    /// The integer that is here has grown by `by`. `i64::MIN` has no inverse and must be told as a replacement.
    pub fn inc(&mut self, by: i64) {
        self.tell(Action::Inc(by), Action::Inc(by.saturating_neg()));
    }

    /// The patch and its inverse; `None` if the new state may not be stored.
    pub fn finish(self) -> Option<(Patch, Patch)> {
        self.into_result().ok()
    }

    pub(crate) fn into_result(mut self) -> Result<(Patch, Patch), Refused> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        self.undo.reverse();
        Ok((self.ops.into(), self.undo.into()))
    }

    /// Refusing to step deeper than the limit is what bounds the recursion of every `diff`.
    fn at(&mut self, step: Step, look: impl FnOnce(&mut Self)) {
        let valid = step.is_valid();
        self.trail.push(step);
        if self.trail.len() > DEPTH_MAX {
            self.refuse(Flaw::Depth);
        } else if !valid {
            self.refuse(Flaw::Key);
        } else {
            look(self);
        }
        self.trail.pop();
    }

    fn tell(&mut self, action: Action, undo: Action) {
        if self.refused.is_some() || self.is_checking() {
            return;
        }
        let room = DEPTH_MAX - self.trail.len();
        if let Some(flaw) = crate::op::flaw(&action, room) {
            return self.refuse(flaw);
        }
        let path = self.path();
        append(&mut self.ops, Op::new(path.clone(), action));
        append(&mut self.undo, Op::new(path, undo));
    }

    /// The field here is in the state twice: as itself, and among what no field is there for.
    pub(super) fn refuse_double(&mut self) {
        self.refuse(Flaw::Field);
    }

    /// The first refusal is the one reported.
    fn refuse(&mut self, flaw: Flaw) {
        let path = self.path();
        self.refused.get_or_insert(Refused { flaw, path });
    }

    /// The root costs no allocation.
    fn path(&self) -> Path {
        if self.trail.is_empty() {
            return Path::root();
        }
        self.trail.iter().map(Step::segment).collect()
    }
}
