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
mod replay;
mod run;
mod schema;
mod time;

pub(crate) use base::{base_missing, begin, begin_at, files_of, open_view, proven_by_snapshot};
pub(crate) use replay::{carry_out, change_at, decode, decode_if};
pub(crate) use schema::or_first;

use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Result};
use crate::io::Env;
use crate::log::{self, Chain, Records};
use crate::record::{Change, Ledger, Stamp, WriterId};
use crate::snapshot::{self, Snapshot};
use crate::state::State;
use crate::value::{Path, Value};
use kept::{FAR, Kept};
use replay::misfit;
use schema::{not_newer, read_as};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many bytes of a snapshot are read in the time that a change takes to be replayed: some two microseconds.
const BYTES_A_CHANGE: u64 = 64;

/// A state and what must be known to go on from it.
#[derive(Clone, Debug)]
pub(crate) struct Tip<S> {
    pub(crate) version: u64,
    /// The chain before the next record.
    pub(crate) chain: Chain,
    pub(crate) stamp: Stamp,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) state: Arc<S>,
    /// Whether the type filled in what the document at this version does not hold.
    pub(crate) filled: bool,
    /// Whether the document says nothing of the state, so that this is what the type begins with. No change leads on from there: it is for
    /// the document.
    pub(crate) says_nothing: bool,
    /// How many bytes the changes took that led here from where the replay began.
    pub(crate) recorded_bytes: u64,
    /// The schema of the document at this version. The state is of the type's own, whatever this is.
    pub(crate) schema: u32,
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
    /// The same history as documents, once something of an older schema than the type's was asked for.
    older: OnceLock<Box<History<Value>>>,
    /// The snapshots that could not be used so far.
    unusable: Mutex<Vec<Damage>>,
}

/// A state to start from, and what was found unusable on the way to it.
struct Start<S> {
    /// Nothing if it is of an older schema, so that the way leads over documents.
    begin: Option<(Arc<Tip<S>>, Records)>,
    from_snapshot: Option<u64>,
    passed_over: Vec<Error>,
}

/// A state that was reached from the disk, and how.
pub(crate) struct Reached<S> {
    pub(crate) tip: Arc<Tip<S>>,
    /// The version that the way began with.
    pub(crate) first: u64,
    pub(crate) from_snapshot: Option<u64>,
    pub(crate) passed_over: Vec<Error>,
}

impl<S: State + Default> History<S> {
    pub(crate) fn new(env: &Env, dir: PathBuf, view: log::Reader, segment_bytes: u64) -> Self {
        let (kept, older, unusable) = (Kept::new(), OnceLock::new(), Mutex::default());
        History { env: env.clone(), dir, view, segment_bytes, kept, older, unusable }
    }

