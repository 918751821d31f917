//! A change in a line, and `GET api/changes`: a page of such lines.
//!
//! Leaves finding changes to the store. Always: a page is bounded by lines and by how much of the history is looked at for it; who goes on
//! with `next` sees every change once.

use super::Desk;
use super::preview::clipped;
use crate::http::shared::{Answer, Problem, Query, pointer};
use crate::merge::Outcome;
use crate::record::{Change, WriterId};
use crate::store::Filter;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

const ROWS: usize = 100;
const ROWS_MAX: usize = 1000;
/// How many versions are looked at for one page.
const LOOKED_AT: u64 = 100_000;
/// What a change says that made the state what it was at an older version.
pub(super) const RETURNS: &str = "returns-to";
/// How often what is taken back may have been taken back before, to be told what it is.
const UNDOS: usize = 64;

/// What sort of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Change,
    Undo,
    Redo,
    Restore,
    Migration,
    Fork,
    Merged,
    Refused,
    Rules,
    /// It cannot be read.
    Lost,
}

pub(super) const KINDS: [Kind; 10] = [
    Kind::Change,
    Kind::Undo,
    Kind::Redo,
    Kind::Restore,
    Kind::Migration,
    Kind::Fork,
    Kind::Merged,
    Kind::Refused,
    Kind::Rules,
    Kind::Lost,
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Change => "change",
            Kind::Undo => "undo",
            Kind::Redo => "redo",
            Kind::Restore => "restore",
            Kind::Migration => "migration",
            Kind::Fork => "fork",
            Kind::Merged => "merged",
            Kind::Refused => "refused",
            Kind::Rules => "rules",
            Kind::Lost => "lost",
        }
    }

    /// As the change alone tells: whether an undo takes back another one is not in it.
    pub(super) fn of(change: &Change) -> Kind {
        let outcome = change.merged.as_ref().map(|merged| &merged.outcome);
        match () {
            () if matches!(outcome, Some(Outcome::Rejected { .. })) => Kind::Refused,
            () if change.undoes.is_some() => Kind::Undo,
            () if change.is_migration() => Kind::Migration,
            () if change.is_fork => Kind::Fork,
            () if change.rules.is_some() => Kind::Rules,
            () if change.meta.tags.contains_key(RETURNS) => Kind::Restore,
            () if outcome.is_some() => Kind::Merged,
            () => Kind::Change,
        }
    }
}

/// A change in a line.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) version: u64,
    time: i64,
    writer: String,
    label: Option<String>,
    patches: usize,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Rows {
    changes: Vec<Row>,
    more: bool,
    /// Where to go on, if these are not all.
    next: Option<u64>,
}

impl Desk {
    pub(super) fn row(&self, change: &Change) -> Row {
        Row {
            version: change.version,
            time: change.time_ms(),
            writer: change.writer.to_string(),
            label: change.meta.label.as_deref().map(clipped),
            patches: change.patch.len(),
            kind: self.kind(change).name(),
        }
    }

    fn kind(&self, change: &Change) -> Kind {
        let alone = Kind::of(change);
        if alone != Kind::Undo {
            return alone;
        }
        let known = self.table().kind(change.version).filter(|kind| matches!(kind, Kind::Undo | Kind::Redo));
        known.unwrap_or_else(|| self.kind_of_undo(change))
    }

    /// Goes from undo to undo to what was first taken back.
    fn kind_of_undo(&self, change: &Change) -> Kind {
        let (mut count, mut undone) = (0, change.undoes);
        while let Some(version) = undone.filter(|_| count < UNDOS) {
            count += 1;
            undone = self.change(version).ok().and_then(|change| change.undoes);
        }
        if count % 2 == 0 { Kind::Redo } else { Kind::Undo }
    }
}

/// Which changes are wanted.
struct Wanted {
    from: Option<u64>,
    limit: usize,
    backwards: bool,
    filter: Filter,
}

/// `GET api/changes?from=&limit=&backwards=&path=&writer=&label=`.
pub(super) async fn changes(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["from", "limit", "backwards", "path", "writer", "label"])?;
    let limit = limit(&query, ROWS, ROWS_MAX)?;
    let backwards = match query.text("backwards").unwrap_or("0") {
        "0" => false,
        "1" => true,
        _ => return Err(Problem::malformed("the parameter \"backwards\" is 0 or 1")),
    };
    let wanted = Wanted { from: query.version("from")?, limit, backwards, filter: filter(&query)? };
    desk.answer(move |desk| desk.rows(&wanted)).await
}

/// How much is wanted at most; more than there may be is as much as there may be.
pub(super) fn limit(query: &Query, otherwise: usize, most: usize) -> Answer<usize> {
    Ok(query.get("limit", "a whole number")?.unwrap_or(otherwise).clamp(1, most))
}

fn filter(query: &Query) -> Answer<Filter> {
    let mut filter = Filter::new();
    if let Some(path) = query.text("path") {
        filter = filter.touching(pointer(path)?);
    }
    if let Some(writer) = query.get::<WriterId>("writer", "16 hexadecimal digits")? {
        filter = filter.by(writer);
    }
    Ok(match query.text("label") {
        Some(label) => filter.labelled(label),
        None => filter,
    })
}

impl Desk {
    fn rows(&self, wanted: &Wanted) -> Answer<Rows> {
        let served = self.source().served();
        let (oldest, head) = (served.oldest().map_err(|error| self.failed(&error))?, served.version());
        let from = match (wanted.from, wanted.backwards) {
            (Some(from), true) => from.min(head),
            (None, true) => head,
            (from, false) => from.unwrap_or(0).max(oldest + 1),
        };
        if from > head || from <= oldest {
            return Ok(Rows { changes: Vec::new(), more: false, next: None });
        }
        let (first, last, beyond) = match wanted.backwards {
            true => {
                let first = from.saturating_sub(LOOKED_AT - 1).max(oldest + 1);
                (first, from, (first > oldest + 1).then(|| first - 1))
            }
            false => {
                let last = head.min(from.saturating_add(LOOKED_AT - 1));
                (from, last, (last < head).then(|| last + 1))
            }
        };
        self.rows_between(wanted, (first, last), beyond)
    }

    /// `beyond` is where to go on if nothing more is found.
    fn rows_between(&self, wanted: &Wanted, (first, last): (u64, u64), beyond: Option<u64>) -> Answer<Rows> {
        let found = self.source().served().changes(first, last).map_err(|error| self.failed(&error))?;
        let found = found.matching(wanted.filter.clone());
        let found = if wanted.backwards { found.newest_first() } else { found };
        let mut changes: Vec<Row> = Vec::new();
        for change in found {
            let change = match change {
                Ok(change) => change,
                Err(error) if changes.is_empty() => return Err(self.failed(&error)),
                // What was found is told; who goes on is told what is in the way.
                Err(error) => {
                    drop(self.failed(&error));
                    let next = changes.last().map(|row| next_to(row.version, wanted.backwards));
                    return Ok(Rows { changes, more: true, next });
                }
            };
            changes.push(self.row(&change));
            if changes.len() == wanted.limit {
                let is_last = change.version == if wanted.backwards { first } else { last };
                let next = if is_last { beyond } else { Some(next_to(change.version, wanted.backwards)) };
                return Ok(Rows { changes, more: next.is_some(), next });
            }
        }
        Ok(Rows { changes, more: beyond.is_some(), next: beyond })
    }
}

fn next_to(version: u64, backwards: bool) -> u64 {
    if backwards { version - 1 } else { version + 1 }
}
