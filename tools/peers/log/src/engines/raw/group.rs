//! Group commit: whoever finds nobody syncing takes all that is queued, writes it with one call and syncs once; the others
//! wait for that.

use std::sync::{Condvar, Mutex};

use anyhow::{Result, anyhow};

use super::file::frame;
use crate::engines::{Poisoned, locked};

#[derive(Default)]
struct Queue {
    frames: Vec<u8>,
    /// The buffer of the last batch, empty, for the next one.
    spare: Vec<u8>,
    queued: u64,
    durable: u64,
    syncing: bool,
    failed: bool,
}

#[derive(Default)]
pub(super) struct Group {
    queue: Mutex<Queue>,
    synced: Condvar,
}

impl Group {
    /// Returns when the payload is durable.
    pub(super) fn commit(&self, payload: &[u8], put: impl Fn(&[u8]) -> Result<()>) -> Result<()> {
        let mut queue = locked(&self.queue)?;
        frame(payload, &mut queue.frames);
        queue.queued += 1;
        let mine = queue.queued;
        while queue.syncing && queue.durable < mine {
            queue = self.synced.wait(queue).map_err(|_| Poisoned)?;
        }
        if queue.failed {
            return Err(anyhow!("a sync failed"));
        }
        if queue.durable >= mine {
            return Ok(());
        }
        queue.syncing = true;
        let spare = std::mem::take(&mut queue.spare);
        let mut frames = std::mem::replace(&mut queue.frames, spare);
        let all = queue.queued;
        drop(queue);
        let outcome = put(&frames);
        frames.clear();
        self.finish(frames, all, outcome.is_err())?;
        outcome
    }

    fn finish(&self, spare: Vec<u8>, durable: u64, failed: bool) -> Result<()> {
        let mut queue = locked(&self.queue)?;
        queue.spare = spare;
        queue.durable = durable;
        queue.failed |= failed;
        queue.syncing = false;
        drop(queue);
        self.synced.notify_all();
        Ok(())
    }
}
