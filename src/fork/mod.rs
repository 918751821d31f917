//! Forks: the history of a store up to some version, in a directory of its own that goes on from there, for no more than links.
//!
//! Sealed segments and snapshots never change, so a fork has other names for the files of its source. It has a file of its own for
//! what it will write: a segment that begins at its version, or where that lies inside of one, a copy of what is before it there.
//! `stage` is the directory on its way. Whose methods these are is `store`'s.
//!
//! Always: the source is only read; the target is a store once it is complete, or not at all; what is linked was durable for good,
//! so that nobody has to write it again.

mod stage;

use crate::backup::{Part, Source, Span};
use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Result};
use crate::exchange;
use crate::history::base_missing;
use crate::io::{Disk, Env};
use crate::log::directory::{must_be_free, occupant};
use crate::segment::copy::Piecework;
use crate::segment::footer::{Ending, Table};
use crate::segment::format::{HEADER_BYTES, Header, Item, push_frame};
use crate::segment::reader::SegmentReader;
use crate::segment::{path_of, recovery};
use crate::snapshot;
use stage::Stage;
use std::path::Path;

/// What a fork came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The version that it goes on from. The next one says so, and is its newest.
    pub version: u64,
    /// The oldest version in it.
    pub oldest: u64,
    /// How many segments it shares with its source.
    pub segments_linked: usize,
    /// How many were copied, because the file system has no links, or is another one than that of the source.
    pub segments_copied: usize,
    /// How many snapshots it shares with its source.
    pub snapshots_linked: usize,
    /// How many were copied, for the same reasons.
    pub snapshots_copied: usize,
    /// How many bytes of files were written, those of the segment that it goes on with among them.
    pub copied_bytes: u64,
}

/// Refuses a target that is something already, or lies inside of a store.
pub(crate) fn must_be_possible(disk: &dyn Disk, target: &Path) -> Result<()> {
    for dir in target.ancestors().skip(1) {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        // One that cannot be looked into is not to be a store.
        if let Ok(None) = occupant(disk, dir) {
            return Err(Error::Inside { path: target.to_owned(), store: dir.to_owned() });
        }
    }
    must_be_free(disk, target)
}

/// Where a fork begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch<'a> {
    /// What is before this version is durable in the source.
    pub(crate) version: u64,
    /// The body of the record behind it.
    pub(crate) first: &'a [u8],
    /// Whether the view of the source is that of its writer, which knows better what is sealed.
    pub(crate) beside_writer: bool,
}

/// Makes a fork of the source in `target`.
pub(crate) fn fork(env: &Env, source: &Source<'_>, branch: Branch<'_>, target: &Path) -> Result<Fork> {
    let span = tracing::info_span!("fork", version = branch.version, target = %target.display());
    let _entered = span.enter();
    let stage = Stage::claim(&*env.disk, target)?;
    let done = undisturbed(source, &stage, || Forking::new(source, &stage, branch)?.all())?;
    stage.become_the_target()?;
    tracing::info!(copied_bytes = done.copied_bytes, "forked");
    Ok(done)
}

/// Tries again as long as somebody gives up the beginning of the source, or makes its history anew, meanwhile.
fn undisturbed(source: &Source<'_>, stage: &Stage<'_>, attempt: impl Fn() -> Result<Fork>) -> Result<Fork> {
    let state = || -> Result<(u64, u32)> {
        exchange::must_be_over(source.disk, source.dir)?;
        Ok((source.view.oldest()?, source.view.header()?.epoch))
    };
    loop {
        let before = state()?;
        let answer = attempt();
        let disturbance = |error: &Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Damage);
        if answer.as_ref().is_err_and(|error| !disturbance(error)) || before == state()? {
            return answer;
        }
        stage.clear()?;
    }
}

fn count(shared: Option<u64>, linked: &mut usize, copied: &mut usize, bytes: &mut u64) {
    match shared {
        None => *linked += 1,
        Some(length) => {
            *copied += 1;
            *bytes += length;
        }
    }
}

/// One attempt.
struct Forking<'a> {
    source: &'a Source<'a>,
    stage: &'a Stage<'a>,
    branch: Branch<'a>,
    span: Span,
    /// As the newest segment of the source says it.
    newest: Header,
}

impl<'a> Forking<'a> {
    fn new(source: &'a Source<'a>, stage: &'a Stage<'a>, branch: Branch<'a>) -> Result<Self> {
        let (span, version) = (source.look()?, branch.version);
        let Span { oldest, head, .. } = span;
        match version {
            _ if version > head => Err(Error::BeyondHead { version, head }),
            _ if version < oldest => Err(Error::Compacted { version, oldest }),
            _ => Ok(Forking { source, stage, branch, span, newest: source.view.header()? }),
        }
    }

