//! What a store's log and snapshots say about any version: the reading half, shared by writers and readers.
//!
//! Starts from the nearest state at hand (kept in memory, in a snapshot, or the empty beginning) and replays the changes
//! after it. Keeps a few states it came by (`kept`): those made of our collections share structure, so that keeping them is
//! cheap; those made of the standard library's are copies.
//!
//! Always: what comes out was verified against the chain; a damaged snapshot is passed over for an older one and
//! reported, damage in the log is an error that names the place.

mod base;
mod kept;
mod time;

pub(crate) use base::{base_missing, begin, begin_at, files_of, open_view, proven_by_snapshot};

use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Result};
use crate::io::Env;
use crate::log::{self, Chain, Record, Records};
use crate::patch::{self, ApplyError, ApplyErrorKind};
use crate::record::wire::DecodeError;
use crate::record::{Change, Stamp, WriterId};
use crate::snapshot::{self, Snapshot, Writers};
use crate::state::{State, StateError, StateErrorKind, watch, watch_orders};
use crate::value::{Path, Value};
use kept::{FAR, FEW, Kept, Kind, Way};
use std::any::TypeId;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A state and what must be known to go on from it.
#[derive(Debug)]
pub(crate) struct Tip<S> {
    pub(crate) version: u64,
    /// The chain before the next record.
    pub(crate) chain: Chain,
    pub(crate) stamp: Stamp,
    pub(crate) writers: Arc<Writers>,
    pub(crate) state: Arc<S>,
    /// Whether the type filled in what the document at this version does not hold.
    pub(crate) filled: bool,
    /// How many bytes the changes took that led here from where the replay began.
    pub(crate) recorded_bytes: u64,
}

/// Reads the past of one store.
#[derive(Debug)]
pub(crate) struct History<S> {
    pub(crate) env: Env,
    pub(crate) dir: PathBuf,
    pub(crate) view: log::Reader,
    /// The size of a new segment, should one be made from here.
    pub(crate) segment_bytes: u64,
    kept: Kept<S>,
    /// The snapshots that could not be used so far.
    unusable: Mutex<Vec<Damage>>,
}

/// A state to start from, and what was found unusable on the way to it.
pub(crate) struct Start<S> {
    pub(crate) tip: Tip<S>,
    pub(crate) records: Records,
    pub(crate) from_snapshot: Option<u64>,
    pub(crate) passed_over: Vec<Error>,
}

impl<S: State + Default> History<S> {
    pub(crate) fn new(env: &Env, dir: PathBuf, view: log::Reader, segment_bytes: u64) -> Self {
        let (kept, unusable) = (Kept::new(), Mutex::default());
        History { env: env.clone(), dir, view, segment_bytes, kept, unusable }
    }

    /// The oldest version that can be rebuilt.
    pub(crate) fn oldest(&self) -> Result<u64> {
        self.view.oldest()
    }

    /// The state at `version`, which must not be beyond the head. O(changes since the nearest state at hand).
    pub(crate) fn at(&self, version: u64) -> Result<Arc<S>> {
        Ok(Arc::clone(&self.tip_at(version)?.state))
    }

    pub(crate) fn tip_at(&self, version: u64) -> Result<Arc<Tip<S>>> {
        match self.kept.nearest(version) {
            Some(kept) if kept.version == version => Ok(kept),
            near => self.undisturbed(|| self.tip_from(near.as_ref(), version)),
        }
    }

    fn tip_from(&self, near: Option<&Arc<Tip<S>>>, version: u64) -> Result<Arc<Tip<S>>> {
        match near {
            Some(kept) if self.is_near(kept, version)? => match self.step_to(kept, version)? {
                Some(reached) => Ok(reached),
                None => {
                    let records = self.view.records(kept.version)?;
                    self.replay(Arc::clone(kept), records, version)
                }
            },
            _ => {
                let Start { tip, records, .. } = self.start(version)?;
                let tip = Arc::new(tip);
                // Who steps through the changes after a snapshot reads it once.
                self.kept.keep(&tip, Kind::Far);
                self.replay(tip, records, version)
            }
        }
    }

