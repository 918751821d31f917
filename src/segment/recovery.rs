//! Decides what a directory of segments is: the table in FORMAT.md, "Recovery".
//!
//! [`inspect`] only reads and is what readers, checks and writers share; [`Layout::mend`] then does what a writer may
//! do: cut the torn tail of the active segment, and finish an interrupted roll.
//!
//! Always: nothing that was acknowledged is cut. What is damaged is reported with its place and left as it is.

use super::copy::unshare;
use super::footer::{Ending, Footer, Table};
use super::format::{Codec, Item, MARK_BYTES};
use super::packed;
use super::reader::SegmentReader;
use super::writer::{Extent, SegmentWriter};
use super::{bases_in, path_of};
use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Occupant, Result};
use crate::io::{Access, Disk, write_all_at};
use crate::layout::{Chain, StoreId};
use std::path::{Path, PathBuf};

/// What was cut from the end of the log when it was opened: a write that no sync had made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The segment file.
    pub path: PathBuf,
    /// Where the cut begins, in bytes.
    pub byte: u64,
    /// How many bytes were overwritten with zeros.
    pub bytes: u64,
    /// The version the log ends with.
    pub head: u64,
    /// What was wrong with the first of these bytes.
    pub found: String,
}

/// What a snapshot proves to have been durable.
#[derive(Clone, Debug)]
pub(crate) struct Proven {
    /// The snapshot.
    pub(crate) path: PathBuf,
    pub(crate) store: StoreId,
    pub(crate) version: u64,
}

/// The segments of a log as they stand on disk.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) active_path: PathBuf,
    pub(crate) active: Extent,
    /// The sealed segment before the active one, with its base offset.
    sealed: Option<(PathBuf, u64)>,
    /// A full segment whose seal was interrupted.
    unsealed: Option<(PathBuf, Extent)>,
    /// The torn tail of the active segment.
    pub(crate) torn: Option<Cut>,
}

impl Layout {
    /// The offset after the last record.
    pub(crate) fn head(&self) -> u64 {
        self.active.header.base + u64::from(self.active.count)
    }
}

/// One unsealed segment, read to its end.
pub(crate) struct Survey {
    pub(crate) extent: Extent,
    pub(crate) torn: Option<Cut>,
}

/// Where a segment ends and the next must begin.
struct End {
    head: u64,
    chain: Chain,
    store: StoreId,
    codec: Codec,
}

/// How often a reader looks again at a log that changes under its eyes.
const LOOKS_MAX: u32 = 100;

/// [`inspect`], while a writer may be at work in another process. Directory and files are read one after the other, so a
/// segment that is rolled in between can look damaged; what looks the same twice is.
pub(crate) fn inspect_live(disk: &dyn Disk, dir: &Path) -> Result<Layout> {
    let mut before = None;
    for _ in 0..LOOKS_MAX {
        let names = disk.list(dir).during("list store", dir)?;
        match inspect(disk, dir, &bases_in(&names)) {
            Err(Error::Damaged(damage)) if before.as_ref() != Some(&damage) => before = Some(damage),
            // The front was truncated between the look at the directory and the look at the file.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            answer => return answer,
        }
    }
    Err(before.map_or_else(|| no_segments(dir), Error::from))
}

