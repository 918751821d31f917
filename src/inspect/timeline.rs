//! `GET api/timeline`: how much happened when, in as many parts as the page has room for.
//!
//! Asks the table alone. Always: every change of the range that has been read so far is counted in one part, and a part says which
//! versions it is about. O(changes of the range), some ten nanoseconds each.

use super::Desk;
use super::rows::Kind;
use super::table::{Colour, Group, Table};
use crate::http::shared::{Answer, Problem, Query};
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

/// How many groups have a colour of their own.
const GROUPS: usize = 8;
const OTHERS: &str = "others";
const BUCKETS: usize = 240;
const BUCKETS_MAX: usize = 4096;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    Versions { from: u64, to: u64 },
    Times { since: i64, until: i64 },
}

#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    from: u64,
    to: u64,
    through: u64,
    buckets: Vec<Bucket>,
    groups: Vec<String>,
}

/// One part. Where nothing happened, `to` is the version that was current and `from` the one after it.
#[derive(Debug, Serialize)]
pub(super) struct Bucket {
    from: u64,
    to: u64,
    since: i64,
    until: i64,
    changes: u64,
    patches: u64,
    groups: Vec<(usize, u64)>,
}

/// `GET api/timeline?from=&to=&since=&until=&buckets=&color=`.
pub(super) async fn timeline(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["from", "to", "since", "until", "buckets", "color"])?;
    let colour = match query.text("color").unwrap_or("writer") {
        "writer" => Colour::Writer,
        "label" => Colour::Label,
        "kind" => Colour::Kind,
        _ => return Err(Problem::malformed("the parameter \"color\" is writer, label or kind")),
    };
    let buckets = query.get("buckets", "a whole number")?.unwrap_or(BUCKETS).clamp(1, BUCKETS_MAX);
    let time = |name| query.get::<i64>(name, "a time in milliseconds since 1970");
    let (from, to, since, until) =
        (query.version("from")?, query.version("to")?, time("since")?, time("until")?);
    desk.answer(move |desk| {
        let head = desk.source().served().version();
        let table = desk.table();
        let span = match (since, until) {
            (None, None) => Span::Versions { from: from.unwrap_or(1), to: to.unwrap_or(head).min(head) },
            (since, until) => {
                Span::Times { since: since.unwrap_or(i64::MIN), until: until.unwrap_or(i64::MAX) }
            }
        };
        Ok(aggregate(&table, span, buckets, colour))
    })
    .await
}

/// Counts what is in the table.
pub(super) fn aggregate(table: &Table, span: Span, buckets: usize, colour: Colour) -> Timeline {
    let through = table.next() - 1;
    let span = narrowed(table, span);
    let (group, count) = table.groups(colour);
    let rows = rows_of(table, span);
    let (slots, groups) = legend(table, span, rows, (group, count), colour);
    let mut parts = Parts { slots, group, buckets: empty(table, span, buckets) };
    match span {
        Span::Versions { .. } => parts.by_version(table),
        Span::Times { since, until } => parts.by_time(table, since, until),
    }
    let (from, to) = match span {
        Span::Versions { from, to } => (from, to),
        Span::Times { .. } => parts.ends(),
    };
    Timeline { from, to, through, buckets: parts.told(), groups }
}

/// The same without what there is nothing of.
fn narrowed(table: &Table, span: Span) -> Span {
    match span {
        Span::Versions { from, to } => Span::Versions { from: from.max(table.first()), to },
        Span::Times { since, until } => {
            let (first, last) = table
                .times
                .iter()
                .fold((i64::MAX, i64::MIN), |(first, last), &time| (first.min(time), last.max(time)));
            Span::Times { since: since.max(first.min(last)), until: until.min(last.max(first)) }
        }
    }
}

/// The rows that may be in it.
fn rows_of(table: &Table, span: Span) -> std::ops::Range<usize> {
    match span {
        Span::Times { .. } => 0..table.times.len(),
        Span::Versions { from, to } => row_of(table, from)..row_of(table, to.saturating_add(1)),
    }
}

/// The row of a version, or the place behind the last one.
fn row_of(table: &Table, version: u64) -> usize {
    usize::try_from(version.saturating_sub(table.first()))
        .map_or(table.times.len(), |row| row.min(table.times.len()))
}

