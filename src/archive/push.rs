//! Adds to an archive what a store has sealed since.
//!
//! Always: a segment is put once all of it was verified, after those before it; the snapshot that the log begins with is put
//! before the first segment, the others once the log that they prove is there.

use super::Archive;
use crate::backup::{Backup, Part, Source, Span};
use crate::error::{Defect, Error, ErrorKind, IoContext, Result};
use crate::io::{Access, File, read_full_at};
use crate::layout::{StoreId, numbered};
use crate::log;
use crate::log::directory::occupant;
use crate::segment::format::Codec;
use crate::segment::reader::SegmentReader;
use crate::segment::{EXTENSION, path_of};
use crate::snapshot;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// An archive that is being added to.
struct Push<'a> {
    archive: &'a Archive,
    source: &'a Source<'a>,
    there: BTreeMap<String, u64>,
    done: Backup,
}

impl Archive {
    /// Puts what is sealed in the source, and not yet in the archive.
    pub(crate) fn add(&self, source: &Source<'_>) -> Result<Backup> {
        let span = tracing::info_span!("archive", from = %source.dir.display());
        let _entered = span.enter();
        loop {
            let oldest = source.view.oldest()?;
            match self.attempt(source) {
                // What was to come next was given up meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound && source.view.oldest()? > oldest => {}
                answer => return answer,
            }
        }
    }

    fn attempt(&self, source: &Source<'_>) -> Result<Backup> {
        let there = self.disk.objects().during("list archive", &self.root())?;
        let mut push = Push { archive: self, source, there, done: Backup::default() };
        let Span { oldest, parts, .. } = source.look()?;
        let sealed: Vec<Part> = parts.into_iter().filter(|part| !part.is_last).collect();
        push.must_agree(&sealed, oldest)?;
        if !sealed.is_empty() && oldest > 0 {
            push.put_snapshot(oldest)?;
        }
        for part in &sealed {
            push.put_segment(*part)?;
        }
        let head = sealed.last().map_or(oldest, |last| last.until);
        push.put_snapshots(oldest, head)?;
        (push.done.version, push.done.oldest) = (head, oldest);
        Ok(push.done)
    }
}

impl Push<'_> {
    /// Refuses an archive of another store or history, or one whose segments begin elsewhere.
    fn must_agree(&self, sealed: &[Part], oldest: u64) -> Result<()> {
        let (env, dir) = (self.archive.env(), self.archive.root());
        if occupant(&*env.disk, &dir)?.is_some() {
            return Ok(());
        }
        let archived = log::Reader::in_env(&env, &dir, None)?;
        let (expected, found): (StoreId, StoreId) = (archived.id(), self.source.view.id());
        if expected != found {
            return Err(Error::Foreign { expected, found });
        }
        let (theirs, head) = (archived.head()?, self.source.view.head()?);
        if theirs < oldest {
            return Ok(());
        }
        let agreed = oldest.max(archived.oldest()?);
        let differs = archived.first_difference(
            |offset| self.source.view.chain_at(offset),
            agreed,
            theirs.min(head),
        )?;
        if let Some(offset) = differs.or((theirs > head).then_some(head)) {
            return Err(Error::Diverged { offset, source_head: head, replica_head: theirs });
        }
        let ends_here = |part: &Part| part.until == theirs;
        match theirs == oldest || sealed.iter().any(ends_here) {
            true => Ok(()),
            false => Err(Error::Exists { path: dir }),
        }
    }

    fn put_segment(&mut self, part: Part) -> Result<()> {
        let path = path_of(self.source.dir, part.base);
        let name = numbered(part.base, EXTENSION);
        // It was held against the source's history.
        if self.there.contains_key(&name) {
            self.done.segments_kept += 1;
            return Ok(());
        }
        let mut reader = SegmentReader::open(self.source.disk, path.clone(), part.base)?;
        debug_assert!(reader.header().codec == Codec::Change, "only stores are archived");
        reader.walk_to(part.until)?;
        let sealed =
            reader.seal()?.filter(|footer| (footer.data_end, footer.chain) == (reader.at(), reader.chain()));
        if sealed.is_none() {
            return Err(reader.damage_here(Defect::Unsealed { successor: part.until }));
        }
        self.done.copied_bytes += self.put_file(&path, &name)?;
        self.done.segments_copied += 1;
        Ok(())
    }

    fn put_snapshots(&mut self, oldest: u64, head: u64) -> Result<()> {
        let names = self.source.disk.list(self.source.dir).during("list store", self.source.dir)?;
        let versions = snapshot::versions_in(&names);
        let is_wanted =
            |version: &u64| (oldest..=head).contains(version) && self.source.may_have_whole(*version);
        let wanted: Vec<u64> = versions.into_iter().filter(is_wanted).collect();
        for version in wanted {
            match self.put_snapshot(version) {
                Err(Error::Damaged(damage)) => {
                    tracing::warn!(%damage, "a damaged snapshot is not archived");
                    self.done.passed_over.push(damage);
                }
                // The source has thinned its snapshots meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                answer => answer?,
            }
        }
        Ok(())
    }

    fn put_snapshot(&mut self, version: u64) -> Result<()> {
        let path = snapshot::path_of(self.source.dir, version);
        let name = snapshot::name_of(version);
        let bytes = snapshot::length(self.source.disk, &path)?;
        if self.there.get(&name) == Some(&bytes) {
            self.done.snapshots_kept += 1;
            return Ok(());
        }
        self.source.check_snapshot(&path, version)?;
        self.done.copied_bytes += self.put_file(&path, &name)?;
        self.done.snapshots_copied += 1;
        self.there.insert(name, bytes);
        Ok(())
    }

    /// Puts a file as it is. Its length.
    fn put_file(&self, path: &Path, name: &str) -> Result<u64> {
        let file = self.source.disk.open(path, Access::Read).during("open", path)?;
        let bytes = file.len().during("measure", path)?;
        let mut unread = None;
        let put = self.archive.disk.remote.put(name, bytes, |part| {
            read_part(&*file, part).inspect_err(|error| unread = Some(error.kind()))
        });
        match unread {
            Some(kind) => Err(kind.into()).during("read", path),
            None => put.during("put into archive", &self.archive.root().join(name)).map(|()| bytes),
        }
    }
}

/// A part of a file that was measured before.
fn read_part(file: &dyn File, part: Range<u64>) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; (part.end - part.start) as usize];
    match read_full_at(file, &mut bytes, part.start)? == bytes.len() {
        true => Ok(bytes),
        false => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}
