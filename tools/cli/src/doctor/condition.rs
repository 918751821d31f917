//! How a store does: who writes, what room there is, what was left behind, what holds its history.
//!
//! Judged from facts like all else (`judge`).

use super::facts::{ASIDE, Cursor, Facts, Opened, Recent, STAGE};
use super::finding::Finding;
use super::judge::{TOUCH, can_be_written, place, told};
use super::locks::Lock;
use crate::text;

/// Less room than this does not last for a day's work.
const ROOM_BYTES_MIN: u64 = 64 << 20;
const DAYS_MIN: f64 = 30.0;
/// A rate that was measured for a shorter time says nothing about days.
const RATE_MS_MIN: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
/// A clock that is off by less is in order.
const CLOCK_MS_MAX: i64 = 1_000;
/// What is held back longer, or is more, is worth a question.
const HELD_MS_MAX: u64 = 7 * DAY_MS;
const HELD_BYTES_MAX: u64 = 1 << 30;
/// Who waits longer for a store to open, or has more changes to read for it, wants a snapshot.
const OPEN_MS_MAX: u64 = 1_000;
const BEHIND_MAX: u64 = 100_000;
/// Fewer changes of a writer say nothing about how many are refused.
const REFUSED_MIN: u64 = 5;

pub(super) fn all(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![lock(facts)];
    findings.extend(room(facts));
    findings.extend(left_behind(facts));
    if let Ok(opened) = &facts.opened {
        findings.extend(clock(facts, opened));
        findings.extend(cursors(facts, opened));
        findings.push(opening(facts, opened));
        findings.extend(opened.recent.iter().flat_map(|recent| writers(facts, recent)));
    }
    findings
}

fn lock(facts: &Facts) -> Finding {
    let last = |process: Option<u32>| {
        process.map_or(String::new(), |process| format!("; process {process} was the last"))
    };
    match facts.lock {
        Lock::None => Finding::ok("lock", "nobody writes, and nobody has locked it before"),
        Lock::Held(process) => Finding::ok("lock", format!("process {process} writes")),
        Lock::Free(process) => {
            Finding::ok("lock", format!("nobody that can be seen from here writes{}", last(process)))
        }
        Lock::Unknown(process) => Finding::note(
            "lock",
            format!("this system does not tell whether somebody writes{}", last(process)),
        ),
    }
}

/// Bytes a day at the present rate, where that can be told.
pub(super) fn bytes_per_day(facts: &Facts) -> Option<f64> {
    let recent = facts.opened.as_ref().ok()?.recent.as_ref().ok()?;
    let (first, _) = recent.stamps_ms?;
    let since_ms = u64::try_from(facts.now_ms.saturating_sub(first)).ok().filter(|&ms| ms >= RATE_MS_MIN)?;
    Some(recent.bytes as f64 * DAY_MS as f64 / since_ms as f64)
}

pub(super) fn days_left(facts: &Facts) -> Option<f64> {
    let (free, _) = facts.room?;
    bytes_per_day(facts).filter(|&rate| rate > 0.0).map(|rate| free as f64 / rate)
}

fn room(facts: &Facts) -> Option<Finding> {
    let (free, total) = facts.room?;
    let (bytes, days) = (facts.bytes(), days_left(facts));
    let lasts =
        days.map_or(String::new(), |days| format!(", which lasts {} at the present rate", in_days(days)));
    let told = format!(
        "{} in {}, {} in {}, {} in the index; {} of {} free{lasts}",
        text::bytes(bytes.segments),
        text::count(bytes.segment_count as u64, "segment"),
        text::bytes(bytes.snapshots),
        text::count(bytes.snapshot_count as u64, "snapshot"),
        text::bytes(bytes.index),
        text::bytes(free),
        text::bytes(total),
    );
    Some(match () {
        () if free < ROOM_BYTES_MIN => Finding::problem("space", told).next(make_room(facts)),
        () if days.is_some_and(|days| days < DAYS_MIN) => {
            Finding::warning("space", told).next(make_room(facts))
        }
        () => Finding::ok("space", told),
    })
}

fn in_days(days: f64) -> String {
    match days {
        days if days > 3_650.0 => "for more than ten years".into(),
        days if days >= 2.0 => format!("for {days:.0} days"),
        days => format!("for {:.0} hours", days * 24.0),
    }
}

fn make_room(facts: &Facts) -> String {
    match can_be_written(facts) {
        true => format!("redraft pack {}", place(facts)),
        false => format!("df -h {}", place(facts)),
    }
}

