//! Decides what a directory of segments is: the table in FORMAT.md, "Recovery".
//!
//! [`inspect`] only reads and is what readers, checks and writers share; [`Layout::mend`] then does what a writer may
//! do: cut the torn tail of the active segment, and finish an interrupted roll.
//!
//! Always: nothing that was acknowledged is cut. What is damaged is reported with its place and left as it is.

use super::format::{Chain, Footer, Item, MARK_BYTES, POSITION_STRIDE, StoreId};
use super::{bases_in, path_of};
use super::reader::SegmentReader;
use super::writer::{Extent, SegmentWriter};
use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, write_all_at};
use std::path::{Path, PathBuf};

/// What was cut from the end of the log when it was opened: a write that no sync had made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The segments of a log as they stand on disk.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) active_path: PathBuf,
    pub(crate) active: Extent,
    /// The segment before an empty one: the seal may have been interrupted, and is done again.
    unsealed: Option<Unsealed>,
    /// The torn tail of the active segment.
    pub(crate) torn: Option<Cut>,
}

impl Layout {
    /// The offset after the last record.
    pub(crate) fn head(&self) -> u64 {
        self.active.header.base + u64::from(self.active.count)
    }
}

/// A full segment whose seal may not be durable.
#[derive(Debug)]
struct Unsealed {
    path: PathBuf,
    extent: Extent,
    /// Whether it has a good footer, in the page cache at least.
    has_footer: bool,
}

/// One unsealed segment, read to its end.
struct Survey {
    extent: Extent,
    /// A good footer with nothing but zeros behind it.
    footer: Option<Footer>,
    torn: Option<Cut>,
}

/// What stands behind the last good record.
enum Tail {
    Clean,
    Torn(Cut),
    /// More good records than a moment ago.
    Grown,
}

/// Where a segment ends and the next must begin.
struct End {
    head: u64,
    chain: Chain,
    store: StoreId,
}

/// How often a reader looks again at a log that changes under its eyes.
const LOOKS_MAX: u32 = 100;

/// [`inspect`], while a writer may be at work in another process. The directory and its files are read one after the
/// other, so a segment that is rolled in between can look like damage; what looks the same twice is.
pub(crate) fn inspect_live(disk: &dyn Disk, dir: &Path) -> Result<Layout> {
    let mut before = None;
    for _ in 0..LOOKS_MAX {
        let names = disk.list(dir).during("list store", dir)?;
        match inspect(disk, dir, &bases_in(&names)) {
            Err(Error::Damaged(damage)) if before.as_ref() != Some(&damage) => before = Some(damage),
            answer => return answer,
        }
    }
    Err(before.map_or_else(|| no_segments(dir), Error::from))
}

/// Looks at all segments of `dir`. Reads headers and footers, and the records of the segments without a footer only.
/// Changes nothing.
pub(crate) fn inspect(disk: &dyn Disk, dir: &Path, bases: &[u64]) -> Result<Layout> {
    let Some((&newest, sealed)) = bases.split_last() else { return Err(no_segments(dir)) };
    let mut before: Option<End> = None;
    let mut unsealed: Option<Unsealed> = None;
    for (index, &base) in sealed.iter().enumerate() {
        if let Some(unsealed) = unsealed.take().filter(|unsealed| !unsealed.has_footer) {
            return Err(never_sealed(&unsealed));
        }
        let mut reader = SegmentReader::open(disk, path_of(dir, base), base)?;
        follows(&reader, before.as_ref())?;
        before = Some(match reader.footer()? {
            Some(footer) => {
                let store = reader.header().store;
                let end = End { head: base + u64::from(footer.count), chain: footer.chain, store };
                unsealed = Some(sealed_perhaps(&reader, footer));
                end
            }
            None => {
                let survey = survey(&mut reader)?;
                let next = bases[index + 1];
                let end = End { head: reader.offset(), chain: reader.chain(), store: reader.header().store };
                unsealed = Some(whole(survey, &reader, next)?);
                end
            }
        });
    }
    let mut reader = SegmentReader::open(disk, path_of(dir, newest), newest)?;
    follows(&reader, before.as_ref())?;
    if let Some(footer) = reader.footer()? {
        return Err(successor_missing(&reader, &footer));
    }
    let survey = survey(&mut reader)?;
    if let Some(footer) = &survey.footer {
        return Err(successor_missing(&reader, footer));
    }
    finish(disk, dir, bases, unsealed, reader, survey)
}

