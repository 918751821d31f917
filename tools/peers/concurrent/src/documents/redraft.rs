//! A redraft store with a sequencer, which gives the transactions of both one order: two writers who submit to one store, each
//! against the version that they have seen.
//!
//! It is no [`Document`](crate::document::Document): there is one text, and what two people exchange goes through its store. So
//! it answers with the same [`Figures`] by itself.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use redraft::collections::Text;
use redraft::merge::Submission;
use redraft::patch::{Action, Insert, Op};
use redraft::{Durability, Options, Patch, Store, WriterId};

use crate::exchange::Step;
use crate::measure::{Figures, busy_ms, mebibytes, timed};
use crate::trace::{Edit, Trace};

/// The file is the store's log after a clean close, and what opens is the store. What is told is what both submit, and the
/// log to either.
pub(crate) fn measured(trace: &Trace, steps: &[Step<'_>]) -> Result<Option<Figures>> {
    let place = tempfile::tempdir()?;
    let path = place.path().join("store");
    fs::write("/proc/self/clear_refs", "5")?;
    let (before, idle_ms) = (mebibytes("VmRSS:")?, busy_ms()?);
    let store = open(&path)?;
    let (written, submitted) = timed(|| write(&store, steps))?;
    let (busy_ms, memory_mib) = (busy_ms()? - idle_ms, mebibytes("VmHWM:")? - before);
    ensure!(*store.state() == *trace.end_content, "the text is not what two people wrote");
    let (saved, ()) = timed(|| Ok(store.close()?))?;
    let file_bytes = length(&path)?;
    let (opened, store) = timed(|| open(&path))?;
    ensure!(*store.state() == *trace.end_content, "the text in the store is not what two people wrote");
    let [write_ms, save_ms, open_ms] = [written, saved, opened].map(|time| time.as_secs_f64() * 1000.0);
    let told_bytes = submitted + 2 * file_bytes;
    Ok(Some(Figures { write_ms, busy_ms, save_ms, open_ms, told_bytes, file_bytes, memory_mib }))
}

fn open(path: &Path) -> Result<Store<Text>> {
    let options = Options::new().durability(Durability::UnsafeNoSync).index(false);
    Ok(options.segment_bytes(1 << 20).pack_sealed(true).open(path)?)
}

/// How many bytes were submitted.
fn write(store: &Store<Text>, steps: &[Step<'_>]) -> Result<usize> {
    let writers: [WriterId; 2] = ["1".parse()?, "2".parse()?];
    // The versions that each has made; what each has told of them and the other has not taken in yet; how many it has.
    let (mut made, mut sent, mut taken) =
        ([Vec::new(), Vec::new()], [VecDeque::new(), VecDeque::new()], [0, 0]);
    let mut bytes = 0;
    for step in steps {
        match *step {
            Step::Write { who, transaction } => {
                let unseen: Option<&u64> = made[1 - who].get(taken[who]);
                let base = unseen.map_or(store.version(), |version| version - 1);
                let sequence = made[who].len() as u64 + 1;
                let submission =
                    Submission::new(base, patch(&transaction.patches)).by(writers[who], sequence);
                bytes += submission.to_bytes().len();
                made[who].push(store.merge(&submission)?.version);
            }
            Step::Send { from } => sent[from].push_back(made[from].len()),
            Step::Receive { to } => {
                taken[to] = sent[1 - to].pop_front().context("nobody told what somebody knew")?;
            }
        }
    }
    Ok(bytes)
}

fn patch(edits: &[Edit]) -> Patch {
    let splice = |Edit(at, del, ins): &Edit| {
        let ins = Insert::Text(ins.as_str().into());
        Op::new(redraft::value::Path::root(), Action::Splice { at: *at, del: *del, ins })
    };
    edits.iter().map(splice).collect()
}

fn length(path: &Path) -> Result<usize> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|ending| ending == "seg" || ending == "snap") {
            bytes += entry.metadata()?.len();
        }
    }
    usize::try_from(bytes).context("a store that large")
}