    fn all(&self) -> Result<Fork> {
        let Forking { branch: Branch { version, .. }, span: Span { oldest, .. }, .. } = *self;
        let mut done = Fork { version, oldest, ..Fork::default() };
        self.share_snapshots(&mut done)?;
        let own = self.own()?;
        for part in self.span.parts.iter().take_while(|part| part.base < own.base) {
            let shared = self.stage.share(&path_of(self.source.dir, part.base))?;
            count(shared, &mut done.segments_linked, &mut done.segments_copied, &mut done.copied_bytes);
        }
        done.copied_bytes += self.write_own(own)?;
        self.stage.sync()?;
        self.must_be_whole()?;
        Ok(done)
    }

    /// The segment of the source that the version lies in or begins. All before it were sealed for good, and so can be shared.
    fn own(&self) -> Result<Part> {
        let parts = &self.span.parts;
        let index = parts.partition_point(|part| part.base <= self.branch.version) - 1;
        match index.checked_sub(1) {
            Some(before) if !self.follows_a_seal(parts[index])? => Ok(parts[before]),
            _ => Ok(parts[index]),
        }
    }

    /// Whether the segment before `next` was sealed durably. Its writer tells of `next` once it was; beside the writer, that `next` was
    /// written to, or closed, tells. Otherwise a session may have failed to seal it, and what is seen of that is in memory only.
    fn follows_a_seal(&self, next: Part) -> Result<bool> {
        let Source { disk, dir, view } = self.source;
        if self.branch.beside_writer {
            return Ok(view.base_of(next.base)? == next.base);
        }
        let mut reader = SegmentReader::open(*disk, path_of(dir, next.base), next.base)?;
        let is_written = matches!(reader.look()?, Item::Record { .. });
        Ok(is_written || reader.footer()?.is_some_and(|footer| footer.ending == Ending::AtRest))
    }

    /// Older ones first: what a delta continues goes after it.
    fn share_snapshots(&self, done: &mut Fork) -> Result<()> {
        let Forking { source: &Source { disk, dir, .. }, span: Span { oldest, .. }, .. } = *self;
        let mut versions = snapshot::versions_in(&disk.list(dir).during("list store", dir)?);
        versions.retain(|&taken| taken <= self.branch.version);
        if oldest > 0 && !versions.contains(&oldest) {
            return Err(base_missing(dir, oldest));
        }
        for taken in versions {
            match self.stage.share(&snapshot::path_of(dir, taken)) {
                Ok(shared) => {
                    let (linked, copied) = (&mut done.snapshots_linked, &mut done.snapshots_copied);
                    count(shared, linked, copied, &mut done.copied_bytes);
                }
                // The source has thinned its snapshots meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound && taken != oldest => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The segment that the fork goes on with: the records of a segment of the source before the version, verified, and the first of its
    /// own, at rest. It has no room for more, so the next one begins a segment as long as its writer wants them.
    fn write_own(&self, part: Part) -> Result<u64> {
        let Forking { source, stage, branch, newest, .. } = self;
        let path = path_of(source.dir, part.base);
        let mut reader = SegmentReader::open(source.disk, path.clone(), part.base)?;
        let mut positions = Vec::new();
        while reader.offset() < branch.version {
            positions.push(reader.at() as u32);
            reader.walk_to(reader.offset() + 1)?;
        }
        positions.push(reader.at() as u32);
        let mut added = Vec::new();
        let chain = push_frame(&mut added, branch.first, reader.chain());
        let header = Header {
            replica: false,
            backup: false,
            base: part.base,
            allocated: 0,
            origin: self.span.oldest,
            chain: reader.header().chain,
            ..*newest
        };
        let work = Piecework {
            source: path,
            target: path_of(&stage.dir, part.base),
            header,
            kept: HEADER_BYTES as u64..reader.at(),
            added,
            count: positions.len() as u32,
            chain,
            table: Table { stride: 1, positions },
            ending: Ending::AtRest,
        };
        work.write(source.disk, stage.disk)
    }

    /// Looks at what was made as opening does: the source may have changed while it was.
    fn must_be_whole(&self) -> Result<()> {
        let layout = recovery::inspect(self.stage.disk, &self.stage.dir, &self.stage.bases()?)?;
        let expected = self.branch.version + 1;
        match layout.head() == expected {
            true => Ok(()),
            false => {
                let defect = Defect::Gap { expected, found: layout.head() };
                Err(Damage { path: layout.active_path, byte: 0, defect, intact: None }.into())
            }
        }
    }
}
