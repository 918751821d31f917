//! Makes a history anew in which a place never held anything, or a writer never wrote anything that can be read.
//!
//! Replays the old history and, beside it, the same without what goes; what each change did to the latter is
//! what is written. Leaves exchanging the files to its caller. Always: a change that has to do with nothing that goes is written as it
//! was, but for its chain and what was submitted; of places, one that does is written as the difference it made to the rest.

use super::writer::Masks;
use super::{LABEL, Redacted, Redaction, Subject};
use crate::cursors::Cursors;
use crate::draft::diff;
use crate::error::Result;
use crate::history::decode;
use crate::layout::next_edition;
use crate::log::{Birth, Chain, Codec, Log, directory, options};
use crate::op::{Action, Op};
use crate::patch::{self, touches};
use crate::record::{Change, Meta, WriterId};
use crate::snapshot::{Header, Snapshot};
use crate::store::Reader;
use crate::value::{Pointer, Value};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// How much is written before it is synced, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// What goes.
pub(super) enum Going {
    /// What was ever at these places.
    Places(Named),
    /// What a writer wrote.
    Writer(Masks),
}

/// What each place was called, from one version to another, newest first.
pub(super) struct Named(Vec<Vec<(RangeInclusive<u64>, Pointer)>>);

impl Named {
    /// Follows each place from the newest version backward.
    pub(super) fn follow(reader: &Reader<Value>, places: &[Pointer]) -> Result<Named> {
        let names = |place| reader.life(place)?.names();
        places.iter().map(names).collect::<Result<_>>().map(Named)
    }

    /// What they are called at a version.
    fn at(&self, version: u64) -> impl Iterator<Item = &Pointer> {
        self.0.iter().filter_map(move |names| {
            let (_, place) = names.get(names.partition_point(|(versions, _)| *versions.start() > version))?;
            Some(place)
        })
    }

    /// Whether the change may have done something to one of them. What gave a place another name touched it by the new one.
    fn touched_by(&self, change: &Change) -> bool {
        self.at(change.version).any(|place| touches(&change.patch, place))
    }

    /// How many changes did.
    pub(super) fn changes(&self, reader: &Reader<Value>) -> Result<u64> {
        let mut count = 0;
        for change in reader.changes(..)? {
            count += u64::from(self.touched_by(&change?));
        }
        Ok(count)
    }

    /// In how many versions something is there.
    pub(super) fn versions(&self, reader: &Reader<Value>) -> Result<u64> {
        let mut state = reader.at(reader.oldest()?).map(|state| Value::clone(&state))?;
        let is_there = |state: &Value, version| self.at(version).any(|place| place.find(state).is_some());
        let mut count = u64::from(is_there(&state, reader.oldest()?));
        for change in reader.changes(..)? {
            let change = change?;
            patch::carry_out(&mut state, &change.patch)?;
            count += u64::from(is_there(&state, change.version));
        }
        Ok(count)
    }
}

/// A history on its way from the old files to the new ones.
pub(super) struct Rewriting<'a> {
    redaction: &'a Redaction,
    reader: &'a Reader<Value>,
    going: Going,
    /// As it was.
    old: Value,
    /// Without what goes.
    new: Value,
    snapshots: Vec<u64>,
    /// Those whose chains are wanted, by version.
    chains: BTreeMap<u64, Chain>,
    done: Redacted,
}

impl<'a> Rewriting<'a> {
    pub(super) fn new(redaction: &'a Redaction, reader: &'a Reader<Value>, going: Going) -> Self {
        let (old, new) = (Value::default(), Value::default());
        let done = Redacted { version: 0, changes: 0, written_bytes: 0 };
        let (snapshots, chains) = (Vec::new(), BTreeMap::new());
        Rewriting { redaction, reader, going, old, new, snapshots, chains, done }
    }

    /// Writes all that the new history needs into an empty directory, durably.
    pub(super) fn into_stage(mut self, stage: &Path) -> Result<Redacted> {
        let (disk, dir) = (&*self.redaction.env.disk, &*self.redaction.dir);
        let (view, begin) = (&self.reader.history.view, self.reader.oldest()?);
        let header = view.header()?;
        let mut cursors = Cursors::read(disk, dir, header.store)?;
        self.chains = cursors.by_name.values().map(|cursor| (cursor.version, cursor.chain)).collect();
        self.snapshots = self.reader.snapshots()?;
        let tip = self.reader.history.tip_at(begin)?;
        self.old = Value::clone(&tip.state);
        self.new = match &self.going {
            Going::Places(named) => without(named, &self.redaction.stand_in, &self.old, begin)?,
            Going::Writer(_) => self.old.clone(),
        };
        let ledger = (*tip.ledger).clone();
        let chain = view.chain_at(begin)?;
        let epoch = next_edition(header.epoch);
        let (store, stamp, schema) = (header.store, tip.stamp, tip.schema);
        let of = Header { store, epoch, version: begin, chain, stamp, schema, parent: None, more: false };
        let mut point = Snapshot { header: of, ledger, state: self.new.clone() };
        if begin > 0 {
            point.write(disk, stage)?;
        }
        let birth =
            Birth { codec: Codec::Change, store: header.store, replica: false, epoch, base: begin, chain };
        let log = Log::create(&self.options(), stage, birth, directory::lock(disk, stage)?)?;
        self.write_all(&log, &mut point, stage)?;
        log.finish()?;
        for cursor in cursors.by_name.values_mut() {
            cursor.chain = self.chains.get(&cursor.version).copied().unwrap_or(cursor.chain);
        }
        if !cursors.by_name.is_empty() {
            cursors.write(disk, stage)?;
        }
        Ok(self.done)
    }

