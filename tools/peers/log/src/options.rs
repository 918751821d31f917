//! What the harness can be told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::engines::Name;
use crate::work::Work;

/// Measures redraft's log against other logs, and against what one would write without any, and prints tables.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Fail when redraft's log is not as good as promised
    #[arg(long)]
    pub(crate) check: bool,
    /// A few seconds a work, with few records: shows that everything runs, not how fast
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these, and raw
    #[arg(long, value_delimiter = ',', value_name = "ENGINE,..")]
    pub(crate) only: Vec<Name>,
    /// Only these works, by their numbers
    #[arg(long, value_delimiter = ',', value_name = "NUMBER,..", value_parser = clap::value_parser!(u32).range(1..=14))]
    pub(crate) work: Vec<u32>,
    /// How often everything is measured; the tables show medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// How long work 14 takes, each time
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// How many records a full log has
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(2_000..))]
    pub(crate) records: u64,
    /// How long the records are
    #[arg(long, value_delimiter = ',', default_values_t = [128, 1024], value_parser = clap::value_parser!(u64).range(8..=1024))]
    pub(crate) bytes: Vec<u64>,
    /// Where the logs are made: on the disk that is to be measured
    #[arg(long, default_value = "target")]
    pub(crate) dir: PathBuf,
    /// What a process of the harness does for it
    #[arg(long, hide = true)]
    pub(crate) task: Option<String>,
}

impl Options {
    pub(crate) fn works(&self) -> Vec<Work> {
        let asked = |work: &Work| self.work.is_empty() || self.work.contains(&work.number());
        Work::ALL.into_iter().filter(asked).collect()
    }

    /// In the order of the tables. Raw always takes part: the others are compared with it.
    pub(crate) fn engines(&self) -> Vec<Name> {
        let asked = |name: &Name| self.only.is_empty() || *name == Name::Raw || self.only.contains(name);
        Name::ALL.into_iter().filter(asked).collect()
    }

    pub(crate) fn rounds(&self, work: Work) -> u32 {
        match work {
            _ if self.quick => 1,
            // Neither is a matter of time.
            Work::Disk | Work::Memory => 1,
            // Long, and each one has many measurements or few that differ.
            Work::OpenKilled | Work::Latency => self.rounds.min(3),
            _ => self.rounds,
        }
    }

    pub(crate) fn records(&self) -> u64 {
        if self.quick { self.records.min(20_000) } else { self.records }
    }

    pub(crate) fn time(&self, work: Work) -> Duration {
        match (work, self.quick) {
            (_, true) => Duration::from_millis(300),
            (Work::Latency, false) => Duration::from_secs_f64(self.seconds),
            (Work::AppendUnsynced | Work::BatchesUnsynced, false) => Duration::from_secs(5),
            (_, false) => Duration::from_millis(1_500),
        }
    }
}
