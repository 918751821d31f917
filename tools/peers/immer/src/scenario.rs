//! What is measured: the documents, the changes and the goals. Each engine carries these out in its own words (`dynamic`,
//! `typed`, and `scenarios.mjs` for the libraries). Always holds: everything here follows from the number of the change,
//! so that all engines do the same work in the same order.

/// How many items a list or map holds.
pub(crate) const ITEMS: usize = 10_000;

/// How many fields the larger changes write.
pub(crate) const FIELDS: usize = 100;

/// How many levels the deep document has beneath its root; the field that changes is one step further down.
pub(crate) const LEVELS: usize = 9;

/// How many changes there are before they come round again, and at most between two returns to the base.
pub(crate) const CHANGES: usize = 1_000;

/// A document and a kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    ListField,
    MapField,
    ListHundred,
    MapHundred,
    ListApply,
    MapApply,
    Push,
    Deep,
    NumberMapField,
}

/// How many times as fast as Immer as it comes, and as the fastest of all, redraft is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) as_it_comes: f64,
    pub(crate) fastest: f64,
}

impl Scenario {
    pub(crate) const ALL: [Self; 9] = [
        Self::ListField,
        Self::MapField,
        Self::ListHundred,
        Self::MapHundred,
        Self::ListApply,
        Self::MapApply,
        Self::Push,
        Self::Deep,
        Self::NumberMapField,
    ];

    /// What `scenarios.mjs` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListField => "list-field",
            Self::MapField => "map-field",
            Self::ListHundred => "list-hundred",
            Self::MapHundred => "map-hundred",
            Self::ListApply => "list-apply",
            Self::MapApply => "map-apply",
            Self::Push => "list-push",
            Self::Deep => "deep",
            Self::NumberMapField => "number-map-field",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::ListField => "one field of an item, list of 10k",
            Self::MapField => "one field of an item, map of 10k",
            Self::ListHundred => "100 fields of 100 items, list of 10k",
            Self::MapHundred => "100 fields of 100 items, map of 10k",
            Self::ListApply => "apply a one-field patch, list of 10k",
            Self::MapApply => "apply a one-field patch, map of 10k",
            Self::Push => "push to a list of 10k",
            Self::Deep => "one field at depth 10",
            Self::NumberMapField => "one field, map of 10k, keys 0 to 9999",
        }
    }

    /// None where the peers' engine turns the document into something else: an object whose keys are small integers is
    /// an array to it. Measured all the same, because such objects exist.
    pub(crate) fn goal(self) -> Option<Goal> {
        match self {
            Self::Deep => Some(Goal { as_it_comes: 8.0, fastest: 3.0 }),
            Self::NumberMapField => None,
            _ => Some(Goal { as_it_comes: 100.0, fastest: 5.0 }),
        }
    }

    /// What the libraries can keep the document in. The first is how it comes.
    pub(crate) fn shapes(self) -> &'static [&'static str] {
        match self {
            Self::MapField | Self::MapHundred | Self::MapApply | Self::NumberMapField => &["object", "map"],
            _ => &["plain"],
        }
    }
}

/// The item that change `op` is about: another one each time, all over the document.
pub(crate) fn touched(op: usize) -> usize {
    op * 7919 % ITEMS
}

/// The items of a change of a hundred fields, no two the same.
pub(crate) fn scattered(op: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..FIELDS).map(move |field| (field, (touched(op) + field * 97) % ITEMS))
}

/// What a change writes: never what was there.
pub(crate) fn votes(op: usize, field: usize) -> u64 {
    (1_000_000 + op * FIELDS + field) as u64
}

pub(crate) fn title_of(index: usize) -> String {
    format!("Item number {index}")
}

pub(crate) fn key_of(index: usize) -> String {
    format!("item-{index:05}")
}

pub(crate) fn label_of(depth: usize) -> String {
    format!("Level {depth}")
}
