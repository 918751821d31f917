//! What is appended: records that no one can compress, made by nobody's clock. Record `n` is the same in every process, so
//! that whoever reads it can tell whether it is the one that was written.

use anyhow::{Result, ensure};

/// A prime, so that the bytes begin to repeat only after this many records.
const PERIOD: usize = 262_139;

/// All records of one length, as slices of one random buffer: making a record costs nothing.
pub(crate) struct Records {
    pool: Vec<u8>,
    bytes: usize,
}

impl Records {
    pub(crate) fn new(bytes: usize) -> Self {
        let mut pool = vec![0; PERIOD + bytes];
        fastrand::Rng::with_seed(14).fill(&mut pool);
        Self { pool, bytes }
    }

    /// Record `number`. Neighbours are neighbours in the buffer too, so that the processor's caches are no obstacle.
    pub(crate) fn get(&self, number: u64) -> &[u8] {
        let start = (number as usize).wrapping_mul(self.bytes) % PERIOD;
        &self.pool[start..start + self.bytes]
    }

    pub(crate) fn batch(&self, first: u64, count: u64) -> Vec<&[u8]> {
        (first..first + count).map(|number| self.get(number)).collect()
    }

    pub(crate) fn check(&self, number: u64, payload: &[u8]) -> Result<()> {
        ensure!(payload == self.get(number), "record {number} came back with other contents");
        Ok(())
    }
}