fn finish(
    disk: &dyn Disk,
    dir: &Path,
    bases: &[u64],
    unsealed: Option<Unsealed>,
    reader: SegmentReader,
    survey: Survey,
) -> Result<Layout> {
    // Once its successor has records or was closed, a segment has been left for good, footer and all.
    let left = survey.extent.count > 0 || survey.extent.is_closed();
    if let Some(unsealed) = unsealed.as_ref().filter(|unsealed| left && !unsealed.has_footer) {
        return Err(never_sealed(unsealed));
    }
    begins_at_origin(disk, dir, bases, reader.header().origin)?;
    let Survey { extent: active, torn, .. } = survey;
    let unsealed = unsealed.filter(|_| !left);
    Ok(Layout { active_path: reader.path().to_owned(), active, unsealed, torn })
}

/// The first segment must be the oldest one the store knows of.
fn begins_at_origin(disk: &dyn Disk, dir: &Path, bases: &[u64], origin: u64) -> Result<()> {
    let Some(&oldest) = bases.first() else { return Err(no_segments(dir)) };
    if oldest <= origin {
        return Ok(());
    }
    let first = SegmentReader::open(disk, path_of(dir, oldest), oldest)?;
    Err(in_header(&first, Defect::Gap { expected: origin, found: oldest }, origin))
}

fn no_segments(dir: &Path) -> Error {
    Error::NotAStore { path: dir.to_owned(), why: "it has no segments" }
}