/// Looks at all segments of `dir`. Reads headers and footers, and the records of the segments without a footer only.
/// Changes nothing. `bases` must not be empty.
pub(crate) fn inspect(disk: &dyn Disk, dir: &Path, bases: &[u64]) -> Result<Layout> {
    let bases = counted(disk, dir, bases)?;
    let mut before: Option<End> = None;
    let mut unsealed: Option<(PathBuf, Extent)> = None;
    let mut active = None;
    for (index, &base) in bases.iter().enumerate() {
        let mut reader = SegmentReader::open(disk, path_of(dir, base), base)?;
        follows(&reader, before.as_ref())?;
        let last = index + 1 == bases.len();
        let footer = reader.seal()?;
        if let (Some((path, extent)), false) = (&unsealed, last && footer.is_none()) {
            return Err(never_sealed(path, extent));
        }
        before = Some(match footer {
            Some(footer) if last => return Err(successor_missing(&reader, &footer)),
            Some(footer) => End {
                head: base + u64::from(footer.count),
                chain: footer.chain,
                store: reader.header().store,
                codec: reader.header().codec,
            },
            None => {
                let survey = survey(&mut reader)?;
                let end = End {
                    head: reader.offset(),
                    chain: reader.chain(),
                    store: reader.header().store,
                    codec: reader.header().codec,
                };
                match bases.get(index + 1) {
                    None => active = Some((reader, survey)),
                    Some(&next) => {
                        unsealed = Some((reader.path().to_owned(), whole(survey, &reader, next)?));
                    }
                }
                end
            }
        });
    }
    let (reader, survey) = active.ok_or_else(|| no_segments(dir))?;
    finish(disk, dir, bases, unsealed, &reader, survey)
}

fn finish(
    disk: &dyn Disk,
    dir: &Path,
    bases: &[u64],
    unsealed: Option<(PathBuf, Extent)>,
    reader: &SegmentReader,
    survey: Survey,
) -> Result<Layout> {
    if let Some((path, extent)) = &unsealed
        && survey.extent.count > 0
    {
        return Err(never_sealed(path, extent));
    }
    begins_at_origin(disk, dir, bases, reader.header().origin)?;
    let Survey { extent: active, torn } = survey;
    let before = bases.len().checked_sub(2).and_then(|index| bases.get(index));
    let sealed = before.filter(|_| unsealed.is_none()).map(|&base| (path_of(dir, base), base));
    Ok(Layout { active_path: reader.path().to_owned(), active, sealed, unsealed, torn })
}