    /// The newest state that is durable.
    pub(crate) fn newest(&self) -> Result<Arc<Tip<S>>> {
        self.undisturbed(|| {
            let Start { tip, records, .. } = self.start(u64::MAX)?;
            self.replay(Arc::new(tip), records, u64::MAX)
        })
    }

    /// The newest state that is durable, which follows `known`. Costs the changes since, unless they are given up already.
    pub(crate) fn after(&self, known: &Arc<Tip<S>>) -> Result<Arc<Tip<S>>> {
        let records = self.view.records(known.version);
        match records.and_then(|records| self.replay(Arc::clone(known), records, u64::MAX)) {
            Err(Error::Compacted { .. }) => self.newest(),
            answer => answer,
        }
    }

    /// Tries again what somebody disturbed who gave up segments or snapshots meanwhile: until something is not found although
    /// nothing went. Costs nothing where all is found.
    fn undisturbed<T>(&self, attempt: impl Fn() -> Result<T>) -> Result<T> {
        let mut before = None;
        loop {
            let error = match attempt() {
                Err(error) if error.kind() == ErrorKind::NotFound => error,
                answer => return answer,
            };
            let now = Some(self.beginnings()?);
            if before == now {
                return Err(error);
            }
            before = now;
        }
    }

    /// All that a replay can begin with.
    fn beginnings(&self) -> Result<(u64, Vec<u64>)> {
        Ok((self.oldest()?, self.snapshots()?))
    }

    /// Whether no snapshot is closer. Where few changes lie between it is not worth looking: a snapshot is a whole state.
    fn is_near(&self, kept: &Tip<S>, version: u64) -> Result<bool> {
        if version - kept.version <= FAR {
            return Ok(true);
        }
        let between = self.snapshots()?.into_iter().any(|taken| taken > kept.version && taken <= version);
        Ok(!between)
    }

    /// The versions that have a snapshot, ascending.
    pub(crate) fn snapshots(&self) -> Result<Vec<u64>> {
        let names = self.env.disk.list(&self.dir).during("list store", &self.dir)?;
        Ok(snapshot::versions_in(&names))
    }

    /// What is kept at hand of versions before `oldest` goes.
    pub(crate) fn forget_before(&self, oldest: u64) {
        self.kept.forget_before(oldest);
    }

    /// What the log says at a version, which is what a snapshot of it must hold.
    pub(crate) fn logged(&self, tip: &Tip<S>) -> Result<Value> {
        if tip.filled { self.document(tip.version) } else { Ok(tip.state.to_value()) }
    }

