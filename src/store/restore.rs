//! Restoring: a new store that begins with the state another one had at some version.
//!
//! Always: the source is only read, and the target is a store only once it is complete: its first segment is named last.

use crate::error::Result;
use crate::history::{History, begin, begin_at};
use crate::log::directory::must_be_free;
use crate::log::options::{Options, new_identity};
use crate::snapshot::{Header, Snapshot};
use crate::state::State;
use std::path::Path;

pub(super) fn restore<S: State + Default>(history: &History<S>, version: u64, target: &Path) -> Result<()> {
    let span = tracing::info_span!("restore", version, target = %target.display());
    let _entered = span.enter();
    must_be_free(&*history.env.disk, target)?;
    let tip = history.tip_at(version)?;
    let store = new_identity(&history.env, target)?;
    let options = Options::new().env(history.env.clone()).segment_bytes(history.segment_bytes);
    if version == 0 {
        return begin(&options, target, store)?.close();
    }
    // The chain goes on from the source's: it still tells which history the new store grew from.
    let (chain, stamp, schema) = (tip.chain, tip.stamp, tip.schema);
    let header = Header { store, epoch: 1, version, chain, stamp, parent: None, schema, more: false };
    let state = if tip.is_older() { history.logged(&tip)? } else { tip.state.to_value() };
    let ledger = (*tip.ledger).clone();
    let snapshot = Snapshot { header, ledger, state };
    begin_at(&options, target, &snapshot, false)?.close()
}