/// The segments that count. Where a backup's source had given up what comes next, the backup goes on behind a gap: what is before
/// the gap is passed over, and goes with the end of that run. Not so in a store, where a gap means that something is lost.
fn counted<'b>(disk: &dyn Disk, dir: &Path, bases: &'b [u64]) -> Result<&'b [u64]> {
    let [first, .., newest] = *bases else { return Ok(bases) };
    let header_of = |base| match SegmentReader::open(disk, path_of(dir, base), base) {
        Ok(segment) => Ok(Some(*segment.header())),
        // It is met again, in its turn.
        Err(Error::Damaged(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let Some(header) = header_of(newest)?.filter(|header| header.backup) else { return Ok(bases) };
    let begins = bases.iter().position(|&base| base == header.origin);
    match begins {
        Some(index) if header_of(first)?.is_none_or(|older| older.store == header.store) => {
            Ok(&bases[index..])
        }
        _ => Ok(bases),
    }
}

/// The oldest segment the store knows of must be there. What is before it was given up, and may be there still.
fn begins_at_origin(disk: &dyn Disk, dir: &Path, bases: &[u64], origin: u64) -> Result<()> {
    let first = bases.partition_point(|&base| base < origin);
    let found = match bases.get(first).or(bases.last()) {
        None => return Err(no_segments(dir)),
        Some(&base) if base == origin => return Ok(()),
        Some(&base) => base,
    };
    let segment = SegmentReader::open(disk, path_of(dir, found), found)?;
    Err(in_header(&segment, Defect::Gap { expected: origin, found }, origin))
}

fn no_segments(dir: &Path) -> Error {
    Error::NotAStore { path: dir.to_owned(), found: Occupant::Other }
}

fn follows(reader: &SegmentReader, before: Option<&End>) -> Result<()> {
    let header = reader.header();
    let genesis = End { head: 0, chain: header.store.genesis(), store: header.store, codec: header.codec };
    let end = match before {
        Some(end) => end,
        None if header.base == 0 => &genesis,
        None => return Ok(()),
    };
    let defect = if header.store != end.store || header.codec != end.codec {
        Defect::Foreign
    } else if header.base != end.head {
        Defect::Gap { expected: end.head, found: header.base }
    } else if header.chain != end.chain {
        Defect::Chain { expected: end.chain, found: header.chain }
    } else {
        return Ok(());
    };
    Err(in_header(reader, defect, end.head.min(header.base)))
}

fn in_header(reader: &SegmentReader, defect: Defect, intact: u64) -> Error {
    Damage { path: reader.path().to_owned(), byte: 0, defect, intact: Some(intact) }.into()
}

fn successor_missing(reader: &SegmentReader, footer: &Footer) -> Error {
    let head = reader.header().base + u64::from(footer.count);
    let defect = Defect::SuccessorMissing { offset: head };
    Damage { path: reader.path().to_owned(), byte: footer.data_end, defect, intact: Some(head) }.into()
}

fn never_sealed(path: &Path, extent: &Extent) -> Error {
    let head = extent.header.base + u64::from(extent.count);
    Damage {
        path: path.to_owned(),
        byte: extent.end,
        defect: Defect::Unsealed { successor: head },
        intact: Some(head),
    }
    .into()
}

/// A segment with a successor was durable to its end when the successor was made: every record before that must be
/// here. What stands behind them is a footer that was being written when the machine stopped: whole, in part, or in part
/// over the mark that stood there before. Recovery writes it again.
fn whole(survey: Survey, reader: &SegmentReader, successor: u64) -> Result<Extent> {
    if survey.torn.is_some() && reader.offset() < successor {
        return Err(reader.damage_here(Defect::Hole { proof: "the next segment" }));
    }
    Ok(survey.extent)
}

/// Finds the end of an unsealed segment: where a clean close left it, or by verifying every record.
pub(crate) fn survey(reader: &mut SegmentReader) -> Result<Survey> {
    if let Some(extent) = at_rest(reader)? {
        return Ok(Survey { extent, torn: None });
    }
    reader.measure_written()?;
    let mut passed = Passed { positions: Vec::new(), last_batch: reader.at() };
    loop {
        let (found, marked) = passed.walk(reader)?;
        if !marked && reader.file_bytes() < reader.header().allocated {
            // A writer may extend the file and overwrite the mark just now.
            let before = reader.file_bytes();
            reader.refresh()?;
            if reader.file_bytes() != before {
                continue;
            }
            let defect = Defect::Short { expected: reader.header().allocated, found: before };
            return Err(reader.damage_here(defect));
        }
        let (footer_until, torn) = match tail(reader, found, marked)? {
            Tail::Clean => (0, None),
            Tail::Footer(until) => (until, None),
            Tail::Torn(cut) => (0, Some(cut)),
            Tail::Grown => continue,
        };
        return Ok(Survey { extent: Extent { footer_until, ..passed.extent(reader) }, torn });
    }
}

/// What the footer of a segment at rest says, if it stands behind the mark it belongs to. Moves to the end of the records.
/// They are verified when they are read.
fn at_rest(reader: &mut SegmentReader) -> Result<Option<Extent>> {
    let Some(footer) = reader.footer()?.filter(|footer| footer.ending == Ending::AtRest) else {
        return Ok(None);
    };
    let Some(table) = reader.table(&footer)? else { return Ok(None) };
    let header = *reader.header();
    let head = header.base + u64::from(footer.count);
    if !reader.has_mark(&footer, head)? {
        return Ok(None);
    }
    reader.seek_end(&footer);
    let Footer { count, data_end: end, chain, .. } = footer;
    let footer_until = reader.file_bytes();
    Ok(Some(Extent { header, count, end, chain, table, at_rest: true, footer_until, last_batch: end }))
}

/// What is remembered of the records that were passed.
struct Passed {
    positions: Vec<u32>,
    last_batch: u64,
}

impl Passed {
    /// Passes all good records; tells what stands behind them, and whether that is their mark.
    fn walk(&mut self, reader: &mut SegmentReader) -> Result<(String, bool)> {
        loop {
            self.stroll(reader);
            return Ok(match reader.look()? {
                Item::Record { body, first, chain } => {
                    self.note(reader.at(), first);
                    reader.pass(body, chain);
                    continue;
                }
                Item::Mark { head } if head == reader.offset() => ("something behind the mark".into(), true),
                Item::Mark { .. } => ("a mark for another place".into(), false),
                Item::Blank => ("zeros before something else".into(), false),
                Item::FooterTag => ("a torn footer".into(), false),
                Item::Bad(defect) => (defect.to_string(), false),
                Item::More(_) => ("an incomplete record".into(), false),
            });
        }
    }

    /// The quick part of the way: records that are good and already in memory.
    fn stroll(&mut self, reader: &mut SegmentReader) {
        let mut at = reader.at();
        while let Some((_, first)) = reader.pass_good() {
            self.note(at, first);
            at = reader.at();
        }
    }

    /// A good record starts at byte `at`.
    fn note(&mut self, at: u64, first: bool) {
        if first {
            self.last_batch = at;
        }
        self.positions.push(at as u32);
    }

    fn extent(self, reader: &SegmentReader) -> Extent {
        Extent {
            header: *reader.header(),
            count: (reader.offset() - reader.header().base) as u32,
            end: reader.at(),
            chain: reader.chain(),
            table: Table { stride: 1, positions: self.positions },
            at_rest: false,
            footer_until: 0,
            last_batch: self.last_batch,
        }
    }
}

/// What stands behind the last good record.
enum Tail {
    Clean,
    /// A whole footer of rest, which ends at this byte.
    Footer(u64),
    Torn(Cut),
    /// More good records than a moment ago.
    Grown,
}

fn tail(reader: &mut SegmentReader, found: String, marked: bool) -> Result<Tail> {
    let start = reader.at() + if marked { MARK_BYTES as u64 } else { 0 };
    let solid = reader.solid_end()?;
    if solid <= start {
        return Ok(Tail::Clean);
    }
    if marked && let Some(footer) = resting_footer(reader, solid)? {
        return Ok(match reader.table(&footer)? {
            Some(_) => Tail::Footer(solid),
            None => Tail::Torn(cut(reader, start, solid, "a torn table behind the mark".into())),
        });
    }
    let Some(proof) = reader.proof()? else {
        return Ok(Tail::Torn(cut(reader, start, solid, found)));
    };
    // A writer in another process may have written it since this place was read: whatever is proven to stand here was
    // written before its proof, so a fresh look must find it.
    reader.refresh()?;
    match reader.look()? {
        Item::Record { .. } => Ok(Tail::Grown),
        item @ Item::Bad(_) => Err(reader.damage(item)),
        _ => Err(reader.damage_here(Defect::Hole { proof })),
    }
}

fn cut(reader: &SegmentReader, start: u64, end: u64, found: String) -> Cut {
    let (path, head) = (reader.path().to_owned(), reader.offset());
    Cut { path, byte: start, bytes: end - start, head, found }
}

/// The footer of a segment at rest that belongs to the mark here and ends at a byte. It is not the end of the file if the
/// power failed just before the file was cut to end with it, or just as it was extended again; and some of its table may be
/// gone then.
fn resting_footer(reader: &mut SegmentReader, end: u64) -> Result<Option<Footer>> {
    let data_end = reader.at();
    let found = reader.footer_before(end)?;
    Ok(found.filter(|footer| footer.ending == Ending::AtRest && footer.data_end == data_end))
}

impl Layout {
    /// Refuses a log that ends before what the newest snapshot proves: what is missing was acknowledged. Unless the
    /// snapshot is of another store; then it is the snapshot that is out of place. In a backup it may be the one that the log is
    /// to begin with once it has gone on behind a gap.
    pub(crate) fn reaches(&self, proven: Option<&Proven>) -> Result<()> {
        let head = self.head();
        let is_missed = |proven: &&Proven| proven.version > head && !self.active.header.backup;
        let Some(proven) = proven.filter(is_missed) else { return Ok(()) };
        let damage = if proven.store == self.active.header.store {
            let defect = Defect::LogTooShort { head, proven: proven.version };
            Damage { path: self.active_path.clone(), byte: self.active.end, defect, intact: Some(head) }
        } else {
            Damage { path: proven.path.clone(), byte: 0, defect: Defect::Foreign, intact: None }
        };
        Err(damage.into())
    }

    /// Does what the table allows a writer to do, and hands over the active segment. Idempotent: a crash in the middle
    /// leaves something that is decided in the same way. After a clean close it does nothing.
    ///
    /// Otherwise the session before may have ended with a failed sync. Then the kernel shows what is not on the disk and
    /// calls it clean, so whatever that session did last is done again before anything is built on it: the name of the
    /// active segment, the seal of the one before, the last batch.
    pub(crate) fn mend(self, disk: &dyn Disk, dir: &Path) -> Result<SegmentWriter> {
        if self.active.at_rest && self.unsealed.is_none() {
            return SegmentWriter::resume(disk, self.active_path, self.active);
        }
        if self.active.count == 0 {
            disk.sync_dir(dir).during("sync directory", dir)?;
            self.sealed.iter().try_for_each(|(path, base)| seal_again(disk, dir, path, *base))?;
        }
        if let Some((path, extent)) = self.unsealed {
            tracing::info!(path = %path.display(), "finishing an interrupted roll");
            SegmentWriter::resume(disk, path, extent)?.seal()?;
        }
        if let Some(cut) = &self.torn {
            erase(disk, cut)?;
        }
        let last_batch = self.active.last_batch;
        let mut writer = SegmentWriter::resume(disk, self.active_path, self.active)?;
        writer.renew(last_batch)?;
        writer.write_mark()?;
        Ok(writer)
    }
}

/// Writes the footer of a sealed segment once more and makes it durable. One that was packed since was read back from a file that
/// was synced, and its footer is in a block. Of one that others have a name for too, all is written once more, elsewhere.
fn seal_again(disk: &dyn Disk, dir: &Path, path: &Path, base: u64) -> Result<()> {
    if packed::open(disk, path)?.is_packed {
        return Ok(());
    }
    if disk.is_shared(path).during("look at", path)? {
        return unshare(disk, dir, path);
    }
    let mut reader = SegmentReader::open(disk, path.to_owned(), base)?;
    let Some(footer) = reader.seal()? else { return Ok(()) };
    // A damaged table stays as it is: reading goes without, and verification tells.
    let Some(table) = reader.table(&footer)? else { return Ok(()) };
    let file = disk.open(path, Access::Write).during("open segment for writing", path)?;
    let bytes = footer.encode(table, reader.header().chain);
    write_all_at(&*file, &bytes, footer.start()).during("write segment footer", path)?;
    file.set_len(footer.start() + bytes.len() as u64).during("trim segment", path)?;
    file.sync().during("sync segment", path)
}

/// Overwrites a torn tail with zeros. Cutting the file short instead would make it look damaged to whoever comes next.
fn erase(disk: &dyn Disk, cut: &Cut) -> Result<()> {
    const PIECE: usize = 64 * 1024;
    tracing::warn!(path = %cut.path.display(), byte = cut.byte, bytes = cut.bytes, found = cut.found, "cut a torn tail");
    let file = disk.open(&cut.path, Access::Write).during("open segment for writing", &cut.path)?;
    let zeros = vec![0; PIECE];
    let mut at = cut.byte;
    while at < cut.byte + cut.bytes {
        let piece = (cut.byte + cut.bytes - at).min(PIECE as u64);
        write_all_at(&*file, &zeros[..piece as usize], at).during("cut torn tail", &cut.path)?;
        at += piece;
    }
    file.sync().during("sync cut", &cut.path)
}
