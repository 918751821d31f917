//! Replaying: from a state and the changes after it to a later one.
//!
//! Fed by `History`, which knows where to begin. Always: what comes out was verified against the chain; a change that applies
//! to the document and not to the type is told as that, any other that does not apply as damage with its place.

use super::kept::{FEW, Kind, Way};
use super::schema::{not_newer, schema_after};
use super::{History, Tip};
use crate::error::{Damage, Defect, Error, Result};
use crate::log::{self, Chain, Record, Records};
use crate::op::{Action, Op};
use crate::patch::{self, ApplyError, ApplyErrorKind};
use crate::record::wire::DecodeError;
use crate::record::{Change, Ledger, Stamp, WriterId};
use crate::state::{State, StateError, StateErrorKind, watch, watch_orders};
use crate::value::{Path, Value};
use std::any::TypeId;
use std::sync::Arc;

impl<S: State + Default> History<S> {
    /// Applies the changes up to `version`, or up to the end of what is durable if that comes first. Where there are none it costs
    /// nothing.
    pub(super) fn replay(&self, from: Arc<Tip<S>>, records: Records, version: u64) -> Result<Arc<Tip<S>>> {
        self.replay_and_heed(from, records, version, &mut |_, _| ())
    }

    /// The same, and hands each on to `heed` with how many bytes it takes.
    pub(super) fn replay_and_heed(
        &self,
        from: Arc<Tip<S>>,
        mut records: Records,
        version: u64,
        heed: &mut dyn FnMut(Change, usize),
    ) -> Result<Arc<Tip<S>>> {
        let way = self.kept.way_to(version);
        let mut begun: Option<Replay<S>> = None;
        while begun.as_ref().map_or(from.version, |replay| replay.version) < version {
            let Some(frame) = records.next_record()? else { break };
            let change = decode(&frame)?;
            let replay = begun.get_or_insert_with(|| Replay::from(&from));
            let (bytes, schema) = (frame.payload().len(), schema_after(replay.schema, &change, &frame)?);
            not_newer::<S>(change.version, schema)?;
            let is_first = change.version == 1;
            let is_for_documents = schema < S::SCHEMA || from.says_nothing;
            if is_for_documents || is_first && !begins_with(&*from.state, &change) {
                // What is before the first change is nobody's but the type's own.
                return self.by_documents(version);
            }
            replay.schema = schema;
            if let Err(refused) = replay.step(&change, frame.chain(), bytes) {
                return self.around(refused, &frame, version);
            }
            self.keep_on(way, replay);
            heed(change, bytes);
        }
        let reached = begun.map_or(Ok(from), Replay::finish)?;
        self.kept.keep(&reached, Kind::Near);
        Ok(reached)
    }

    /// Goes on by a few changes, looking up each by itself: to begin reading a segment costs more than that. Nothing if they
    /// are too many, or something is wrong with one, which [`replay`](Self::replay) can tell better.
    pub(super) fn step_to(&self, from: &Tip<S>, version: u64) -> Result<Option<Arc<Tip<S>>>> {
        let base = self.view.base_of(version - 1)?;
        // Who begins at the beginning cannot know whose first change it is.
        let may_be_older = from.version == 0 && S::SCHEMA > 1;
        if version - from.version > FEW || from.version < base || may_be_older || from.says_nothing {
            return Ok(None);
        }
        let way = self.kept.way_to(version);
        let (mut replay, mut body) = (Replay::from(from), Vec::new());
        for offset in from.version..version {
            let Some(chain) = self.view.read_in(base, offset, &mut body)? else { return Ok(None) };
            let change = Change::decode(WriterId::of(self.view.id()), offset, &body);
            let fits = |change: &Change| {
                change.schema.is_none() && (change.version > 1 || begins_with(&*from.state, change))
            };
            let mut goes_on = |change: &Change| replay.step(change, chain, body.len()).is_ok();
            if !change.is_ok_and(|change| fits(&change) && goes_on(&change)) {
                return Ok(None);
            }
            self.keep_on(way, &mut replay);
        }
        let reached = replay.finish()?;
        self.kept.keep(&reached, Kind::Near);
        Ok(Some(reached))
    }

    /// Keeps a state that a way leads over, if it is worth it. One that does not fit the type is not kept; a later change may
    /// mend it.
    fn keep_on(&self, way: Way, replay: &mut Replay<S>) {
        if let Some(kind) = way.keeps(replay.version)
            && let Ok(tip) = replay.tip()
        {
            self.kept.keep(&tip, kind);
        }
    }

    /// See [`replay`](Self::replay).
    fn by_documents(&self, version: u64) -> Result<Arc<Tip<S>>> {
        match version {
            u64::MAX => Ok(self.reach_by_documents(version)?.tip),
            _ => self.tip_by_documents(version),
        }
    }

    /// A change that the type cannot carry out may be none of its business: what counts is the document that it led to. If that
    /// does not fit either, it is no damage: the program has another type than the one that wrote it.
    fn around(&self, refused: ApplyError, frame: &Record<'_>, version: u64) -> Result<Arc<Tip<S>>> {
        if TypeId::of::<S>() == TypeId::of::<Value>() {
            return Err(inapplicable(frame, refused));
        }
        let (first, path) = (frame.offset() + 1, &refused.path);
        self.by_documents(version).map_err(|error| match (error, &refused.kind) {
            (Error::Misfit { .. }, ApplyErrorKind::Unfit(why)) => misfit(first, path, why),
            (Error::Misfit { .. }, kind) => {
                Error::Misfit { version: first, path: path.clone(), reason: kind.to_string() }
            }
            (error, _) => error,
        })
    }
}

