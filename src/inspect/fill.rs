//! Fills the table from the log, in a thread of its own, and goes on as changes come.
//!
//! Reads each record once and keeps its head; verifies it on the way, so that damage is found here that nobody has asked about. Always:
//! holds no lock while it reads, and nothing that would keep a store from being closed while it waits.

use super::rows::Kind;
use super::table::Head;
use super::{Desk, Parts};
use crate::error::{Error, Result};
use crate::history::decode;
use crate::http::shared::LOOK;
use crate::log::Records;
use crate::record::Change;
use crate::snapshot;
use crate::store::Filter;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::thread;

/// So many changes go into the table at once.
const CHUNK: usize = 4096;
/// How many labels are kept to be shared, and what of one.
const LABELS: usize = 1 << 16;

/// Begins to read. The thread ends when nobody holds the inspector any more.
pub(super) fn begin(desk: &Desk) {
    let parts = Arc::downgrade(&desk.0);
    let filling = thread::Builder::new().name("redraft-inspect".into()).spawn(move || fill(&parts));
    if let Err(error) = filling {
        desk.note_text("the timeline", &format!("there is no thread to read the history: {error}"));
    }
}

fn fill(parts: &Weak<Parts>) {
    let (mut filling, mut snapshots_looked_at) = (Filling::default(), false);
    while let Some(desk) = parts.upgrade().map(Desk) {
        if desk.is_stopping() {
            return;
        }
        desk.look();
        let is_behind = filling.step(&desk);
        if !is_behind && !snapshots_looked_at {
            snapshots_looked_at = true;
            look_at_snapshots(&desk);
            make_the_index(&desk);
        }
        drop(desk);
        if !is_behind {
            thread::sleep(LOOK);
        }
    }
}

#[derive(Default)]
struct Filling {
    /// Where it goes on, once it has begun.
    records: Option<Records>,
    labels: HashMap<String, Arc<str>>,
}

impl Filling {
    /// Reads some more; whether there is more.
    fn step(&mut self, desk: &Desk) -> bool {
        let (next, head) = (desk.table().next(), desk.source().served().version());
        if next > head {
            return false;
        }
        let mut heads = Vec::new();
        let read = self.read(desk, next, head, &mut heads);
        let mut table = desk.table_mut();
        heads.iter().for_each(|head| table.push(head));
        let next = table.next();
        drop(table);
        match read {
            Ok(()) => next <= head,
            Err(error) => self.pass(desk, &error, next, head),
        }
    }

    fn read(&mut self, desk: &Desk, next: u64, head: u64, heads: &mut Vec<Head>) -> Result<()> {
        let mut records = match self.records.take().filter(|records| records.offset() + 1 == next) {
            Some(records) => records,
            None => desk.source().log().records(next - 1)?,
        };
        while heads.len() < CHUNK && records.offset() < head {
            let Some(record) = records.next_record()? else { break };
            heads.push(self.head(&decode(&record)?));
        }
        self.records = Some(records);
        Ok(())
    }

    fn head(&mut self, change: &Change) -> Head {
        Head {
            time_ms: change.time_ms(),
            writer: change.writer.0,
            label: change.meta.label.as_deref().map(|label| self.label(label)),
            patches: u32::try_from(change.patch.len()).unwrap_or(u32::MAX),
            kind: Kind::of(change),
            undoes: change.undoes,
        }
    }

    /// The same labels come again and again.
    fn label(&mut self, label: &str) -> Arc<str> {
        let label = super::preview::clipped(label);
        if let Some(known) = self.labels.get(&label) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = label.as_str().into();
        if self.labels.len() < LABELS {
            self.labels.insert(label, Arc::clone(&shared));
        }
        shared
    }

    /// Goes on behind what cannot be read: the next segment is verified by itself. Whether there is more.
    fn pass(&mut self, desk: &Desk, error: &Error, next: u64, head: u64) -> bool {
        self.records = None;
        let behind = match error {
            Error::Damaged(_) => {
                desk.note(error);
                let bases = desk.source().log().bases().unwrap_or_default();
                bases.into_iter().find(|&base| base >= next).map_or(head + 1, |base| base + 1)
            }
            Error::Compacted { oldest, .. } => (*oldest + 1).max(next),
            // The machine's trouble: it may pass.
            other => {
                desk.note(other);
                return false;
            }
        };
        let mut table = desk.table_mut();
        table.push_lost(behind.min(head + 1).max(next + 1));
        table.next() <= head
    }
}

/// Asks a question that has no answer, so that the first one that has one need not wait until the index has read everything.
fn make_the_index(desk: &Desk) {
    let (served, nowhere) = (desk.source().served(), Filter::new().labelled("\u{0}"));
    let Ok(oldest) = served.oldest() else { return };
    if desk.source().has_index()
        && let Ok(changes) = served.changes(oldest + 1, served.version())
    {
        drop(changes.matching(nowhere).newest_first().next());
    }
}

/// Verifies the snapshots, which nobody else does unless they are needed.
fn look_at_snapshots(desk: &Desk) {
    let (served, disk) = (desk.source().served(), &*desk.source().env().disk);
    for version in served.snapshots().unwrap_or_default() {
        if let Err(error @ Error::Damaged(_)) =
            snapshot::check(disk, &snapshot::path_of(served.path(), version), version)
        {
            desk.note(&error);
        }
        if desk.is_stopping() {
            return;
        }
    }
}
