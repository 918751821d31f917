//! [`Found`]: a log as its next writer finds it, before anything is changed.
//!
//! Whoever wants to know more than that its bytes are good, such as whether its state can be read, looks through
//! [`reader`](Found::reader) first and then [mends](Found::mend). Leaves judging to `segment::recovery`. Always: until it is
//! mended, the disk is as it was.

use super::durable::Durable;
use super::{Log, Options, Reader, directory, remove_segments};
use crate::error::{IoContext, Result, Role};
use crate::exchange;
use crate::io::Lock;
use crate::segment::bases_in;
use crate::segment::positions::Positions;
use crate::segment::recovery::{self, Cut, Layout, Proven};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log that is locked and was looked at.
#[derive(Debug)]
pub(crate) struct Found {
    options: Options,
    dir: PathBuf,
    /// All names in the directory.
    names: Vec<String>,
    /// Where the segments begin, those among them that were given up.
    bases: Vec<u64>,
    layout: Layout,
    lock: Box<dyn Lock>,
}

impl Found {
    /// Looks at the log in `dir` for somebody who takes it for a `wanted` and has its lock. A log that ends before what a snapshot
    /// has `proven` to be durable is damaged, not torn. Costs what [`Log::open`] tells.
    pub(crate) fn look(
        options: &Options,
        dir: &Path,
        wanted: Role,
        proven: Option<&Proven>,
        lock: Box<dyn Lock>,
    ) -> Result<Found> {
        let disk = &*options.env.disk;
        let names = disk.list(dir).during("list store", dir)?;
        let bases = bases_in(&names);
        let layout = recovery::inspect(disk, dir, &bases)?;
        // Only who knows what the records are knows what proves them.
        Role::of(&layout.active.header).must_be(wanted, dir)?;
        layout.reaches(proven)?;
        Ok(Found { options: options.clone(), dir: dir.to_owned(), names, bases, layout, lock })
    }

    /// The offset after the last record that will be kept.
    pub(crate) fn head(&self) -> u64 {
        self.layout.head()
    }

    /// Reads what will be kept. Costs four bytes for each record of the last segment.
    pub(crate) fn reader(&self) -> Reader {
        let (env, header) = (&self.options.env, &self.layout.active.header);
        let positions =
            Positions::of(self.layout.active.table.clone(), self.layout.active.end, header.allocated);
        let kept = self.bases.iter().copied().filter(|&base| base >= header.origin).collect();
        let durable = Durable::new(self.head(), kept, Arc::new(positions));
        Reader::of_writer(env, &self.dir, header.store, Arc::new(durable))
    }

    /// Does what opening does to a log: cuts a torn tail, finishes an interrupted roll, removes what was unfinished or given up.
    pub(crate) fn mend(self) -> Result<(Log, Option<Cut>)> {
        let Found { options, dir, names, bases, layout, lock } = self;
        let span = tracing::info_span!("recover", dir = %dir.display());
        let _entered = span.enter();
        let disk = &*options.env.disk;
        directory::remove_unfinished(disk, &dir, &names)?;
        exchange::sweep(disk, &dir);
        let (cut, origin) = (layout.torn.clone(), layout.active.header.origin);
        let writer = layout.mend(disk, &dir)?;
        let (given_up, bases) = bases.into_iter().partition(|&base| base < origin);
        remove_segments(disk, &dir, given_up)?;
        tracing::info!(head = writer.head(), torn = cut.is_some(), "log is ready");
        Ok((Log::over(&options, &dir, writer, bases, cut.clone(), lock), cut))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, directory};
    use super::Found;
    use crate::error::Role;
    use crate::io::{Env, MemoryDisk};
    use crate::segment::path_of;
    use std::path::Path;

    /// As a process that was killed while it gave up the beginning leaves it.
    #[test]
    fn what_was_given_up_is_neither_read_nor_kept_and_nothing_is_changed_before_mending() {
        let (disk, dir) = (MemoryDisk::new(), Path::new("/store"));
        let options = Options::new().env(Env::simulated(disk.clone(), 7)).segment_bytes(512);
        let log = options.open(dir).unwrap();
        (0..14u8).for_each(|offset| assert_eq!(log.append(&[offset; 90]).unwrap(), u64::from(offset)));
        let before: Vec<_> =
            log.bases().into_iter().map(|base| (base, disk.bytes(&path_of(dir, base)).unwrap())).collect();
        let oldest = log.truncate_front(8).unwrap();
        let kept = log.bases();
        log.close().unwrap();
        for (base, bytes) in before.iter().filter(|(base, _)| *base < oldest) {
            disk.put(&path_of(dir, *base), bytes.clone());
        }
        let files = disk.files();
        let lock = directory::lock(&*options.env.disk, dir).unwrap();
        let found = Found::look(&options, dir, Role::Log, None, lock).unwrap();
        assert_eq!((found.head(), found.reader().oldest().unwrap()), (14, oldest));
        assert_eq!(found.reader().head().unwrap(), 14);
        (oldest..14).for_each(|offset| assert_eq!(found.reader().read(offset).unwrap(), [offset as u8; 90]));
        found.reader().read(oldest - 1).unwrap_err();
        assert_eq!(disk.files(), files, "looking changed something");
        let (log, cut) = found.mend().unwrap();
        assert!(cut.is_none() && oldest > 0 && files.len() > log.segment_count() + 1);
        assert_eq!((log.oldest(), log.end()), (oldest, 14));
        assert_eq!(log.bases(), kept);
        let gone = before.iter().filter(|(base, _)| *base < oldest);
        assert!(gone.into_iter().all(|(base, _)| disk.bytes(&path_of(dir, *base)).is_none()));
    }
}
