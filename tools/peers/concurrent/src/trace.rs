//! What happened: the transactions of two people, with what each had seen.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trace {
    pub(crate) end_content: String,
    num_agents: usize,
    pub(crate) txns: Vec<Transaction>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Transaction {
    /// The transactions that its writer had seen, with all that those had: numbers of earlier ones.
    pub(crate) parents: Vec<usize>,
    /// Who wrote it: 0 or 1.
    pub(crate) agent: usize,
    pub(crate) patches: Vec<Edit>,
}

/// Where, how many characters go, and what comes; counted in Unicode code points, in the text as its writer saw it.
#[derive(Debug, Deserialize)]
pub(crate) struct Edit(pub(crate) usize, pub(crate) usize, pub(crate) String);

impl Trace {
    pub(crate) fn read(path: &Path) -> Result<Trace> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let read = serde_json::from_reader(BufReader::new(GzDecoder::new(BufReader::new(file))));
        let trace: Trace = read.with_context(|| format!("{} is no concurrent trace", path.display()))?;
        ensure!(trace.num_agents == 2, "{} people wrote it, not two", trace.num_agents);
        ensure!(trace.txns.iter().all(|txn| txn.agent < 2), "somebody wrote who is neither of the two");
        Ok(trace)
    }
}
