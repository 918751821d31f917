//! What the facts mean: findings, each with what to do next. Looks at nothing itself.
//!
//! Whether it can be used is judged here, how it does in `condition`. Always: the same facts give the same findings; whatever keeps the
//! store from being used is a problem, and said first.

use super::condition;
use super::facts::{Facts, Opened};
use super::finding::{Finding, Severity};
use crate::{next, text};
use redraft::{Damage, Error, ErrorKind, Occupant, Report, Role};

/// The newest format that this redraft reads.
pub(super) const FORMAT: u16 = 1;
/// What opens a store for writing, and so finishes whatever was interrupted, and changes nothing.
pub(super) const TOUCH: &str = "echo '[]' | redraft apply ";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![what_it_is(facts)];
    if facts.occupant().is_some() {
        return findings;
    }
    findings.extend(format(facts));
    findings.extend(soundness(facts));
    findings.extend(condition::all(facts));
    // What is bad first; what is equally bad in the order it was found.
    findings[1..].sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// The store's place as a shell takes it.
pub(super) fn place(facts: &Facts) -> String {
    text::quoted(&facts.place.display().to_string())
}

fn what_it_is(facts: &Facts) -> Finding {
    match &facts.opened {
        Ok(opened) => Finding::ok("store", it_is(opened)),
        Err(Error::NotAStore { found, .. }) => nothing(facts, *found),
        Err(error) => {
            Finding::problem("store", format!("it cannot be opened: {}", told(error))).with_next(facts, error)
        }
    }
}

fn it_is(opened: &Opened) -> String {
    let begins = match opened.oldest {
        0 => String::new(),
        oldest => format!(", kept from {oldest} on"),
    };
    format!("a {} at version {}{begins}, id {}", opened.role, opened.version, opened.id)
}

fn nothing(facts: &Facts, found: Occupant) -> Finding {
    let finding = Finding::problem("store", format!("it is not a store: {found}"));
    if let (Occupant::Missing, Some(meant)) = (found, next::meant(&facts.place)) {
        return finding.next(format!("redraft doctor {meant}"));
    }
    match found {
        Occupant::Missing | Occupant::Empty => finding.next(format!("redraft init {}", place(facts))),
        Occupant::Remains => finding.next(next::HISTORY_BACK),
        _ => finding.next(format!("ls -la {}", place(facts))),
    }
}

/// All that an error says, and why.
pub(super) fn told(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl Finding {
    /// What to do about an error that keeps the store closed.
    fn with_next(self, facts: &Facts, error: &Error) -> Finding {
        let place = place(facts);
        match error {
            Error::Unfinished { .. } if facts.lock.holder().is_none() => self.next(format!("{TOUCH}{place}")),
            Error::Unfinished { .. } => self.next(format!("redraft doctor {place}")),
            Error::Newer { .. } => self.next("cargo install redraft-cli"),
            Error::Role { .. } => self,
            _ => match error.kind() {
                ErrorKind::Damage => self.damage().next(format!("redraft repair {place}")),
                ErrorKind::Environment if is_denied(error) => self.next(as_its_owner(facts)),
                _ => self.next(format!("ls -la {place}")),
            },
        }
    }
}

fn is_denied(error: &Error) -> bool {
    error.io().is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied)
}

fn as_its_owner(facts: &Facts) -> String {
    match facts.owner {
        Some(owner) => format!("sudo -u '#{owner}' redraft doctor {}", place(facts)),
        None => format!("ls -ld {}", place(facts)),
    }
}

fn format(facts: &Facts) -> Vec<Finding> {
    let ours = format!("redraft {} reads up to {FORMAT}", env!("CARGO_PKG_VERSION"));
    let format = match facts.format {
        Some(found) if found > FORMAT => {
            Finding::problem("format", format!("format {found}, which is newer: {ours}"))
                .next("cargo install redraft-cli")
        }
        Some(found) => Finding::ok("format", format!("format {found}; {ours}")),
        None => {
            Finding::note("format", format!("its newest segment does not say of which format it is; {ours}"))
        }
    };
    let schema = facts.opened.as_ref().ok().map(|opened| opened.schema).filter(|&schema| schema != 1);
    let schema = schema.map(|schema| {
        Finding::note(
            "schema",
            format!("schema {schema}: programs whose type is of an older one cannot open it"),
        )
    });
    [Some(format), schema].into_iter().flatten().collect()
}

fn soundness(facts: &Facts) -> Vec<Finding> {
    let place = place(facts);
    match (&facts.deep, &facts.opened) {
        (Some(Ok(report)), _) => thorough(facts, report),
        (Some(Err(error)), Err(_)) => {
            vec![Finding::note("damage", format!("it cannot be looked through: {}", told(error)))]
        }
        (Some(Err(error)), Ok(_)) => {
            vec![Finding::problem("damage", format!("it cannot be looked through: {}", told(error)))]
        }
        (None, Ok(opened)) => quick(facts, opened),
        (None, Err(error)) if error.kind() == ErrorKind::Damage => {
            let told = "that is the first damage that was met; all of it is told by looking at everything";
            vec![Finding::note("damage", told).next(format!("redraft doctor --deep {place}"))]
        }
        (None, Err(_)) => Vec::new(),
    }
}

fn quick(facts: &Facts, opened: &Opened) -> Vec<Finding> {
    let place = place(facts);
    let looked = "looked at: the headers and endings of all segments, every record since the newest snapshot, that snapshot, the cursors; \
                  not at: older records and snapshots";
    let mut findings = vec![Finding::ok("damage", looked).next(format!("redraft doctor --deep {place}"))];
    findings.extend(opened.passed_over.iter().map(|damage| damaged_snapshot(facts, damage)));
    if let Err(error) = &opened.recent {
        findings
            .push(Finding::problem("damage", told(error)).damage().next(format!("redraft repair {place}")));
    }
    findings
}

/// What it stands for can be made again from the changes.
fn damaged_snapshot(facts: &Facts, damage: &Damage) -> Finding {
    Finding::problem("damage", format!("a snapshot cannot be used, and opening goes further back: {damage}"))
        .damage()
        .next(format!("redraft repair {}", place(facts)))
}

fn thorough(facts: &Facts, report: &Report) -> Vec<Finding> {
    let place = place(facts);
    let mut findings: Vec<Finding> = report
        .damage
        .iter()
        .map(|damage| {
            Finding::problem("damage", damage.to_string()).damage().next(format!("redraft repair {place}"))
        })
        .collect();
    if findings.is_empty() {
        let (records, snapshots) =
            (text::count(report.records, "record"), text::count(report.snapshots as u64, "snapshot"));
        findings
            .push(Finding::ok("damage", format!("all was looked at: {records} and {snapshots} are good")));
    }
    if let Some(cut) = &report.cut {
        let told = format!(
            "an unfinished write of {} at the end of {}, which no sync had made durable: the next writer cuts it",
            text::bytes(cut.bytes),
            cut.path.display()
        );
        findings.push(Finding::note("damage", told));
    }
    findings
}

/// Whether commands that write work here at all.
pub(super) fn can_be_written(facts: &Facts) -> bool {
    let is_store = facts.opened.as_ref().is_ok_and(|opened| opened.role == Role::Store);
    is_store && facts.lock.holder().is_none()
}

pub(super) fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
}