/// Which colour each number of the column gets, and the names of those that have one: those with the most changes.
fn legend(
    table: &Table,
    span: Span,
    rows: std::ops::Range<usize>,
    (group, count): (Group<'_>, usize),
    colour: Colour,
) -> (Vec<u8>, Vec<String>) {
    let mut counts = vec![0u64; count + 1];
    let is_in = |row: usize| match span {
        Span::Versions { .. } => true,
        Span::Times { since, until } => (since..=until).contains(&table.times[row]),
    };
    for row in rows.filter(|&row| table.kinds[row] != Kind::Lost as u8 && is_in(row)) {
        counts[group.at(row).min(count)] += 1;
    }
    let mut order: Vec<usize> = (0..count).filter(|&number| counts[number] > 0).collect();
    order.sort_by_key(|&number| (std::cmp::Reverse(counts[number]), number));
    let has_others = order.len() > GROUPS || counts[count] > 0;
    order.truncate(GROUPS);
    let mut slots = vec![GROUPS as u8; count + 1];
    for (slot, &number) in (0..).zip(&order) {
        slots[number] = slot;
    }
    let mut names: Vec<String> = order.into_iter().map(|number| table.name(colour, number)).collect();
    if has_others {
        let others = names.len() as u8;
        slots.iter_mut().filter(|slot| **slot == GROUPS as u8).for_each(|slot| *slot = others);
        names.push(OTHERS.into());
    }
    (slots, names)
}

/// A part that is being counted.
struct Part {
    from: u64,
    to: u64,
    since: i64,
    until: i64,
    changes: u64,
    patches: u64,
    groups: [u64; GROUPS + 1],
}

struct Parts<'a> {
    slots: Vec<u8>,
    group: Group<'a>,
    buckets: Vec<Part>,
}

/// The parts with nothing in them.
fn empty(table: &Table, span: Span, buckets: usize) -> Vec<Part> {
    let part = |from, to, since, until| Part {
        from,
        to,
        since,
        until,
        changes: 0,
        patches: 0,
        groups: [0; GROUPS + 1],
    };
    match span {
        Span::Versions { from, to } if to < from => Vec::new(),
        Span::Versions { from, to } => {
            let (length, count) = (u128::from(to - from) + 1, u128::from(to - from + 1).min(buckets as u128));
            let begin = |index: u128| from + (length * index / count) as u64;
            (0..count).map(|index| part(begin(index), begin(index + 1) - 1, i64::MAX, i64::MIN)).collect()
        }
        Span::Times { .. } if table.times.is_empty() => Vec::new(),
        Span::Times { since, until } if until < since => Vec::new(),
        Span::Times { since, until } => {
            let width = width(since, until, buckets);
            let begin = |index: u64| since.saturating_add_unsigned(width.saturating_mul(index));
            let count = until.abs_diff(since) / width + 1;
            (0..count)
                .map(|index| part(u64::MAX, 0, begin(index), begin(index + 1).saturating_sub(1).min(until)))
                .collect()
        }
    }
}

/// How long a part of a time is, so that there are no more than so many.
fn width(since: i64, until: i64, buckets: usize) -> u64 {
    until.abs_diff(since) / buckets as u64 + 1
}

impl Parts<'_> {
    fn by_version(&mut self, table: &Table) {
        let (slots, group) = (&self.slots, self.group);
        for part in &mut self.buckets {
            for row in row_of(table, part.from)..row_of(table, part.to + 1) {
                let time = table.times[row];
                (part.since, part.until) = (part.since.min(time), part.until.max(time));
                part.count(table, row, slots, group);
            }
            if part.since > part.until {
                (part.since, part.until) = (0, 0);
            }
        }
    }

    fn by_time(&mut self, table: &Table, since: i64, until: i64) {
        let Some(last) = self.buckets.len().checked_sub(1) else { return };
        let width = self.buckets.get(1).map_or(1, |second| second.since.abs_diff(since));
        for (row, &time) in table.times.iter().enumerate() {
            if time < since || time > until {
                continue;
            }
            let version = table.first() + row as u64;
            let at = usize::try_from(time.abs_diff(since) / width).map_or(last, |at| at.min(last));
            let part = &mut self.buckets[at];
            (part.from, part.to) = (part.from.min(version), part.to.max(version));
            part.count(table, row, &self.slots, self.group);
        }
        let mut current = table.first() - 1;
        for part in &mut self.buckets {
            if part.from > part.to {
                (part.from, part.to) = (current + 1, current);
            }
            current = part.to;
        }
    }

    /// The first and the last version in any of them.
    fn ends(&self) -> (u64, u64) {
        let some = || self.buckets.iter().filter(|part| part.from <= part.to);
        let first = some().map(|part| part.from).min();
        let last = some().map(|part| part.to).max();
        first.zip(last).unwrap_or((1, 0))
    }

    fn told(self) -> Vec<Bucket> {
        let told = |part: Part| {
            let Part { from, to, since, until, changes, patches, groups } = part;
            let groups = groups.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
            Bucket { from, to, since, until, changes, patches, groups }
        };
        self.buckets.into_iter().map(told).collect()
    }
}