    fn options(&self) -> options::Options {
        let Redaction { env, segment_bytes, .. } = self.redaction;
        options::Options::new().env(env.clone()).segment_bytes(*segment_bytes)
    }

    /// All changes, and one that says what happened; `point` goes along.
    fn write_all(&mut self, log: &Log, point: &mut Snapshot, stage: &Path) -> Result<()> {
        let mut records = self.reader.history.view.records(point.header.version)?;
        let mut unsynced = 0;
        while let Some(frame) = records.next_record()? {
            let change = self.step(decode(&frame)?, point.header.version)?;
            unsynced += self.write(log, point, &change)?;
            let is_due = self.snapshots.binary_search(&change.version).is_ok();
            if unsynced > BATCH_BYTES || is_due {
                log.make_durable(change.version)?;
                unsynced = 0;
            }
            if is_due {
                point.write(&*self.redaction.env.disk, stage)?;
            }
        }
        let last = self.telling(log, point);
        self.write(log, point, &last)?;
        log.make_durable(last.version)?;
        self.done.version = last.version;
        point.write(&*self.redaction.env.disk, stage).map(drop)
    }

    /// The change as it is to be written.
    fn step(&mut self, mut change: Change, before: u64) -> Result<Change> {
        debug_assert_eq!(change.offset(), before, "the history has no gaps");
        let is_other = match &mut self.going {
            Going::Places(named) if named.touched_by(&change) => {
                patch::carry_out(&mut self.old, &change.patch)?;
                let new = without(named, &self.redaction.stand_in, &self.old, change.version)?;
                change.patch = diff(&self.new, &new)?.0;
                self.new = new;
                true
            }
            Going::Places(_) => {
                patch::carry_out(&mut self.old, &change.patch)?;
                patch::carry_out(&mut self.new, &change.patch)?;
                false
            }
            Going::Writer(masks) => masks.rewrite(&mut change, &mut self.old, &mut self.new)?,
        };
        self.done.changes += u64::from(is_other);
        // What was submitted may hold what took no effect and is to go all the same.
        change.merged = change.merged.map(|merged| Box::new(merged.without_original()));
        Ok(change)
    }

    /// The bytes that the record takes.
    fn write(&mut self, log: &Log, point: &mut Snapshot, change: &Change) -> Result<usize> {
        let mut body = Vec::new();
        change.encode(WriterId::of(point.header.store), &mut body);
        let bytes = body.len();
        let (version, chain) = log.enqueue(&[body])?;
        let (stamp, schema) = (change.stamp, change.schema.unwrap_or(point.header.schema));
        point.header = Header { version, chain, stamp, schema, ..point.header };
        point.ledger.enter(change);
        point.state = self.new.clone();
        self.done.written_bytes += bytes as u64;
        self.chains.entry(version).and_modify(|known| *known = chain);
        Ok(bytes)
    }

    /// The change that says that it happened, and where.
    fn telling(&self, log: &Log, point: &Snapshot) -> Change {
        let Header { version, stamp, .. } = point.header;
        let writer = point.ledger.home.unwrap_or(WriterId::of(log.id()));
        let (tag, text) = match &self.redaction.subject {
            Subject::Places(places) => {
                ("places", places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            Subject::Writer(writer) => ("writer", writer.to_string()),
        };
        let (sequence, stamp) =
            (point.ledger.sequence_of(writer) + 1, stamp.next(self.redaction.env.clock.now_ms()));
        let meta = Meta::label(LABEL).tag(tag, text);
        Change { meta, ..Change::of(writer, sequence, version + 1, stamp) }
    }
}

/// A state with the stand-in where something is at the places.
fn without(named: &Named, stand_in: &Value, state: &Value, version: u64) -> Result<Value> {
    let mut state = state.clone();
    for place in named.at(version) {
        if let Ok(path) = place.resolve(&state)
            && state.at_path(&path).is_some()
        {
            let instead = Op::new(path, Action::Replace(stand_in.clone()));
            patch::carry_out(&mut state, &[instead].into_iter().collect())?;
        }
    }
    Ok(state)
}
