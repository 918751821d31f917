//! One measurement: two people write, then what came of it is saved and opened again.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::exchange::Step;
use crate::trace::Trace;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Making all transactions, and telling each other.
    pub(crate) write_ms: f64,
    /// How much of that the process was computing: what else the machine does does not show in it.
    pub(crate) busy_ms: f64,
    /// Saving what one of them has.
    pub(crate) save_ms: f64,
    /// Opening what was saved, up to the text being there.
    pub(crate) open_ms: f64,
    /// What was told, by both together.
    pub(crate) told_bytes: usize,
    pub(crate) file_bytes: usize,
    /// What the process had at most while two people wrote, beyond what it had before.
    pub(crate) memory_mib: f64,
}

pub(crate) fn measure<D: Document>(trace: &Trace, steps: &[Step<'_>]) -> Result<Figures> {
    // The highest mark is set anew: reading the trace took more than what is left of that.
    fs::write("/proc/self/clear_refs", "5")?;
    let (before, idle_ms) = (mebibytes("VmRSS:")?, busy_ms()?);
    let (written, (mut documents, told_bytes)) = timed(|| write::<D>(steps))?;
    let busy_ms = busy_ms()? - idle_ms;
    let memory_mib = mebibytes("VmHWM:")? - before;
    for document in &documents {
        ensure!(document.text()? == trace.end_content, "the text is not what two people wrote");
    }
    let (saved, file) = timed(|| documents[0].save())?;
    let (opened, text) = timed(|| D::open(&file)?.text())?;
    ensure!(text == trace.end_content, "the text in the file is not what two people wrote");
    let [write_ms, save_ms, open_ms] = [written, saved, opened].map(|time| time.as_secs_f64() * 1000.0);
    Ok(Figures { write_ms, busy_ms, save_ms, open_ms, told_bytes, file_bytes: file.len(), memory_mib })
}

/// What two people have in the end, and how much they told each other.
fn write<D: Document>(steps: &[Step<'_>]) -> Result<([D; 2], usize)> {
    let mut documents = D::pair()?;
    let mut on_their_way = [VecDeque::new(), VecDeque::new()];
    let mut told_bytes = 0;
    for step in steps {
        match *step {
            Step::Write { who, transaction } => documents[who].write(&transaction.patches)?,
            Step::Send { from } => {
                let message = documents[from].send()?;
                told_bytes += D::length(&message);
                on_their_way[1 - from].push_back(message);
            }
            Step::Receive { to } => {
                let message = on_their_way[to].pop_front().context("nobody told what somebody knew")?;
                documents[to].receive(&message)?;
            }
        }
    }
    Ok((documents, told_bytes))
}

pub(crate) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let begin = Instant::now();
    let answer = work()?;
    Ok((begin.elapsed(), answer))
}

/// How long all threads of the process have been computing, as the system counts it: in hundredths of a second.
pub(crate) fn busy_ms() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program comes before, in parentheses, and may have spaces in it.
    let (_, fields) = stat.rsplit_once(')').context("no such fields")?;
    let of_user_and_system = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(of_user_and_system.sum::<Result<u64, _>>()? as f64 * 10.0)
}

pub(crate) fn mebibytes(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim_end().parse()?;
    Ok(kibibytes / 1024.0)
}