fn left_behind(facts: &Facts) -> Vec<Finding> {
    let (place, mut findings) = (place(facts), Vec::new());
    let held = facts.lock.holder().is_some();
    let stage = facts.of_kind(|entry| entry.is_directory && entry.name == STAGE);
    let unfinished = facts.of_kind(|entry| !entry.is_directory && entry.name.ends_with(".tmp"));
    for (what, left) in
        [("files of an exchange that was not decided", stage), ("unfinished files", unfinished)]
    {
        let bytes: u64 = left.iter().map(|entry| entry.bytes).sum();
        if !left.is_empty() && !held {
            let told = format!("{what} ({}) are left; the next writer removes them", text::bytes(bytes));
            findings.push(Finding::note("leftovers", told).next(format!("{TOUCH}{place}")));
        }
    }
    for aside in facts.of_kind(|entry| entry.is_directory && entry.name.starts_with(ASIDE)) {
        let told = format!(
            "{} holds what a repair put aside ({}); remove it once nobody needs it",
            aside.name,
            text::bytes(aside.bytes)
        );
        let report = text::quoted(&facts.place.join(&aside.name).join("repair.txt").display().to_string());
        findings.push(Finding::note("leftovers", told).next(format!("cat {report}")));
    }
    for trial in &facts.trials {
        let path = text::quoted(&trial.display().to_string());
        let told = format!("{} was left by a merge on trial that was killed", trial.display());
        findings.push(Finding::note("leftovers", told).next(format!("rm -r {path}")));
    }
    findings
}

fn clock(facts: &Facts, opened: &Opened) -> Option<Finding> {
    let (_, last) = opened.recent.as_ref().ok()?.stamps_ms?;
    let ahead = last.saturating_sub(facts.now_ms);
    let ago = |ms: i64| text::duration(ms.unsigned_abs());
    Some(match ahead {
        CLOCK_MS_MAX.. => Finding::warning(
            "clock",
            format!(
                "the newest change is stamped {} in the future ({}): a clock was ahead, or this one is behind; new changes are \
                 stamped as if no time passed until then",
                ago(ahead),
                text::time(last)
            ),
        )
        .next("timedatectl"),
        _ => Finding::ok("clock", format!("the newest change was recorded {} ago", ago(ahead.min(0)))),
    })
}

fn cursors(facts: &Facts, opened: &Opened) -> Vec<Finding> {
    let place = place(facts);
    match &opened.cursors {
        Err(error) => {
            vec![Finding::problem("cursors", told(error)).damage().next(format!("redraft repair {place}"))]
        }
        Ok(cursors) => cursors.iter().map(|cursor| held_back(cursor, opened.version, &place)).collect(),
    }
}

fn held_back(cursor: &Cursor, newest: u64, place: &str) -> Finding {
    let Cursor { name, version, bytes, age_ms } = cursor;
    let told = match newest.saturating_sub(*version) {
        0 => format!("{name:?} has all changes"),
        behind => format!(
            "{name:?} lacks {} ({}), the first of them {} old; compaction keeps them for it",
            text::count(behind, "change"),
            text::bytes(*bytes),
            text::duration(*age_ms)
        ),
    };
    match *bytes > HELD_BYTES_MAX || *age_ms > HELD_MS_MAX {
        true => {
            Finding::warning("cursors", format!("{told}; if nobody goes by that name any more, remove it"))
                .next(format!("redraft cursors {place} --remove {}", text::quoted(name)))
        }
        false => Finding::ok("cursors", told),
    }
}

fn opening(facts: &Facts, opened: &Opened) -> Finding {
    let from = opened.snapshot.unwrap_or(opened.oldest);
    let behind = opened.version.saturating_sub(from);
    let start = match opened.snapshot {
        Some(version) => {
            format!("the snapshot of version {version} and {} after it", text::count(behind, "change"))
        }
        None => format!("{}, for there is no snapshot", text::count(behind, "change")),
    };
    let told = format!("it took {} to open: {start}", text::duration(opened.open_ms));
    if opened.open_ms <= OPEN_MS_MAX && behind <= BEHIND_MAX {
        return Finding::ok("opening", told);
    }
    match can_be_written(facts) {
        true => Finding::warning("opening", told).next(format!("redraft snapshot {}", place(facts))),
        false => Finding::note("opening", format!("{told}; a snapshot by who writes it makes that shorter")),
    }
}

