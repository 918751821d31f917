//! [`Table`]: the whole history in memory, as columns of what a timeline shows.
//!
//! 17 bytes a change, and each writer's and label's name once; states and patches are never in it. Filled by `fill`, from the oldest change on;
//! asked by `timeline`. Always: a row for every version from the first on, without gaps; what could not be read has a row that says so.

use super::rows::{KINDS, Kind};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// How many different writers, or labels, are told apart.
const NAMES: usize = u16::MAX as usize;

/// What is kept of a change.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) time_ms: i64,
    pub(super) writer: u64,
    pub(super) label: Option<Arc<str>>,
    pub(super) patches: u32,
    pub(super) kind: Kind,
    /// The version that it takes back.
    pub(super) undoes: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Table {
    /// The version of the first row.
    first: u64,
    pub(super) times: Vec<i64>,
    pub(super) patches: Vec<u32>,
    pub(super) writers: Vec<u16>,
    pub(super) labels: Vec<u16>,
    pub(super) kinds: Vec<u8>,
    writer_names: Names<u64>,
    label_names: Names<Option<Arc<str>>>,
}

/// What numbers stand for. The last one stands for all that are too many.
#[derive(Debug)]
struct Names<T> {
    numbers: HashMap<T, u16>,
    names: Vec<T>,
}

impl<T: Clone + Eq + Hash> Names<T> {
    fn new() -> Names<T> {
        Names { numbers: HashMap::new(), names: Vec::new() }
    }

    fn number_of(&mut self, name: &T) -> u16 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let Some(number) = u16::try_from(self.names.len()).ok().filter(|&number| usize::from(number) < NAMES)
        else {
            return u16::MAX;
        };
        self.numbers.insert(name.clone(), number);
        self.names.push(name.clone());
        number
    }
}

/// What changes are coloured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Writer,
    Label,
    Kind,
}

impl Table {
    /// A table whose first row will be the one of this version.
    pub(super) fn from(first: u64) -> Table {
        let (writer_names, label_names) = (Names::new(), Names::new());
        let (times, patches, kinds) = (Vec::new(), Vec::new(), Vec::new());
        Table {
            first,
            times,
            patches,
            writers: Vec::new(),
            labels: Vec::new(),
            kinds,
            writer_names,
            label_names,
        }
    }

    /// The version of the first row.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The version that the next row is for.
    pub(super) fn next(&self) -> u64 {
        self.first + self.times.len() as u64
    }

    pub(super) fn push(&mut self, head: &Head) {
        let kind = match head.undoes.and_then(|undone| self.kind(undone)) {
            // Who takes back what was taken back does it again.
            Some(Kind::Undo) if head.kind == Kind::Undo => Kind::Redo,
            _ => head.kind,
        };
        let (writer, label) =
            (self.writer_names.number_of(&head.writer), self.label_names.number_of(&head.label));
        self.times.push(head.time_ms);
        self.patches.push(head.patches);
        self.writers.push(writer);
        self.labels.push(label);
        self.kinds.push(kind as u8);
    }

    /// Rows of changes that cannot be read, up to the one before `next`.
    pub(super) fn push_lost(&mut self, next: u64) {
        let time_ms = self.times.last().copied().unwrap_or(0);
        while self.next() < next {
            self.times.push(time_ms);
            self.patches.push(0);
            self.writers.push(u16::MAX);
            self.labels.push(u16::MAX);
            self.kinds.push(Kind::Lost as u8);
        }
    }

    pub(super) fn kind(&self, version: u64) -> Option<Kind> {
        let at = usize::try_from(version.checked_sub(self.first)?).ok()?;
        KINDS.iter().find(|kind| self.kinds.get(at) == Some(&(**kind as u8))).copied()
    }

    /// The column of a colour, and how many different numbers there may be in it besides `u16::MAX`.
    pub(super) fn groups(&self, colour: Colour) -> (Group<'_>, usize) {
        match colour {
            Colour::Writer => (Group::Wide(&self.writers), self.writer_names.names.len()),
            Colour::Label => (Group::Wide(&self.labels), self.label_names.names.len()),
            Colour::Kind => (Group::Narrow(&self.kinds), KINDS.len()),
        }
    }

    /// What a number in the column of a colour stands for.
    pub(super) fn name(&self, colour: Colour, number: usize) -> String {
        match colour {
            Colour::Writer => {
                self.writer_names.names.get(number).map_or(String::new(), |writer| format!("{writer:016x}"))
            }
            Colour::Label => {
                let name = self.label_names.names.get(number).and_then(Option::as_deref);
                name.unwrap_or_default().into()
            }
            Colour::Kind => KINDS.get(number).map_or("", |kind| kind.name()).into(),
        }
    }
}

/// A column of small numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Group<'a> {
    Wide(&'a [u16]),
    Narrow(&'a [u8]),
}

impl Group<'_> {
    pub(super) fn at(self, row: usize) -> usize {
        match self {
            Group::Wide(numbers) => numbers[row].into(),
            Group::Narrow(numbers) => numbers[row].into(),
        }
    }
}
