//! Being told to stop: by Ctrl-C, or by a request to terminate.

use anyhow::{Context, Result};
use redraft::replica::Source;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often it is looked whether somebody is to be roused.
const GLANCE: Duration = Duration::from_millis(50);

/// Set once this process is told to stop.
pub(crate) fn flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    ctrlc::set_handler(move || told.store(true, Ordering::SeqCst))
        .context("cannot listen for interruption")?;
    Ok(stop)
}

/// Has those who wait for a source look up once this process is told to stop, whether or not the source answers, for as long as there is one.
pub(crate) fn rouses(stop: &Arc<AtomicBool>, source: &Arc<dyn Source>) {
    let (stop, source) = (Arc::clone(stop), Arc::downgrade(source));
    thread::spawn(move || {
        while let Some(source) = source.upgrade() {
            if stop.load(Ordering::SeqCst) {
                source.rouse();
            }
            drop(source);
            thread::sleep(GLANCE);
        }
    });
}