    /// The newest usable state on disk at or before `version`.
    pub(crate) fn start(&self, version: u64) -> Result<Start<S>> {
        let oldest = self.oldest()?;
        if version < oldest {
            return Err(Error::Compacted { version, oldest });
        }
        let mut passed_over = Vec::new();
        let candidates = self.snapshots()?;
        for taken in candidates.into_iter().rev().filter(|taken| (oldest..=version).contains(taken)) {
            match self.start_from_snapshot(taken) {
                Ok((tip, records)) => {
                    return Ok(Start { tip, records, from_snapshot: Some(taken), passed_over });
                }
                Err(error @ Error::Damaged(_)) => {
                    tracing::warn!(%error, "passing over a damaged snapshot");
                    error.damage().into_iter().for_each(|damage| self.cannot_use(damage));
                    passed_over.push(error);
                }
                // What a backup is yet to begin with.
                Err(Error::BeyondHead { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        match self.start_from_beginning(oldest, passed_over) {
            // It begins with another snapshot now.
            Err(_) if self.oldest()? > oldest => Err(Error::Compacted { version, oldest: self.oldest()? }),
            answer => answer,
        }
    }

    fn cannot_use(&self, snapshot: &Damage) {
        let mut unusable = self.unusable.lock().unwrap_or_else(PoisonError::into_inner);
        if !unusable.contains(snapshot) {
            unusable.push(snapshot.clone());
        }
    }

    /// The snapshots that could not be used so far, and why.
    pub(crate) fn passed_over(&self) -> Vec<Damage> {
        self.unusable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn start_from_beginning(&self, oldest: u64, passed_over: Vec<Error>) -> Result<Start<S>> {
        if oldest > 0 {
            return Err(base_missing(&self.dir, oldest));
        }
        let records = self.view.records(0)?;
        let tip = Tip {
            version: 0,
            chain: records.chain(),
            stamp: Stamp::default(),
            writers: Arc::default(),
            state: Arc::new(S::default()),
            filled: false,
            recorded_bytes: 0,
        };
        Ok(Start { tip, records, from_snapshot: None, passed_over })
    }

    fn start_from_snapshot(&self, version: u64) -> Result<(Tip<S>, Records)> {
        let path = snapshot::path_of(&self.dir, version);
        let Snapshot { header, writers, state } = Snapshot::read(&*self.env.disk, &path, version)?;
        let records = self.view.records(version)?;
        if let Some(defect) = self.flaw_of(&header, records.chain()) {
            return Err(Damage { path, byte: 0, defect, intact: None }.into());
        }
        let (state, filled) = watch(|| S::from_value(state));
        let state = Arc::new(state.map_err(|error| misfit(version, &Path::root(), &error))?);
        let writers = Arc::new(writers);
        let (chain, stamp) = (header.chain, header.stamp);
        Ok((Tip { version, chain, stamp, writers, state, filled, recorded_bytes: 0 }, records))
    }

    /// Why a snapshot is not one of this log, whose chain at that version is `expected`.
    pub(crate) fn flaw_of(&self, header: &snapshot::Header, expected: Chain) -> Option<Defect> {
        if header.store != self.view.id() {
            return Some(Defect::Foreign);
        }
        (header.chain != expected).then_some(Defect::Chain { expected, found: header.chain })
    }

    /// Applies the changes up to `version`, or up to the end of what is durable if that comes first. Where there are none it
    /// costs nothing.
    pub(crate) fn replay(
        &self,
        from: Arc<Tip<S>>,
        mut records: Records,
        version: u64,
    ) -> Result<Arc<Tip<S>>> {
        let way = self.kept.way_to(version);
        let mut begun: Option<Replay<S>> = None;
        while begun.as_ref().map_or(from.version, |replay| replay.version) < version {
            let Some(frame) = records.next_record()? else { break };
            let change = decode(&frame)?;
            let replay = begun.get_or_insert_with(|| Replay::from(&from));
            let bytes = frame.payload().len();
            replay.step(&change, frame.chain(), bytes).map_err(|refused| self.explain(refused, &frame))?;
            self.keep_on(way, replay);
        }
        let reached = begun.map_or(Ok(from), Replay::finish)?;
        self.kept.keep(&reached, Kind::Near);
        Ok(reached)
    }

    /// Goes on by a few changes, looking up each by itself: to begin reading a segment costs more than that. Nothing if they
    /// are too many, or something is wrong with one, which [`replay`](Self::replay) can tell better.
    fn step_to(&self, from: &Tip<S>, version: u64) -> Result<Option<Arc<Tip<S>>>> {
        let base = self.view.base_of(version - 1)?;
        if version - from.version > FEW || from.version < base {
            return Ok(None);
        }
        let way = self.kept.way_to(version);
        let (mut replay, mut body) = (Replay::from(from), Vec::new());
        for offset in from.version..version {
            let Some(chain) = self.view.read_in(base, offset, &mut body)? else { return Ok(None) };
            let change = Change::decode(WriterId::of(self.view.id()), offset, &body);
            if !change.is_ok_and(|change| replay.step(&change, chain, body.len()).is_ok()) {
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

    /// A change that applies to the document, but not to the type, is no damage: the program has another type than the
    /// one that wrote it.
    fn explain(&self, refused: ApplyError, frame: &Record<'_>) -> Error {
        let version = frame.offset() + 1;
        if TypeId::of::<S>() == TypeId::of::<Value>() {
            return inapplicable(frame, refused);
        }
        match (self.document(version), refused.kind) {
            (Err(error), _) => error,
            (Ok(_), ApplyErrorKind::Unfit(error)) => misfit(version, &refused.path, &error),
            (Ok(_), kind) => Error::Misfit { version, path: refused.path, reason: kind.to_string() },
        }
    }

    /// What the log says of a version, whatever type reads it. O(changes since the nearest snapshot).
    pub(crate) fn document(&self, version: u64) -> Result<Value> {
        self.documents().at(version).map(Arc::unwrap_or_clone)
    }

    /// The same history, read as documents.
    pub(crate) fn documents(&self) -> History<Value> {
        History::new(&self.env, self.dir.clone(), self.view.clone(), self.segment_bytes)
    }
}

fn misfit(version: u64, at: &Path, error: &StateError) -> Error {
    Error::Misfit { version, path: at.join(&error.path), reason: error.kind.to_string() }
}

/// A state on its way through the log.
struct Replay<S> {
    version: u64,
    chain: Chain,
    stamp: Stamp,
    writers: Writers,
    state: S,
    filled: bool,
    recorded_bytes: u64,
    /// The newest state known to fit together in all its parts.
    sound: Arc<S>,
    /// Whether a keyed list lost or got a key since: then it is to be looked at.
    orders_touched: bool,
}

impl<S: State> Replay<S> {
    fn from(tip: &Tip<S>) -> Self {
        let Tip { version, chain, stamp, filled, recorded_bytes, .. } = *tip;
        let (state, sound) = (S::clone(&tip.state), Arc::clone(&tip.state));
        let writers = Writers::clone(&tip.writers);
        let orders_touched = false;
        Replay { version, chain, stamp, writers, state, filled, recorded_bytes, sound, orders_touched }
    }

    fn step(&mut self, change: &Change, chain: Chain, bytes: usize) -> std::result::Result<(), ApplyError> {
        let ((applied, orders_touched), filled) =
            watch(|| watch_orders(|| patch::carry_out(&mut self.state, &change.patch)));
        applied?;
        self.recorded_bytes += bytes as u64;
        self.orders_touched |= orders_touched;
        self.filled |= filled;
        self.writers.insert(change.writer, change.sequence);
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
        let (state, writers) = (Arc::clone(&self.sound), Arc::new(self.writers.clone()));
        let Replay { version, chain, stamp, filled, recorded_bytes, .. } = *self;
        Ok(Arc::new(Tip { version, chain, stamp, writers, state, filled, recorded_bytes }))
    }

    /// What the replay has come to in the end.
    fn finish(mut self) -> Result<Arc<Tip<S>>> {
        self.check_orders()?;
        let Replay { version, chain, stamp, writers, state, filled, recorded_bytes, .. } = self;
        let (writers, state) = (Arc::new(writers), Arc::new(state));
        Ok(Arc::new(Tip { version, chain, stamp, writers, state, filled, recorded_bytes }))
    }
}

/// Applies the change in a record. What was logged fits the document it was logged for; if not, it is damage.
pub(crate) fn carry_out(document: &mut Value, frame: &Record<'_>) -> Result<()> {
    let change = decode(frame)?;
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

fn in_frame(frame: &Record<'_>, defect: Defect) -> Error {
    let (path, byte) = frame.place();
    Damage { path: path.to_owned(), byte, defect, intact: Some(frame.offset()) }.into()
}

impl<S> Tip<S> {
    /// The newest sequence number of a writer; 0 if it has none.
    pub(crate) fn sequence_of(&self, writer: WriterId) -> u64 {
        self.writers.get(&writer).copied().unwrap_or(0)
    }
}
