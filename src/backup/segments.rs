//! Copies segments into a backup, so that what is there is a log at every step.
//!
//! A log may end with a segment at rest, or with one and an empty one behind it. So a segment is first written as one at rest,
//! under a name of its own that then replaces what was there of it; then its successor, without records; then it is sealed; then
//! the successor is written with records. Each of these is one rename, or what any log does when it goes on to a new segment.
//!
//! Always: a record is copied only if it continues the chain of what the backup has.

use super::target::{Tail, Target, is_sealed};
use super::{Part, Source, Span};
use crate::error::{Damage, Defect, Error, ErrorKind, Result};
use crate::segment::copy::Piecework;
use crate::segment::footer::{Ending, Table};
use crate::segment::format::{HEADER_BYTES, Header};
use crate::segment::path_of;
use crate::segment::reader::SegmentReader;
use crate::segment::recovery::survey;
use crate::segment::writer::SegmentWriter;

impl Target<'_> {
    /// Copies what the backup does not have of what the source has.
    pub(super) fn copy_segments(&mut self, source: &Source<'_>, span: &Span) -> Result<()> {
        let Span { oldest, parts, .. } = span;
        let from = match self.tail {
            None => 0,
            Some(tail) => match parts.iter().position(|part| part.base == tail.header.base) {
                Some(index) if parts[index].until >= tail.head => index,
                // What comes next was given up: the backup goes on behind the gap, and gives up what is before.
                None if *oldest >= tail.head => 0,
                // A copy of this store whose segments begin elsewhere, as those of a replica do.
                _ => return Err(Error::Exists { path: self.dir.to_owned() }),
            },
        };
        parts[from..].iter().try_for_each(|part| self.copy_segment(source, *part, *oldest))
    }

    fn copy_segment(&mut self, source: &Source<'_>, part: Part, oldest: u64) -> Result<()> {
        if let Some(tail) = self.tail
            && tail.head == part.base
            && tail.header.base < part.base
        {
            self.roll()?;
        }
        let origin = self.origin_with(part, oldest);
        let is_there =
            |tail: Tail| (tail.header.base, tail.head, tail.header.origin) == (part.base, part.until, origin);
        if !self.tail.is_some_and(is_there) {
            if origin > 0 && origin != self.oldest() {
                self.copy_beginning(source, origin)?;
            }
            self.write_at_rest(source, part, origin)?;
        }
        if part.is_last { Ok(()) } else { self.roll() }
    }

    /// The snapshot that the backup is to begin with.
    fn copy_beginning(&mut self, source: &Source<'_>, oldest: u64) -> Result<()> {
        match self.copy_snapshot(source, oldest) {
            Err(error) if error.kind() == ErrorKind::NotFound && source.view.oldest()? == oldest => {
                let (path, defect) = (path_of(source.dir, oldest), Defect::BaseMissing { oldest });
                Err(Damage { path, byte: 0, defect, intact: None }.into())
            }
            answer => answer,
        }
    }

    /// Where the backup begins once it ends with this part: where it did, until the last part brings it to where the source
    /// begins. Until then, the older beginning is there.
    fn origin_with(&self, part: Part, oldest: u64) -> u64 {
        let goes_on = self.tail.is_some_and(|tail| tail.header.base == part.base || tail.head == part.base);
        let is_known = part.base == oldest || self.bases.contains(&oldest);
        match goes_on && !(part.is_last && is_known) {
            true => self.oldest(),
            false => oldest.max(self.oldest()),
        }
    }

    /// Writes the records of a part, with the header and ending of a segment at rest. Two syncs.
    fn write_at_rest(&mut self, source: &Source<'_>, part: Part, origin: u64) -> Result<()> {
        let path = path_of(source.dir, part.base);
        let mut reader = SegmentReader::open(source.disk, path.clone(), part.base)?;
        self.must_continue(&reader)?;
        let (header, mut positions) = (*reader.header(), Vec::new());
        while reader.offset() < part.until {
            positions.push(reader.at() as u32);
            reader.walk_to(reader.offset() + 1)?;
        }
        let header = Header { backup: true, origin, ..header };
        let work = Piecework {
            source: path,
            target: path_of(self.dir, part.base),
            header,
            kept: HEADER_BYTES as u64..reader.at(),
            added: Vec::new(),
            count: positions.len() as u32,
            chain: reader.chain(),
            table: Table { stride: 1, positions },
            ending: Ending::AtRest,
        };
        self.copied.bytes += work.write(source.disk, self.disk())?;
        self.sync()?;
        self.copied.segments.insert(part.base);
        self.ends_with(Tail { header, head: reader.offset(), chain: reader.chain() });
        Ok(())
    }

    fn ends_with(&mut self, tail: Tail) {
        let base = tail.header.base;
        self.bases.retain(|&known| known != base);
        self.bases.push(base);
        self.tail = Some(tail);
    }

    /// Refuses a segment of the source that does not go on where the backup ends, or begins with what it ends with.
    fn must_continue(&self, next: &SegmentReader) -> Result<()> {
        let header = next.header();
        let expected = match self.tail {
            Some(tail) if tail.header.base == header.base => tail.header.chain,
            Some(tail) if tail.head == header.base => tail.chain,
            _ => header.chain,
        };
        if header.chain == expected {
            return Ok(());
        }
        let defect = Defect::Chain { expected, found: header.chain };
        Err(Damage { path: next.path().to_owned(), byte: 0, defect, intact: Some(header.base) }.into())
    }

    /// Puts a segment without records behind the one the backup ends with, and seals that. Five syncs.
    fn roll(&mut self) -> Result<()> {
        let Some(Tail { header: full, head, chain }) = self.tail else { return Ok(()) };
        let (header, target) = (Header { base: head, chain, ..full }, path_of(self.dir, head));
        let work = Piecework {
            source: target.clone(),
            target,
            header,
            kept: 0..0,
            added: Vec::new(),
            count: 0,
            chain,
            table: Table { stride: 1, positions: Vec::new() },
            ending: Ending::AtRest,
        };
        self.copied.bytes += work.write(self.disk(), self.disk())?;
        self.sync()?;
        self.copied.segments.insert(head);
        self.ends_with(Tail { header, head, chain });
        self.seal(full.base)
    }

    /// Seals a segment that an empty one follows.
    fn seal(&self, base: u64) -> Result<()> {
        let path = path_of(self.dir, base);
        let mut reader = SegmentReader::open(self.disk(), path.clone(), base)?;
        let extent = survey(&mut reader)?.extent;
        SegmentWriter::resume(self.disk(), path, extent)?.seal()
    }

    /// Seals the last segment but one, if a run before this one was interrupted before it did.
    pub(super) fn finish_a_roll(&self) -> Result<()> {
        let before = self.bases.len().checked_sub(2).map(|index| self.bases[index]);
        match (before, self.tail) {
            (Some(base), Some(tail))
                if base >= tail.header.origin && !is_sealed(self.disk(), self.dir, base)? =>
            {
                self.seal(base)
            }
            _ => Ok(()),
        }
    }
}
