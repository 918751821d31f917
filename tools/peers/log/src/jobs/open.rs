//! Works 7 and 8: how long opening takes, until the engine knows how many records there are.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::engine::{Engine, Lacks, Setup};
use crate::task::{Figures, Task, figures};

/// Every record was synced before the process was killed, so all must be there.
pub(crate) fn open<E: Engine>(task: &Task) -> Result<Figures> {
    let start = Instant::now();
    let log = E::open(&task.dir, Setup::SYNCED)?;
    let head = log.head();
    let elapsed = start.elapsed();
    match head {
        Err(error) if error.is::<Lacks>() => {}
        head => {
            let head = head?;
            ensure!(head == task.records, "of {} records {head} are left", task.records);
        }
    }
    log.close()?;
    Ok(figures([("ms", elapsed.as_secs_f64() * 1e3)]))
}