/// Whether the state that the first change makes of what the type begins with is the one that the log says: it begins as the
/// empty map too, or is overwritten.
fn begins_with<S: State>(begin: &S, first: &Change) -> bool {
    let overwrites = |op: &Op| op.path.is_root() && matches!(op.action, Action::Add(_) | Action::Replace(_));
    first.patch.iter().next().is_some_and(overwrites) || begin.to_value() == Value::default()
}

pub(super) fn misfit(version: u64, at: &Path, error: &StateError) -> Error {
    Error::Misfit { version, path: at.join(&error.path), reason: error.kind.to_string() }
}

/// A state on its way through the log.
struct Replay<S> {
    version: u64,
    chain: Chain,
    stamp: Stamp,
    ledger: Ledger,
    state: S,
    filled: bool,
    recorded_bytes: u64,
    schema: u32,
    /// The newest state known to fit together in all its parts.
    sound: Arc<S>,
    /// Whether a keyed list lost or got a key since: then it is to be looked at.
    orders_touched: bool,
}

impl<S: State> Replay<S> {
    fn from(tip: &Tip<S>) -> Self {
        let Tip { version, chain, stamp, filled, recorded_bytes, schema, .. } = *tip;
        let (state, sound) = (S::clone(&tip.state), Arc::clone(&tip.state));
        let ledger = Ledger::clone(&tip.ledger);
        let orders_touched = false;
        Replay { version, chain, stamp, ledger, state, filled, recorded_bytes, schema, sound, orders_touched }
    }

    fn step(&mut self, change: &Change, chain: Chain, bytes: usize) -> std::result::Result<(), ApplyError> {
        let ((applied, orders_touched), filled) =
            watch(|| watch_orders(|| patch::carry_out(&mut self.state, &change.patch)));
        applied?;
        self.recorded_bytes += bytes as u64;
        self.orders_touched |= orders_touched;
        self.filled |= filled;
        self.ledger.enter(change);
        (self.version, self.chain, self.stamp) = (change.version, chain, change.stamp);
        Ok(())
    }

    /// A program that did not know the type may have logged changes after which the parts of a keyed list disagree. O(what
    /// changed since the last time).
    fn check_orders(&mut self) -> Result<()> {
        if self.orders_touched
            && let Some(place) = patch::disagreement(&*self.sound, &self.state)
        {
            return Err(misfit(self.version, &place, &StateError::new(StateErrorKind::Order)));
        }
        self.orders_touched = false;
        Ok(())
    }

    /// What the replay has come to so far. Costs a clone of the state.
    fn tip(&mut self) -> Result<Arc<Tip<S>>> {
        self.check_orders()?;
        self.sound = Arc::new(self.state.clone());
        let (state, ledger) = (Arc::clone(&self.sound), Arc::new(self.ledger.clone()));
        let Replay { version, chain, stamp, filled, recorded_bytes, schema, .. } = *self;
        Ok(Arc::new(Tip {
            version,
            chain,
            stamp,
            ledger,
            state,
            filled,
            says_nothing: false,
            recorded_bytes,
            schema,
        }))
    }

    /// What the replay has come to in the end.
    fn finish(mut self) -> Result<Arc<Tip<S>>> {
        self.check_orders()?;
        let Replay { version, chain, stamp, ledger, state, filled, recorded_bytes, schema, .. } = self;
        let (ledger, state) = (Arc::new(ledger), Arc::new(state));
        Ok(Arc::new(Tip {
            version,
            chain,
            stamp,
            ledger,
            state,
            filled,
            says_nothing: false,
            recorded_bytes,
            schema,
        }))
    }
}

/// Applies the change in a record. What was logged fits the document it was logged for; if not, it is damage.
pub(crate) fn carry_out(document: &mut Value, schema: &mut u32, frame: &Record<'_>) -> Result<()> {
    let change = decode(frame)?;
    *schema = schema_after(*schema, &change, frame)?;
    patch::carry_out(document, &change.patch).map_err(|refused| inapplicable(frame, refused))
}

fn inapplicable(frame: &Record<'_>, refused: ApplyError) -> Error {
    in_frame(frame, Defect::Inapplicable { error: Box::new(refused) })
}

/// A single change, from where its place is known: what is wrong with it is told with the place.
pub(crate) fn change_at(view: &log::Reader, offset: u64) -> Result<Change> {
    let mut records = view.records(offset)?;
    match records.next_record()? {
        Some(record) => decode(&record),
        None => Err(Error::BeyondHead { version: offset, head: records.offset() }),
    }
}

/// Decodes the change in a record.
pub(crate) fn decode(frame: &Record<'_>) -> Result<Change> {
    let home = WriterId::of(frame.store());
    Change::decode(home, frame.offset(), frame.payload()).map_err(|flaw| undecodable(frame, &flaw))
}

/// The same, if the change is `wanted`, which is asked before there is a patch.
pub(crate) fn decode_if(frame: &Record<'_>, wanted: impl FnOnce(&Change) -> bool) -> Result<Option<Change>> {
    let home = WriterId::of(frame.store());
    let change = Change::decode_if(home, frame.offset(), frame.payload(), wanted);
    change.map_err(|flaw| undecodable(frame, &flaw))
}

fn undecodable(frame: &Record<'_>, flaw: &DecodeError) -> Error {
    in_frame(frame, Defect::Undecodable { part: "a record", reason: flaw.to_string() })
}

pub(super) fn in_frame(frame: &Record<'_>, defect: Defect) -> Error {
    let (path, byte) = frame.place();
    Damage { path: path.to_owned(), byte, defect, intact: Some(frame.offset()) }.into()
}