    /// The same, of a log that is being written from now on.
    pub(crate) fn written_through(self, view: log::Reader) -> Self {
        History { view, older: OnceLock::new(), ..self }
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
            near => {
                let answer = self.undisturbed(|| self.tip_from(near.as_ref(), version));
                answer.map_err(|error| match error {
                    // Whichever record of the way there was missed.
                    Error::Compacted { oldest, .. } => Error::Compacted { version, oldest },
                    other => other,
                })
            }
        }
    }

    fn tip_from(&self, near: Option<&Arc<Tip<S>>>, version: u64) -> Result<Arc<Tip<S>>> {
        match near {
            Some(kept) if self.is_near(kept, version)? => self.tip_near(kept, version),
            _ => match self.start(version)?.begin {
                Some((tip, records)) => {
                    self.kept.keep_start(&tip, self.snapshot_bytes(tip.version));
                    self.replay(tip, records, version)
                }
                None => self.tip_by_documents(version),
            },
        }
    }

    fn tip_near(&self, kept: &Arc<Tip<S>>, version: u64) -> Result<Arc<Tip<S>>> {
        if kept.is_older() {
            return self.tip_by_documents(version);
        }
        match self.step_to(kept, version)? {
            Some(reached) => Ok(reached),
            None => self.replay(Arc::clone(kept), self.view.records(kept.version)?, version),
        }
    }

    /// The newest state that is durable.
    pub(crate) fn newest(&self) -> Result<Arc<Tip<S>>> {
        self.undisturbed(|| Ok(self.reach(u64::MAX)?.tip))
    }

    /// The state at `version`, or the newest that is durable if that comes first, from the nearest one on the disk.
    pub(crate) fn reach(&self, version: u64) -> Result<Reached<S>> {
        let Start { begin, from_snapshot, passed_over } = self.start(version)?;
        let Some((tip, records)) = begin else { return self.reach_by_documents(version) };
        let first = tip.version;
        let tip = self.replay(tip, records, version)?;
        Ok(Reached { tip, first, from_snapshot, passed_over })
    }

    /// The newest state that is durable, which follows `known`. Costs the changes since, unless they are given up already.
    pub(crate) fn after(&self, known: &Arc<Tip<S>>) -> Result<Arc<Tip<S>>> {
        self.after_with(known, &mut |_, _| ())
    }

    /// The same, handing on the changes since to `heed`, with how many bytes each takes, where the way leads over them.
    pub(crate) fn after_with(
        &self,
        known: &Arc<Tip<S>>,
        heed: &mut dyn FnMut(Change, usize),
    ) -> Result<Arc<Tip<S>>> {
        if known.is_older() {
            return self.after_by_documents(known);
        }
        let records = self.view.records(known.version);
        match records.and_then(|records| self.replay_and_heed(Arc::clone(known), records, u64::MAX, heed)) {
            Err(Error::Compacted { .. }) => self.newest(),
            answer => answer,
        }
    }

    /// Somebody made this state elsewhere, and may ask for its neighbours.
    pub(crate) fn met(&self, tip: &Arc<Tip<S>>) {
        self.kept.keep(tip, kept::Kind::Near);
    }

    /// The state one version after `known`, which must be durable.
    pub(crate) fn next(&self, known: &Arc<Tip<S>>) -> Result<Arc<Tip<S>>> {
        if known.is_older() {
            return self.tip_at(known.version + 1);
        }
        self.tip_near(known, known.version + 1)
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

    /// Whether no snapshot is worth reading that is closer. Where few changes lie between it is not worth looking: a snapshot is
    /// a whole state.
    fn is_near(&self, kept: &Tip<S>, version: u64) -> Result<bool> {
        if version - kept.version <= FAR {
            return Ok(true);
        }
        let between = self.snapshots()?.into_iter().rfind(|taken| *taken > kept.version && *taken <= version);
        let costs_more =
            |taken: u64| (taken - kept.version).saturating_mul(BYTES_A_CHANGE) < self.snapshot_bytes(taken);
        Ok(between.is_none_or(costs_more))
    }

    /// The versions that have a snapshot, ascending.
    pub(crate) fn snapshots(&self) -> Result<Vec<u64>> {
        let names = self.env.disk.list(&self.dir).during("list store", &self.dir)?;
        Ok(snapshot::versions_in(&names))
    }

    /// How many bytes the snapshot of a version takes with what it continues; 0 if there is none.
    fn snapshot_bytes(&self, version: u64) -> u64 {
        let (disk, dir) = (&*self.env.disk, &self.dir);
        let length =
            |header: &snapshot::Header| snapshot::length(disk, &snapshot::path_of(dir, header.version));
        let lineage = snapshot::lineage(disk, dir, version).unwrap_or_default();
        lineage.iter().map(|header| length(header).unwrap_or(0)).sum()
    }

    /// What is kept at hand of versions before `oldest` goes.
    pub(crate) fn forget_before(&self, oldest: u64) {
        self.kept.forget_before(oldest);
        self.older.get().into_iter().for_each(|older| older.kept.forget_before(oldest));
    }

    /// What the log says at a version, which is what a snapshot of it must hold.
    pub(crate) fn logged(&self, tip: &Tip<S>) -> Result<Value> {
        if tip.filled { self.document(tip.version) } else { Ok(tip.state.to_value()) }
    }

    /// The newest usable state on disk at or before `version`.
    fn start(&self, version: u64) -> Result<Start<S>> {
        let oldest = self.oldest()?;
        if version < oldest {
            return Err(Error::Compacted { version, oldest });
        }
        let mut passed_over = Vec::new();
        let candidates = self.snapshots()?;
        for taken in candidates.into_iter().rev().filter(|taken| (oldest..=version).contains(taken)) {
            match self.start_from_snapshot(taken) {
                Ok(begin) => return Ok(Start { begin, from_snapshot: Some(taken), passed_over }),
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
        match self.start_from_beginning(oldest, version, passed_over) {
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

    /// Version 0 is what the type begins with, whatever the schema of what follows.
    fn start_from_beginning(&self, oldest: u64, version: u64, passed_over: Vec<Error>) -> Result<Start<S>> {
        if oldest > 0 {
            return Err(base_missing(&self.dir, oldest));
        }
        let records = self.view.records(0)?;
        let tip = Tip {
            version: 0,
            chain: records.chain(),
            stamp: Stamp::default(),
            ledger: Arc::default(),
            state: Arc::new(S::default()),
            filled: false,
            says_nothing: false,
            recorded_bytes: 0,
            schema: self.first_schema()?,
        };
        let begin = if tip.is_older() && version > 0 { None } else { Some((Arc::new(tip), records)) };
        Ok(Start { begin, from_snapshot: None, passed_over })
    }

    /// Nothing if the snapshot is of an older schema.
    fn start_from_snapshot(&self, version: u64) -> Result<Option<(Arc<Tip<S>>, Records)>> {
        let (disk, path) = (&*self.env.disk, snapshot::path_of(&self.dir, version));
        if S::SCHEMA > 1 && snapshot::read_header(disk, &path, version)?.schema < S::SCHEMA {
            return Ok(None);
        }
        let Snapshot { header, ledger, state } = snapshot::read(disk, &self.dir, version)?;
        let records = self.view.records(version)?;
        if let Some(defect) = self.flaw_of(&header, records.chain()) {
            return Err(Damage { path, byte: 0, defect, intact: None }.into());
        }
        not_newer::<S>(version, header.schema)?;
        let (state, filled, says_nothing) = read_as::<S>(state);
        let state = Arc::new(state.map_err(|error| misfit(version, &Path::root(), &error))?);
        let ledger = Arc::new(ledger);
        let (chain, stamp, schema) = (header.chain, header.stamp, header.schema);
        let tip =
            Tip { version, chain, stamp, ledger, state, filled, says_nothing, recorded_bytes: 0, schema };
        Ok(Some((Arc::new(tip), records)))
    }

    /// Why a snapshot is not one of this log, whose chain at that version is `expected`.
    pub(crate) fn flaw_of(&self, header: &snapshot::Header, expected: Chain) -> Option<Defect> {
        if header.store != self.view.id() {
            return Some(Defect::Foreign);
        }
        (header.chain != expected).then_some(Defect::Chain { expected, found: header.chain })
    }

    /// What the log says of a version, whatever type reads it. O(changes since the nearest snapshot).
    pub(crate) fn document(&self, version: u64) -> Result<Value> {
        let document = match self.older.get() {
            Some(older) => older.at(version),
            None => self.documents().at(version),
        };
        document.map(Arc::unwrap_or_clone)
    }

    /// The same history, read as documents.
    pub(crate) fn documents(&self) -> History<Value> {
        History::new(&self.env, self.dir.clone(), self.view.clone(), self.segment_bytes)
    }
}

impl<S> Tip<S> {
    /// The newest sequence number of a writer; 0 if it has none.
    pub(crate) fn sequence_of(&self, writer: WriterId) -> u64 {
        self.ledger.sequence_of(writer)
    }
}
