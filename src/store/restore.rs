//! Restoring: a new store that begins with the state another one had at some version.
//!
//! Always: the source is only read, and the target is a store only once it is complete: its first segment is named last.

use super::history::History;
use crate::error::{IoContext, Result};
use crate::log::directory::must_be_free;
use crate::log::options::{Options, new_identity};
use crate::log::{Birth, Codec, Log, directory};
use crate::snapshot::{Header, Snapshot};
use crate::state::State;
use std::path::Path;

pub(super) fn restore<S: State + Default>(history: &History<S>, version: u64, target: &Path) -> Result<()> {
    let span = tracing::info_span!("restore", version, target = %target.display());
    let _entered = span.enter();
    must_be_free(&*history.env.disk, target)?;
    let tip = history.tip_at(version)?;
    let store = new_identity(&history.env, target)?;
    // The chain goes on from the source's: it still tells which history the new store grew from.
    let header = Header { store, epoch: 1, version, chain: tip.chain };
    let (writers, state) = ((*tip.writers).clone(), tip.state.to_value());
    let snapshot = Snapshot { header, writers, stamp: tip.stamp, state };
    let options = Options::new().env(history.env.clone()).segment_bytes(history.segment_bytes);
    begin_at(&options, target, &snapshot, false)?.close()
}

/// Makes a store (or replica) whose log begins at a snapshot.
pub(crate) fn begin_at(options: &Options, target: &Path, snapshot: &Snapshot, replica: bool) -> Result<Log> {
    let env = &options.env;
    env.disk.create_dir(target).during("create directory", target)?;
    let lock = directory::lock(&*env.disk, target)?;
    snapshot.write(&*env.disk, target)?;
    let Header { store, epoch, version, chain } = snapshot.header;
    let birth = Birth { codec: Codec::Change, store, replica, epoch, base: version, chain };
    Log::create(options, target, birth, lock)
}
