//! Full verification: reads every byte of a store and reports all damage, changing nothing.
//!
//! Shared by the command, the tests and the fuzzers. Each segment and snapshot is checked on its own, then against its
//! neighbours; then the whole history is replayed and every snapshot held against the state the log gives.

use crate::cursors::Cursors;
use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Result};
use crate::exchange;
use crate::history::{carry_out, or_first};
use crate::io::Env;
use crate::log::Cut;
use crate::log::{Chain, Codec, Proven, Record, StoreId, directory};
use crate::segment::footer::{Ending, Footer, Table};
use crate::segment::format::{FRAME_BYTES, Item};
use crate::segment::packed;
use crate::segment::reader::SegmentReader;
use crate::segment::{self, bases_in, recovery};
use crate::snapshot::{self, Snapshot, Stored};
use crate::store::Options;
use crate::value::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What [`verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Identifies the store, if a header could be read.
    pub id: Option<StoreId>,
    /// Segment files.
    pub segments: usize,
    /// Good records.
    pub records: u64,
    /// Bytes of good records, frames included.
    pub record_bytes: u64,
    /// Good snapshots.
    pub snapshots: usize,
    /// The version up to which everything is good, replay included.
    pub intact: u64,
    /// A write at the very end that no sync had made durable. Not damage: the next writer cuts it.
    pub cut: Option<Cut>,
    /// Everything that is wrong.
    pub damage: Vec<Damage>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }
}

/// Reads all of the store, replica or log in the directory `path` and reports all damage. Takes no lock and changes
/// nothing; beside a writer it checks what was there when it came by. O(history), and as much memory as the state and the
/// snapshots take.
///
/// # Errors
/// Only what keeps it from looking at all: [`Error::NotAStore`], [`Error::Newer`], [`Error::Io`]. Damage is in the report.
pub fn verify(path: impl AsRef<Path>) -> Result<Report> {
    Options::new().verify(path)
}

impl Options {
    /// [`verify`], on the machine that these options name; nothing else in them matters for it.
    ///
    /// # Errors
    /// As `verify`.
    pub fn verify(&self, path: impl AsRef<Path>) -> Result<Report> {
        verify_in(&self.log.env, path.as_ref())
    }
}

fn verify_in(env: &Env, path: &Path) -> Result<Report> {
    let span = tracing::info_span!("verify", path = %path.display());
    let _entered = span.enter();
    match directory::must_be_there(&*env.disk, path) {
        Err(Error::Unfinished { path }) => return interrupted(env, path),
        answer => answer?,
    }
    let list = || env.disk.list(path).during("list store", path);
    loop {
        let names = list()?;
        match Check::of(env, path, &names) {
            // A writer gave something up meanwhile: what is there now is what counts.
            Err(error) if error.kind() == ErrorKind::NotFound && list()? != names => {}
            answer => return answer,
        }
    }
}

/// What there is to say of a directory whose files are being exchanged.
fn interrupted(env: &Env, path: PathBuf) -> Result<Report> {
    match exchange::flaw(&*env.disk, &path)? {
        // Nobody can know which of the files count.
        Some(damage) => Ok(Report { damage: vec![damage], ..Report::default() }),
        None => Err(Error::Unfinished { path }),
    }
}

struct Check<'a> {
    env: &'a Env,
    dir: &'a Path,
    report: Report,
    snapshots: BTreeMap<u64, Snapshot>,
    /// The chain at the versions that have a snapshot, and at the end of each segment.
    chains: BTreeMap<u64, Chain>,
}

/// Version, state and schema while the history is replayed; nothing once that is no longer possible.
type Replayed = Option<(u64, Value, u32)>;

impl<'a> Check<'a> {
    fn of(env: &'a Env, dir: &'a Path, names: &[String]) -> Result<Report> {
        let (report, snapshots, chains) = (Report::default(), BTreeMap::new(), BTreeMap::new());
        let mut check = Check { env, dir, report, snapshots, chains };
        check.read_snapshots(&snapshot::versions_in(names))?;
        check.read_segments(&bases_in(names))?;
        check.layout()?;
        check.read_cursors()?;
        check.snapshots_are_of_this_log();
        Ok(check.report)
    }

    fn note(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Damaged(damage) => {
                if !self.report.damage.contains(&damage) {
                    self.report.damage.push(damage);
                }
                Ok(())
            }
            other => Err(other),
        }
    }

    fn read_snapshots(&mut self, versions: &[u64]) -> Result<()> {
        for &version in versions {
            let path = snapshot::path_of(self.dir, version);
            let stored = Stored::read(&*self.env.disk, &path, version);
            match stored.and_then(|stored| self.whole(stored)) {
                Ok(snapshot) => drop(self.snapshots.insert(version, snapshot)),
                Err(error) => self.note(error)?,
            }
        }
        self.report.snapshots = self.snapshots.len();
        Ok(())
    }

    /// The whole state that a file stands for. What it continues is older, and so was read before.
    fn whole(&self, stored: Stored) -> Result<Snapshot> {
        let delta = match stored {
            Stored::Whole(snapshot) => return Ok(snapshot),
            Stored::Delta(delta) => delta,
        };
        match self.snapshots.get(&delta.parent()) {
            Some(parent) => delta.onto(parent, self.dir),
            None => Err(delta.orphaned(self.dir, delta.parent())),
        }
    }

    fn read_cursors(&mut self) -> Result<()> {
        let Some(store) = self.report.id else { return Ok(()) };
        Cursors::read(&*self.env.disk, self.dir, store).map(drop).or_else(|error| self.note(error))
    }

    fn read_segments(&mut self, bases: &[u64]) -> Result<()> {
        self.report.segments = bases.len();
        let oldest = self.beginning(bases)?;
        let mut replayed: Replayed = match self.snapshots.get(&oldest) {
            Some(snapshot) => Some((oldest, snapshot.state.clone(), snapshot.header.schema)),
            None if oldest == 0 => Some((0, Value::default(), or_first(None))),
            None => None,
        };
        match &replayed {
            Some((version, ..)) => self.report.intact = *version,
            None if self.holds_changes(oldest)? => {
                let (path, defect) = (segment::path_of(self.dir, oldest), Defect::BaseMissing { oldest });
                self.note(Damage { path, byte: 0, defect, intact: None }.into())?;
            }
            // A log may begin anywhere: what is before was given up.
            None => self.report.intact = oldest,
        }
        for &base in bases {
            let path = segment::path_of(self.dir, base);
            match SegmentReader::open(&*self.env.disk, path, base) {
                Ok(reader) => self.read_segment(reader, &mut replayed)?,
                Err(error) => self.note(error)?,
            }
            if let Some(damage) = packed::flaw(&*self.env.disk, &segment::path_of(self.dir, base))? {
                self.note(damage.into())?;
            }
        }
        Ok(())
    }

    /// The oldest version: what is before it was given up, and may be there still if who gave it up was interrupted.
    fn beginning(&self, bases: &[u64]) -> Result<u64> {
        let (Some(&oldest), Some(&newest)) = (bases.first(), bases.last()) else { return Ok(0) };
        match SegmentReader::open(&*self.env.disk, segment::path_of(self.dir, newest), newest) {
            Ok(reader) if bases.contains(&reader.header().origin) => Ok(reader.header().origin),
            // `layout` tells what is wrong.
            Ok(_) => Ok(oldest),
            Err(Error::Damaged(_)) => Ok(oldest),
            Err(error) => Err(error),
        }
    }

    /// Whether the log is that of a store, which needs a snapshot where its beginning is not kept.
    fn holds_changes(&self, oldest: u64) -> Result<bool> {
        match SegmentReader::open(&*self.env.disk, segment::path_of(self.dir, oldest), oldest) {
            Ok(reader) => Ok(reader.header().codec == Codec::Change),
            Err(Error::Damaged(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Every record of one segment, from its own header on.
    fn read_segment(&mut self, mut reader: SegmentReader, replayed: &mut Replayed) -> Result<()> {
        self.report.id.get_or_insert(reader.header().store);
        let footer = reader.footer()?;
        self.chains.insert(reader.offset(), reader.chain());
        let mut positions = Vec::new();
        loop {
            match reader.look()? {
                Item::Record { body, chain, .. } => {
                    positions.push(reader.at() as u32);
                    reader.pass(body, chain);
                    self.record(&reader, body, replayed)?;
                }
                Item::FooterTag | Item::Mark { .. }
                    if footer.as_ref().is_some_and(|footer| footer.data_end == reader.at()) =>
                {
                    break;
                }
                // The last segment may end like this; `layout` tells whether it does.
                _ if footer.as_ref().is_none_or(|footer| reader.fills_up(footer)) => break,
                other => {
                    let error = reader.damage(other);
                    self.note(error)?;
                    break;
                }
            }
        }
        self.chains.insert(reader.offset(), reader.chain());
        match footer {
            Some(footer) if reader.at() == footer.data_end => {
                self.footer_fits(&mut reader, &footer, Table { stride: 1, positions })
            }
            _ => Ok(()),
        }
    }

    fn footer_fits(&mut self, reader: &mut SegmentReader, footer: &Footer, found: Table) -> Result<()> {
        let count = reader.offset() - reader.header().base;
        if count != u64::from(footer.count) || reader.chain() != footer.chain {
            let defect = Defect::Chain { expected: reader.chain(), found: footer.chain };
            return self.note(reader.damage_here(defect));
        }
        match reader.table(footer)? {
            Some(table) if table == found.thinned(footer.stride) => Ok(()),
            // That of a segment at rest may be torn, which `layout` tells.
            None if footer.ending == Ending::AtRest => Ok(()),
            _ => self.note(reader.damage_here(Defect::PositionTable)),
        }
    }

    /// The record that was passed last.
    fn record(&mut self, reader: &SegmentReader, length: usize, replayed: &mut Replayed) -> Result<()> {
        self.report.record_bytes += (length + FRAME_BYTES) as u64;
        self.report.records += 1;
        let record = Record::passed(reader, length);
        if reader.header().codec == Codec::Opaque {
            // Nothing to replay: the chain is all there is to hold it against.
            if record.offset() == self.report.intact {
                self.report.intact += 1;
            }
            return Ok(());
        }
        let follows = |(version, ..): &&mut (u64, Value, u32)| *version == record.offset();
        let Some((version, state, schema)) = replayed.as_mut().filter(follows) else { return Ok(()) };
        if let Err(error) = carry_out(state, schema, &record) {
            *replayed = None;
            return self.note(error);
        }
        *version += 1;
        self.report.intact = *version;
        if let Some(snapshot) = self.snapshots.get(version) {
            self.chains.insert(*version, record.chain());
            if snapshot.state != *state || snapshot.header.schema != *schema {
                let defect = Defect::SnapshotDiffers { version: *version };
                let path = snapshot::path_of(self.dir, *version);
                self.note(Damage { path, byte: 0, defect, intact: None }.into())?;
            }
        }
        Ok(())
    }

    /// How the segments stand to each other, and how the last one ends: the table that opening goes by.
    fn layout(&mut self) -> Result<()> {
        match recovery::inspect_live(&*self.env.disk, self.dir) {
            Ok(layout) => {
                let newest = self.snapshots.iter().next_back().map(|(&version, snapshot)| Proven {
                    path: snapshot::path_of(self.dir, version),
                    store: snapshot.header.store,
                    version,
                });
                let reaches = layout.reaches(newest.as_ref());
                self.report.cut = layout.torn;
                reaches.or_else(|error| self.note(error))
            }
            Err(error) => self.note(error),
        }
    }

    fn snapshots_are_of_this_log(&mut self) {
        for (version, snapshot) in &self.snapshots {
            let path = snapshot::path_of(self.dir, *version);
            let defect = match (self.report.id, self.chains.get(version)) {
                (Some(store), _) if store != snapshot.header.store => Defect::Foreign,
                (_, Some(&expected)) if expected != snapshot.header.chain => {
                    Defect::Chain { expected, found: snapshot.header.chain }
                }
                _ => continue,
            };
            let damage = Damage { path, byte: 0, defect, intact: None };
            if !self.report.damage.contains(&damage) {
                self.report.damage.push(damage);
            }
        }
    }
}
