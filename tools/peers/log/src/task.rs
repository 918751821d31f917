//! What one process does for the harness: a job with an engine, told as one argument and answered in one line. `jobs` does it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio, exit};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, Lacks, lacks};
use crate::engines::{Name, PLACE, QUIET};
use crate::jobs;
use crate::records::Records;

/// An engine may write to the standard output too.
const MARK: &str = "answer ";

/// Some engine may wait for ever.
const TIME_MAX: Duration = Duration::from_secs(900);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    AppendSynced,
    AppendShared,
    AppendInFlight,
    BatchesSynced,
    AppendUnsynced,
    BatchesUnsynced,
    /// Fills a log and closes it.
    Fill,
    /// Fills a log and waits to be killed.
    FillAndHang,
    /// Fills a log in a thousand segments and closes it.
    FillSegments,
    Open,
    Verify,
    Replay,
    Middle,
    Points,
    Memory,
    Latency,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) engine: Name,
    pub(crate) job: Job,
    /// How long a record is.
    pub(crate) bytes: usize,
    /// How many records a log is filled with.
    pub(crate) records: u64,
    /// How long something is measured that has no end of its own.
    pub(crate) time: Duration,
    pub(crate) dir: PathBuf,
}

/// What was measured, by name.
pub(crate) type Figures = BTreeMap<String, f64>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Figures(Figures),
    /// The engine's interface has nothing for it, and why.
    Lacks(String),
    /// It went wrong, or records were lost.
    Failed(String),
}

pub(crate) fn figures<const N: usize>(named: [(&str, f64); N]) -> Figures {
    named.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

impl Task {
    /// Does the task in this process, and says what came of it.
    pub(crate) fn answer(&self) -> Result<()> {
        thread::spawn(|| {
            thread::sleep(TIME_MAX);
            exit(1)
        });
        let answer = match self.engine.perform(self) {
            Ok(figures) => Answer::Figures(figures),
            Err(error) => match error.downcast_ref::<Lacks>() {
                Some(Lacks(what)) => Answer::Lacks((*what).to_owned()),
                None => Answer::Failed(format!("{error:#}").replace(&*self.dir.to_string_lossy(), "DIR")),
            },
        };
        let mut out = stdout().lock();
        writeln!(out, "\n{MARK}{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
        if self.job == Job::FillAndHang { jobs::fill::hang() } else { Ok(()) }
    }

    pub(crate) fn perform<E: Engine + Sync>(&self) -> Result<Figures> {
        match self.job {
            Job::AppendShared => jobs::append::shared::<E>(self, &Records::new(self.bytes)),
            _ => self.perform_alone::<E>(),
        }
    }

    /// With an engine that stays in one thread.
    pub(crate) fn perform_alone<E: Engine>(&self) -> Result<Figures> {
        let records = Records::new(self.bytes);
        match self.job {
            Job::AppendSynced => jobs::append::one_by_one::<E>(self, &records),
            Job::AppendShared => lacks("cannot be used from several threads"),
            Job::AppendInFlight => jobs::append::in_flight::<E>(self, &records),
            Job::BatchesSynced => jobs::append::batches::<E>(self, &records),
            Job::AppendUnsynced => jobs::append::unsynced::<E>(self, &records),
            Job::BatchesUnsynced => jobs::append::unsynced_batches::<E>(self, &records),
            Job::Fill => jobs::fill::and_close::<E>(self, &records),
            Job::FillAndHang => jobs::fill::and_hang::<E>(self, &records),
            Job::FillSegments => jobs::fill::segments::<E>(self, &records),
            Job::Open => jobs::open::open::<E>(self),
            Job::Verify => jobs::read::verify::<E>(self, &records),
            Job::Replay => jobs::read::replay::<E>(self),
            Job::Middle => jobs::read::middle::<E>(self, &records),
            Job::Points => jobs::read::points::<E>(self, &records),
            Job::Memory => jobs::memory::memory::<E>(self, &records),
            Job::Latency => jobs::latency::latency::<E>(self, &records),
        }
    }

    /// Has another process do the task. One that hangs is killed when it has answered.
    pub(crate) fn delegate(&self) -> Result<Answer> {
        let mut process = self.process()?.spawn().context("cannot start another process")?;
        let line = answer_of(&mut process)?;
        if self.job == Job::FillAndHang {
            process.kill()?;
        }
        let status = process.wait()?;
        match line {
            Some(line) => Ok(serde_json::from_str(&line)?),
            None => Ok(Answer::Failed(format!("ended without an answer: {status}"))),
        }
    }

    fn process(&self) -> Result<Command> {
        let mut process = Command::new(std::env::current_exe()?);
        process.arg("--task").arg(serde_json::to_string(self)?);
        process.env(PLACE, &self.dir).env(QUIET, "1").stdout(Stdio::piped());
        Ok(process)
    }
}

/// The line that the process answers with, the last that it says.
fn answer_of(process: &mut Child) -> Result<Option<String>> {
    let out = process.stdout.take().context("a process without output")?;
    for line in BufReader::new(out).lines() {
        if let Some(answer) = line?.strip_prefix(MARK) {
            return Ok(Some(answer.to_owned()));
        }
    }
    Ok(None)
}
