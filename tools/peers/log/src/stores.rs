//! The logs that are measured: where they are, filled once where one will do, and removed afterwards.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::engines::Name;
use crate::options::Options;
use crate::task::{Answer, Figures, Job, Task, figures};
use crate::work::{Needs, Work};

/// What a segmented log holds.
const SEGMENTED_BYTES: u64 = 100_000_000;

const PAGE_BYTES: usize = 4 << 10;

/// Who keeps what was filled for records of one length.
pub(crate) struct Stores<'o> {
    options: &'o Options,
    bytes: u64,
    kept: HashMap<(Name, Needs), Store>,
}

/// A log, or why there is none.
type Store = std::result::Result<TempDir, Answer>;

impl<'o> Stores<'o> {
    pub(crate) fn new(options: &'o Options, bytes: u64) -> Self {
        Self { options, bytes, kept: HashMap::new() }
    }

    pub(crate) fn measure(&mut self, work: Work, engine: Name) -> Result<Answer> {
        let needs = work.needs();
        let fresh = match needs {
            Needs::Empty => Some(Ok(self.empty()?)),
            Needs::Killed => Some(self.full(engine, Job::FillAndHang)?),
            Needs::Full => {
                self.keep(engine, needs, Job::Fill)?;
                None
            }
            Needs::Segmented => {
                self.keep(engine, needs, Job::FillSegments)?;
                None
            }
        };
        let store = fresh.as_ref().or_else(|| self.kept.get(&(engine, needs)));
        match store.context("a log was just made")? {
            Ok(dir) => self.measure_in(dir.path(), work, engine),
            Err(answer) => Ok(answer.clone()),
        }
    }

    fn measure_in(&self, dir: &Path, work: Work, engine: Name) -> Result<Answer> {
        match work.job() {
            Some(job) => {
                let records = self.records(work.needs());
                self.task(engine, job, dir, records, self.options.time(work)).delegate()
            }
            None => Ok(Answer::Figures(self.space(dir)?)),
        }
    }

    fn keep(&mut self, engine: Name, needs: Needs, job: Job) -> Result<()> {
        if !self.kept.contains_key(&(engine, needs)) {
            let store = self.full(engine, job)?;
            self.kept.insert((engine, needs), store);
        }
        Ok(())
    }

    fn records(&self, needs: Needs) -> u64 {
        match needs {
            Needs::Segmented => SEGMENTED_BYTES / self.bytes,
            _ => self.options.records(),
        }
    }

    fn empty(&self) -> Result<TempDir> {
        std::fs::create_dir_all(&self.options.dir)?;
        let dir = tempfile::Builder::new().prefix("log-").tempdir_in(&self.options.dir);
        dir.context("cannot make a directory for a log")
    }

    /// A log that another process filled. Every record in it was read back, except where that would repair it.
    fn full(&self, engine: Name, job: Job) -> Result<Store> {
        let dir = self.empty()?;
        let needs = if job == Job::FillSegments { Needs::Segmented } else { Needs::Full };
        let task = |job| self.task(engine, job, dir.path(), self.records(needs), Duration::ZERO);
        let mut answer = task(job).delegate()?;
        if job != Job::FillAndHang && matches!(answer, Answer::Figures(_)) {
            answer = task(Job::Verify).delegate()?;
        }
        Ok(if matches!(answer, Answer::Figures(_)) { Ok(dir) } else { Err(answer) })
    }

    fn task(&self, engine: Name, job: Job, dir: &Path, records: u64, time: Duration) -> Task {
        Task { engine, job, bytes: self.bytes as usize, records, time, dir: dir.to_owned() }
    }

    /// As multiples of the payload.
    fn space(&self, dir: &Path) -> Result<Figures> {
        let payload = (self.options.records() * self.bytes) as f64;
        let (mut used, mut allocated) = (0, 0);
        for file in files(dir)? {
            allocated += file.metadata()?.blocks() * 512;
            used += used_bytes(file)?;
        }
        Ok(figures([("times", used as f64 / payload), ("allocated", allocated as f64 / payload)]))
    }
}

fn files(dir: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(self::files(&path)?) } else { files.push(File::open(path)?) }
    }
    Ok(files)
}

/// The bytes of all pages that are not empty: what is allocated ahead is not counted, whoever does it and however.
fn used_bytes(mut file: File) -> Result<u64> {
    let mut page = Vec::with_capacity(PAGE_BYTES);
    let mut used = 0;
    loop {
        page.clear();
        file.by_ref().take(PAGE_BYTES as u64).read_to_end(&mut page)?;
        if page.is_empty() {
            return Ok(used);
        }
        if page.iter().any(|byte| *byte != 0) {
            used += page.len() as u64;
        }
    }
}
