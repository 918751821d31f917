//! What is measured, by the number it has in the tables.

use crate::engines::Name;
use crate::task::Job;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    AppendSynced,
    AppendShared,
    AppendInFlight,
    BatchesSynced,
    AppendUnsynced,
    BatchesUnsynced,
    OpenClosed,
    OpenKilled,
    OpenSegments,
    Replay,
    Middle,
    Points,
    Disk,
    Memory,
    Latency,
}

/// What log a work needs before it can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Needs {
    Empty,
    /// The same for all rounds: measuring it changes nothing.
    Full,
    /// A new one each time: opening it repairs it.
    Killed,
    /// As the full one, in a thousand segments.
    Segmented,
}

impl Work {
    pub(crate) const ALL: [Self; 15] = [
        Self::AppendSynced,
        Self::AppendShared,
        Self::AppendInFlight,
        Self::BatchesSynced,
        Self::AppendUnsynced,
        Self::BatchesUnsynced,
        Self::OpenClosed,
        Self::OpenKilled,
        Self::OpenSegments,
        Self::Replay,
        Self::Middle,
        Self::Points,
        Self::Disk,
        Self::Memory,
        Self::Latency,
    ];

    /// Work 8 shows what only redraft promises; some peers take for ever to make so many segments.
    pub(crate) fn is_for(self, engine: Name) -> bool {
        self != Self::OpenSegments || matches!(engine, Name::Raw | Name::Redraft)
    }

    pub(crate) fn number(self) -> u32 {
        match self {
            Self::AppendSynced => 1,
            Self::AppendShared => 2,
            Self::AppendInFlight => 3,
            Self::BatchesSynced => 4,
            Self::AppendUnsynced => 5,
            Self::BatchesUnsynced => 6,
            Self::OpenClosed | Self::OpenKilled => 7,
            Self::OpenSegments => 8,
            Self::Replay => 9,
            Self::Middle => 10,
            Self::Points => 11,
            Self::Disk => 12,
            Self::Memory => 13,
            Self::Latency => 14,
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::AppendSynced => "append, one thread, each synced",
            Self::AppendShared => "append, 8 threads, each synced",
            Self::AppendInFlight => "append, one thread with 1,000 in flight, each synced",
            Self::BatchesSynced => "append batches of 1,000, each synced",
            Self::AppendUnsynced => "append one by one, not synced",
            Self::BatchesUnsynced => "append batches of 1,000, not synced",
            Self::OpenClosed => "open after a clean close",
            Self::OpenKilled => "open after a crash",
            Self::OpenSegments => "open 100 MB in 1,000 segments",
            Self::Replay => "replay everything, verified, page cache warm",
            Self::Middle => "first record from the middle",
            Self::Points => "random point reads, one thread",
            Self::Disk => "bytes on disk",
            Self::Memory => "memory after writing and reading everything",
            Self::Latency => "99.9th percentile of a synced append over its median, segments rolling",
        }
    }

    /// The figures of the work, with their units. The first is the one that is compared.
    pub(crate) fn figures(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::OpenClosed | Self::OpenKilled | Self::OpenSegments => &[("ms", "ms")],
            Self::Replay => {
                &[("rate", "records/s"), ("of reference", "of copying and checksumming in memory")]
            }
            Self::Middle => &[("us", "us")],
            Self::Disk => &[("times", "times the payload"), ("allocated", "with what is allocated ahead")],
            Self::Memory => &[("MiB", "MiB"), ("peak", "MiB at the peak")],
            Self::Latency => &[
                ("ratio", "times the median"),
                ("slow", "us, 99.9th percentile"),
                ("median", "us, median"),
                ("slowest", "us, the slowest"),
            ],
            _ => &[("rate", "records/s")],
        }
    }

    pub(crate) fn main_figure(self) -> &'static str {
        self.figures()[0].0
    }

    pub(crate) fn needs(self) -> Needs {
        match self {
            Self::OpenClosed | Self::Replay | Self::Middle | Self::Points | Self::Disk => Needs::Full,
            Self::OpenKilled => Needs::Killed,
            Self::OpenSegments => Needs::Segmented,
            _ => Needs::Empty,
        }
    }

    /// What a process does that measures it. Disk space needs none.
    pub(crate) fn job(self) -> Option<Job> {
        match self {
            Self::AppendSynced => Some(Job::AppendSynced),
            Self::AppendShared => Some(Job::AppendShared),
            Self::AppendInFlight => Some(Job::AppendInFlight),
            Self::BatchesSynced => Some(Job::BatchesSynced),
            Self::AppendUnsynced => Some(Job::AppendUnsynced),
            Self::BatchesUnsynced => Some(Job::BatchesUnsynced),
            Self::OpenClosed | Self::OpenKilled | Self::OpenSegments => Some(Job::Open),
            Self::Replay => Some(Job::Replay),
            Self::Middle => Some(Job::Middle),
            Self::Points => Some(Job::Points),
            Self::Disk => None,
            Self::Memory => Some(Job::Memory),
            Self::Latency => Some(Job::Latency),
        }
    }
}