fn follows(reader: &SegmentReader, before: Option<&End>) -> Result<()> {
    let header = reader.header();
    let genesis = End { head: 0, chain: header.store.genesis(), store: header.store };
    let end = match before {
        Some(end) => end,
        None if header.base == 0 => &genesis,
        None => return Ok(()),
    };
    let defect = if header.store != end.store {
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

fn never_sealed(unsealed: &Unsealed) -> Error {
    let Unsealed { path, extent, .. } = unsealed;
    let head = extent.header.base + u64::from(extent.count);
    Damage {
        path: path.clone(),
        byte: extent.end,
        defect: Defect::Unsealed { successor: head },
        intact: Some(head),
    }
    .into()
}

/// A footer that can be read need not be on the disk: if its sync failed, only the page cache has it.
fn sealed_perhaps(reader: &SegmentReader, footer: Footer) -> Unsealed {
    let Footer { positions, count, data_end: end, chain } = footer;
    let (header, file_bytes) = (*reader.header(), reader.file_bytes());
    let extent = Extent { header, count, end, chain, positions, file_bytes, marked: false, last_batch: end };
    Unsealed { path: reader.path().to_owned(), extent, has_footer: true }
}

/// A segment with a successor was durable to its end when the successor was made: every record before that must be
/// here. What stands behind them is a footer that was being written when the machine stopped: whole, in part, or in part
/// over the mark that stood there before. Recovery writes it again.
fn whole(survey: Survey, reader: &SegmentReader, successor: u64) -> Result<Unsealed> {
    if survey.torn.is_some() && reader.offset() < successor {
        return Err(reader.damage_here(Defect::Hole { proof: "the next segment" }));
    }
    let has_footer = survey.footer.is_some();
    Ok(Unsealed { path: reader.path().to_owned(), extent: survey.extent, has_footer })
}

/// Reads an unsealed segment to its end, verifying every record.
fn survey(reader: &mut SegmentReader) -> Result<Survey> {
    if !reader.ends_properly()? {
        let defect = Defect::Short { expected: reader.header().allocated, found: reader.file_bytes() };
        return Err(short_file(reader, defect)?);
    }
    let mut walk = Walk { positions: Vec::new(), last_batch: reader.at() };
    loop {
        let (found, marked) = walk.on(reader)?;
        let footer = if marked { None } else { reader.footer_here()? };
        let torn = match footer {
            Some(_) => None,
            None => match tail(reader, found, marked)? {
                Tail::Clean => None,
                Tail::Torn(cut) => Some(cut),
                Tail::Grown => continue,
            },
        };
        return Ok(Survey { extent: walk.extent(reader, marked), footer, torn });
    }
}

/// What is remembered of the records passed.
struct Walk {
    positions: Vec<u32>,
    last_batch: u64,
}

impl Walk {
    /// Passes all good records; tells what stands behind them, and whether it is their mark.
    fn on(&mut self, reader: &mut SegmentReader) -> Result<(String, bool)> {
        loop {
            return Ok(match reader.look()? {
                Item::Record { body, first, chain } => {
                    if first {
                        self.last_batch = reader.at();
                    }
                    if (reader.offset() - reader.header().base).is_multiple_of(POSITION_STRIDE.into()) {
                        self.positions.push(reader.at() as u32);
                    }
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

    fn extent(self, reader: &SegmentReader, marked: bool) -> Extent {
        Extent {
            header: *reader.header(),
            count: (reader.offset() - reader.header().base) as u32,
            end: reader.at(),
            chain: reader.chain(),
            positions: self.positions,
            file_bytes: reader.file_bytes(),
            marked,
            last_batch: self.last_batch,
        }
    }
}

/// Damage in a file that was cut short: named at the last place that is still good.
fn short_file(reader: &mut SegmentReader, defect: Defect) -> Result<Error> {
    while let Item::Record { body, chain, .. } = reader.look()? {
        reader.pass(body, chain);
    }
    Ok(reader.damage_here(defect))
}

/// What stands behind the last good record: nothing, something torn, or proof of damage.
fn tail(reader: &mut SegmentReader, found: String, marked: bool) -> Result<Tail> {
    let start = reader.at() + if marked { MARK_BYTES as u64 } else { 0 };
    let solid = reader.solid_end()?;
    if solid <= start {
        return Ok(Tail::Clean);
    }
    if let Some(proof) = reader.proof()? {
        // A writer in another process may have written it since this place was read. Whatever is proven to stand here
        // was written before its proof was, so a fresh look must find it.
        reader.refresh()?;
        return match reader.look()? {
            Item::Record { .. } => Ok(Tail::Grown),
            item @ Item::Bad(_) => Err(reader.damage(item)),
            _ => Err(reader.damage_here(Defect::Hole { proof })),
        };
    }
    Ok(Tail::Torn(Cut {
        path: reader.path().to_owned(),
        byte: start,
        bytes: solid - start,
        head: reader.offset(),
        found,
    }))
}

impl Layout {
    /// Refuses a log that ends before `proven`, the version of the newest snapshot: what is missing was acknowledged.
    pub(crate) fn reaches(&self, proven: u64) -> Result<()> {
        let head = self.head();
        if head >= proven {
            return Ok(());
        }
        let defect = Defect::LogTooShort { head, proven };
        Err(Damage { path: self.active_path.clone(), byte: self.active.end, defect, intact: Some(head) }
            .into())
    }

    /// Does what the table allows a writer to do, and hands over the active segment. Idempotent: a crash in the middle
    /// leaves something that is decided in the same way. After a clean close it writes and syncs nothing.
    ///
    /// What was read here may be in the page cache only: the last session may have been killed before a sync, or its last
    /// sync may have failed. So nothing is built upon that is not synced here first.
    pub(crate) fn mend(self, disk: &dyn Disk, dir: &Path) -> Result<SegmentWriter> {
        if self.active.count == 0 && !self.active.is_closed() {
            // The segment's name, which everything to come depends on.
            disk.sync_dir(dir).during("sync directory", dir)?;
        }
        if let Some(Unsealed { path, extent, .. }) = self.unsealed {
            tracing::info!(path = %path.display(), "finishing an interrupted roll");
            let full = SegmentWriter::resume(disk, path, extent)?;
            // Its length may be as new as its missing footer, which must not be torn in a file that is too short.
            full.sync()?;
            full.seal()?;
        }
        if let Some(cut) = &self.torn {
            erase(disk, cut)?;
        }
        let closed = self.active.is_closed() && self.torn.is_none();
        let (marked, last_batch) = (self.active.marked, self.active.last_batch);
        let writer = SegmentWriter::resume(disk, self.active_path, self.active)?;
        if !closed {
            if !marked {
                writer.rewrite(last_batch)?;
            }
            // Also makes the file's length durable, which the next append relies on.
            writer.sync()?;
            writer.write_mark()?;
        }
        Ok(writer)
    }
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
