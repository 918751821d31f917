//! Where a store's states begin, and how far its log must reach: what snapshots prove, and the snapshot that a log without its
//! beginning starts from.
//!
//! Below `store`, `replica` and `check`, which open and begin logs in their own ways. Always: a new log is complete once its
//! first segment has its name; what it starts from is there before.

use crate::cursors;
use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Result, Role};
use crate::io::{Disk, Env};
use crate::layout::{StoreId, UNFINISHED};
use crate::log::directory::{self, occupant};
use crate::log::options::Options;
use crate::log::{self, Birth, Codec, Log, Proven};
use crate::segment::bases_in;
use crate::snapshot::{self, Header, Snapshot};
use std::path::Path;

/// Opens the log of a store for reading and holds it against the snapshots beside it.
pub(crate) fn open_view(env: &Env, path: &Path) -> Result<log::Reader> {
    // In this order: what a snapshot proves was durable before it was taken.
    let is_there = occupant(&*env.disk, path)?.is_none();
    let proven = if is_there { proven_by_snapshot(&*env.disk, path)? } else { None };
    let view = log::Reader::in_env(env, path, proven.as_ref())?;
    Role::of(&view.header()?).must_have_a_state(path)?;
    Ok(view)
}

/// The newest version that a snapshot proves to have been durable. A snapshot whose header cannot be read proves nothing.
pub(crate) fn proven_by_snapshot(disk: &dyn Disk, dir: &Path) -> Result<Option<Proven>> {
    let names = disk.list(dir).during("list store", dir)?;
    for version in snapshot::versions_in(&names).into_iter().rev() {
        let path = snapshot::path_of(dir, version);
        match snapshot::read_header(disk, &path, version) {
            Ok(header) => return Ok(Some(Proven { path, store: header.store, version })),
            Err(Error::Damaged(damage)) => tracing::warn!(%damage, "passing over a damaged snapshot"),
            // It went meanwhile; whoever removes one leaves a newer one.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Damage of a log that begins at `oldest`, and has no snapshot to begin with.
pub(crate) fn base_missing(dir: &std::path::Path, oldest: u64) -> Error {
    let path = crate::segment::path_of(dir, oldest);
    Damage { path, byte: 0, defect: Defect::BaseMissing { oldest }, intact: None }.into()
}

/// Makes a store in which nothing has happened. Of version 0 there is nothing to take over: it is what the type begins with.
pub(crate) fn begin(options: &Options, target: &Path, store: StoreId) -> Result<Log> {
    let lock = directory::claim(&*options.env.disk, target)?;
    let birth =
        Birth { codec: Codec::Change, store, replica: false, epoch: 1, base: 0, chain: store.genesis() };
    Log::create(options, target, birth, lock)
}

/// Makes a store (or replica) whose log begins at a snapshot.
pub(crate) fn begin_at(options: &Options, target: &Path, snapshot: &Snapshot, replica: bool) -> Result<Log> {
    let disk = &*options.env.disk;
    let lock = directory::claim(disk, target)?;
    snapshot.write(disk, target)?;
    let Header { store, epoch, version, chain, .. } = snapshot.header;
    let birth = Birth { codec: Codec::Change, store, replica, epoch, base: version, chain };
    Log::create(options, target, birth, lock)
}

/// The files of a directory that a history is made of, and what was to become some.
pub(crate) fn files_of(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>> {
    let mut names = disk.list(dir).during("list", dir)?;
    names.retain(|name| {
        let alone = std::slice::from_ref(name);
        let is_unfinished = Path::new(name).extension().is_some_and(|ending| ending == UNFINISHED);
        is_unfinished
            || name == cursors::NAME
            || !bases_in(alone).is_empty()
            || !snapshot::versions_in(alone).is_empty()
    });
    Ok(names)
}