impl Part {
    fn count(&mut self, table: &Table, row: usize, slots: &[u8], group: Group<'_>) {
        if table.kinds[row] == Kind::Lost as u8 {
            return;
        }
        self.changes += 1;
        self.patches += u64::from(table.patches[row]);
        let number = group.at(row).min(slots.len() - 1);
        self.groups[usize::from(slots[number])] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Head;
    use super::*;

    fn table(count: u64) -> Table {
        let mut table = Table::from(1);
        for version in 1..=count {
            let (time_ms, writer) = (version as i64 * 1000, version % 20);
            let label = (version % 3 == 0).then(|| "third".into());
            let kind = if version % 10 == 0 { Kind::Merged } else { Kind::Change };
            table.push(&Head { time_ms, writer, label, patches: 2, kind, undoes: None });
        }
        table
    }

    #[test]
    fn every_change_is_counted_in_one_part_however_many_there_are() {
        let table = table(1003);
        for buckets in [1, 7, 240, 4096] {
            for colour in [Colour::Writer, Colour::Label, Colour::Kind] {
                let spans =
                    [Span::Versions { from: 0, to: 1003 }, Span::Times { since: i64::MIN, until: i64::MAX }];
                for span in spans {
                    let told = aggregate(&table, span, buckets, colour);
                    assert_eq!(told.buckets.iter().map(|part| part.changes).sum::<u64>(), 1003, "{span:?}");
                    assert_eq!(told.buckets.iter().map(|part| part.patches).sum::<u64>(), 2006);
                    assert!(
                        told.buckets.len() <= buckets
                            && (told.from, told.to, told.through) == (1, 1003, 1003)
                    );
                    for part in &told.buckets {
                        assert_eq!(part.groups.iter().map(|(_, count)| count).sum::<u64>(), part.changes);
                        assert!(part.groups.iter().all(|(slot, _)| *slot < told.groups.len()));
                    }
                }
            }
        }
        let writers = aggregate(&table, Span::Versions { from: 1, to: 1003 }, 1, Colour::Writer);
        assert_eq!((writers.groups.len(), writers.groups[8].as_str()), (9, "others"));
        let kinds = aggregate(&table, Span::Versions { from: 1, to: 1003 }, 1, Colour::Kind);
        assert_eq!(kinds.groups, ["change", "merged"]);
    }

    #[test]
    fn parts_follow_each_other_and_empty_ones_say_which_version_was_current() {
        let table = table(10);
        let told = aggregate(&table, Span::Times { since: -5000, until: 20_000 }, 100, Colour::Kind);
        let mut current = 0;
        for part in told.buckets {
            assert_eq!(part.from, current + 1);
            assert_eq!(part.to + 1 - part.from, part.changes);
            current = part.to;
        }
        assert_eq!(current, 10);
        let none = aggregate(&Table::from(1), Span::Times { since: 0, until: 9 }, 5, Colour::Kind);
        assert!(none.buckets.is_empty() && none.through == 0);
        let far = aggregate(&table, Span::Versions { from: 11, to: 5 }, 5, Colour::Kind);
        assert!(far.buckets.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_not_counted_and_an_undo_of_an_undo_is_a_redo() {
        let mut table = table(3);
        table.push_lost(6);
        let head = |undoes| Head {
            time_ms: 9000,
            writer: 1,
            label: None,
            patches: 1,
            kind: Kind::Undo,
            undoes: Some(undoes),
        };
        [3, 6, 7].map(head).iter().for_each(|head| table.push(head));
        assert_eq!(
            [6, 7, 8].map(|version| table.kind(version)),
            [Kind::Undo, Kind::Redo, Kind::Undo].map(Some)
        );
        let told = aggregate(&table, Span::Versions { from: 1, to: 8 }, 1, Colour::Kind);
        assert_eq!(told.buckets[0].changes, 6);
        assert_eq!(told.groups, ["change", "undo", "redo"]);
    }
}
