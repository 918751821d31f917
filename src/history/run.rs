//! What a run of changes came to: the log between two versions, said in as few operations as possible.
//!
//! Always: the operations come from the log alone, so that they fit the document at the first version, whatever a type made
//! of it.

use super::{History, decode};
use crate::error::{Error, Result};
use crate::log::Chain;
use crate::op::Patch;
use crate::patch::squash_stateless;
use crate::state::State;
use std::ops::Range;

impl<S: State + Default> History<S> {
    /// What turns the document at `versions.start` into the one at `versions.end`, and the chain before the first of these
    /// changes. O(changes), and as much memory as they take.
    pub(crate) fn changed(&self, versions: Range<u64>) -> Result<(Chain, Patch)> {
        let mut records = self.view.records(versions.start)?;
        let chain = records.chain();
        let mut patches = Vec::new();
        for version in versions.clone() {
            let Some(frame) = records.next_record()? else {
                return Err(Error::BeyondHead { version: versions.end, head: version });
            };
            patches.push(decode(&frame)?.patch);
        }
        Ok((chain, squash_stateless(&patches)))
    }
}