/// Writers whose changes are refused again and again.
fn writers(facts: &Facts, recent: &Recent) -> Vec<Finding> {
    let place = place(facts);
    let often =
        recent.writers.iter().filter(|(_, (made, refused))| *refused >= REFUSED_MIN && refused * 2 > *made);
    often
        .map(|(writer, (made, refused))| {
            let told = format!(
                "of the last {made} changes of writer {writer}, {refused} were refused where they met others"
            );
            Finding::warning("writers", told)
                .next(format!("redraft log {place} --writer {writer} --conflicts -n 5"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::super::finding::Severity;
    use super::*;
    use crate::files::Entry;
    use redraft::Role;
    use std::collections::BTreeMap;

    const NOW_MS: i64 = 1_800_000_000_000;

    /// A store at version 1000 that has written a mebibyte in the last day, and nothing is wrong with it.
    fn well() -> Facts {
        let recent = Recent {
            changes: 1_000,
            bytes: 1 << 20,
            stamps_ms: Some((NOW_MS - DAY_MS as i64, NOW_MS - 5_000)),
            writers: BTreeMap::from([("00c0ffee00c0ffee".to_owned(), (1_000, 0))]),
        };
        let opened = Opened {
            id: "0".repeat(32),
            role: Role::Store,
            schema: 1,
            oldest: 0,
            version: 1_000,
            open_ms: 3,
            snapshot: Some(900),
            passed_over: Vec::new(),
            cursors: Ok(Vec::new()),
            recent: Ok(recent),
        };
        let segment = Entry { name: "00000000000000000000.seg".into(), bytes: 1 << 20, is_directory: false };
        Facts {
            place: "notes.redraft".into(),
            entries: Ok(vec![segment]),
            trials: Vec::new(),
            room: Some((100 << 30, 200 << 30)),
            format: Some(1),
            owner: None,
            lock: Lock::Free(None),
            opened: Ok(opened),
            deep: None,
            now_ms: NOW_MS,
        }
    }

    fn opened(facts: &mut Facts) -> &mut Opened {
        facts.opened.as_mut().unwrap()
    }

    /// What is not well, by topic, and what to do about it.
    #[track_caller]
    fn told(facts: &Facts) -> Vec<(Severity, &'static str, String)> {
        let bad = all(facts).into_iter().filter(|finding| finding.severity > Severity::Ok);
        bad.map(|finding| (finding.severity, finding.topic, finding.next.unwrap_or_default())).collect()
    }

    #[test]
    fn nothing_is_wrong_with_what_is_well() {
        assert_eq!(told(&well()), []);
        assert_eq!(bytes_per_day(&well()).map(f64::round), Some(1_048_576.0));
    }

    #[test]
    fn a_disk_that_is_full_soon_is_a_warning_and_one_that_is_full_a_problem() {
        let mut facts = well();
        facts.room = Some((70 << 20, 200 << 30));
        opened(&mut facts).recent.as_mut().unwrap().bytes = 10 << 20;
        let pack = "redraft pack notes.redraft".to_owned();
        assert_eq!(told(&facts), [(Severity::Warning, "space", pack.clone())]);
        facts.room = Some((1 << 20, 200 << 30));
        assert_eq!(told(&facts), [(Severity::Problem, "space", pack)]);
        facts.lock = Lock::Held(7);
        assert_eq!(told(&facts), [(Severity::Problem, "space", "df -h notes.redraft".to_owned())]);
        // A rate of a moment is none.
        opened(&mut facts).recent.as_mut().unwrap().stamps_ms = Some((NOW_MS - 1_000, NOW_MS));
        assert_eq!((bytes_per_day(&facts), days_left(&facts)), (None, None));
    }

    #[test]
    fn a_cursor_that_holds_much_or_long_is_asked_about() {
        let mut facts = well();
        let cursor = |bytes, age_ms| Cursor { name: "old mailer".into(), version: 3, bytes, age_ms };
        let next = "redraft cursors notes.redraft --remove 'old mailer'".to_owned();
        for held in [cursor(HELD_BYTES_MAX + 1, 0), cursor(0, HELD_MS_MAX + 1)] {
            opened(&mut facts).cursors = Ok(vec![held]);
            assert_eq!(told(&facts), [(Severity::Warning, "cursors", next.clone())]);
        }
        opened(&mut facts).cursors = Ok(vec![cursor(HELD_BYTES_MAX, HELD_MS_MAX)]);
        assert_eq!(told(&facts), []);
    }

    #[test]
    fn what_opens_slowly_wants_a_snapshot_of_who_may_take_one() {
        for (open_ms, snapshot, version) in [(OPEN_MS_MAX + 1, Some(900), 1_000), (3, None, BEHIND_MAX + 1)] {
            let mut facts = well();
            let store = opened(&mut facts);
            (store.open_ms, store.snapshot, store.version) = (open_ms, snapshot, version);
            let next = "redraft snapshot notes.redraft".to_owned();
            assert_eq!(told(&facts), [(Severity::Warning, "opening", next)]);
            facts.lock = Lock::Held(7);
            assert_eq!(told(&facts), [(Severity::Note, "opening", String::new())]);
        }
    }

    #[test]
    fn a_writer_whose_changes_are_refused_is_named() {
        let mut facts = well();
        let writers = [("a".to_owned(), (9, 5)), ("b".to_owned(), (10, 5)), ("c".to_owned(), (4, 4))];
        opened(&mut facts).recent.as_mut().unwrap().writers = BTreeMap::from(writers);
        let next = "redraft log notes.redraft --writer a --conflicts -n 5".to_owned();
        assert_eq!(told(&facts), [(Severity::Warning, "writers", next)]);
    }

    #[test]
    fn a_clock_is_judged_by_the_newest_stamp() {
        let mut facts = well();
        for (ahead, topics) in [(CLOCK_MS_MAX - 1, 0), (CLOCK_MS_MAX, 1), (-5_000_000, 0)] {
            opened(&mut facts).recent.as_mut().unwrap().stamps_ms = Some((0, NOW_MS + ahead));
            assert_eq!(told(&facts).len(), topics, "{ahead}");
        }
    }
}
