//! What we promise of redraft's log, and whether it is kept. All but absolute times and sizes are ratios of one run.

use crate::engines::Name;
use crate::result::Results;
use crate::work::Work;

#[derive(Clone, Copy, Debug)]
enum Goal {
    /// So many times as much as raw, at least.
    OfRaw(f64),
    /// So many times as much as raw, at most.
    OfRawAtMost(f64),
    /// So many times as much as in another work, at least.
    OfWork(Work, f64),
    /// Another figure of the work, at least.
    AtLeast(&'static str, f64),
    /// So much and no more.
    AtMost(f64),
}

/// Some are promised of short records only: what a longer one costs is the disk or the memory, not the log.
fn goal(work: Work, bytes: u64) -> Option<Goal> {
    let short = bytes <= 128;
    Some(match work {
        Work::AppendSynced => Goal::OfRaw(0.97),
        Work::AppendShared => Goal::OfRaw(1.3),
        Work::AppendInFlight => Goal::OfWork(Work::BatchesSynced, 0.8),
        Work::BatchesSynced => Goal::OfRaw(0.9),
        Work::AppendUnsynced if short => Goal::OfRaw(3.5),
        Work::AppendUnsynced => return None,
        Work::BatchesUnsynced => Goal::OfRaw(0.8),
        Work::OpenClosed => Goal::AtMost(1.0),
        Work::OpenKilled => Goal::AtMost(15.0),
        Work::OpenSegments => Goal::AtMost(20.0),
        Work::Replay => Goal::AtLeast("of reference", 0.65),
        Work::Middle => Goal::AtMost(12.0),
        Work::Points => Goal::OfRaw(0.92),
        Work::Disk => Goal::AtMost(if short { 1.08 } else { 1.02 }),
        Work::Memory => Goal::AtMost(16.0),
        Work::Latency => Goal::OfRawAtMost(1.5),
    })
}

/// Every goal that was missed, in a sentence.
pub(crate) fn misses(results: &Results, works: &[Work], lengths: &[u64]) -> Vec<String> {
    let all = works.iter().flat_map(|work| lengths.iter().map(move |bytes| (*work, *bytes)));
    all.filter_map(|(work, bytes)| miss(results, work, bytes)).collect()
}

pub(crate) fn missed(results: &Results, work: Work, bytes: u64, engine: Name) -> bool {
    engine == Name::Redraft && miss(results, work, bytes).is_some()
}

/// What was not measured is not missed; what failed is.
fn miss(results: &Results, work: Work, bytes: u64) -> Option<String> {
    results.outcome(work, bytes, Name::Redraft)?;
    let main = results.main_figure(work, bytes, Name::Redraft);
    let of_raw = main / results.main_figure(work, bytes, Name::Raw);
    let (value, limit, kept) = match goal(work, bytes)? {
        Goal::OfRaw(least) => (of_raw, least, of_raw >= least),
        Goal::OfRawAtMost(most) => (of_raw, most, of_raw <= most),
        Goal::AtMost(most) => (main, most, main <= most),
        Goal::AtLeast(figure, least) => {
            let value = results.figure(work, bytes, Name::Redraft, figure);
            (value, least, value >= least)
        }
        Goal::OfWork(other, least) => {
            let value = main / results.main_figure(other, bytes, Name::Redraft);
            (value, least, value >= least)
        }
    };
    let (number, title) = (work.number(), work.title());
    (!kept).then(|| format!("{number}. {title}, {bytes} B: {value:.2}, not {limit}"))
}
