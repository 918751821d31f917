//! `GET api/store` and `GET api/health`: which store this is, how it lies on the disk, and what is wrong with it.
//!
//! Always: damage is told with its place, whether it was met while something was asked for or while the history was read; what cannot be
//! looked at is left out, and told.

use super::{Desk, Trouble};
use crate::error::{IoContext, Result};
use crate::http::shared::{Answer, Query};
use crate::io::Access;
use crate::segment::{self, packed};
use crate::snapshot;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct ToldStore {
    id: String,
    name: String,
    version: u64,
    oldest: u64,
    schema: u32,
    writes: bool,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Health {
    ok: bool,
    damage: Vec<Trouble>,
    segments: Vec<Segment>,
    snapshots: Vec<Snapshot>,
    replicas: Vec<Follower>,
    segment_bytes: u64,
    snapshot_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Segment {
    /// The first version that it has the change of.
    first: u64,
    bytes: u64,
    sealed: bool,
    packed: bool,
}

#[derive(Debug, Serialize)]
struct Snapshot {
    version: u64,
    bytes: u64,
    delta: bool,
}

#[derive(Debug, Serialize)]
struct Follower {
    name: String,
    version: u64,
    behind: u64,
}

/// `GET api/store`.
pub(super) async fn store(State(desk): State<Desk>, uri: Uri) -> Answer {
    Query::of(&uri, &[])?;
    desk.answer(|desk| {
        let served = desk.source().served();
        let oldest = served.oldest().map_err(|error| desk.failed(&error))?;
        let bytes = |segments: Vec<Segment>, snapshots: Vec<Snapshot>| {
            segments.iter().map(|one| one.bytes).chain(snapshots.iter().map(|one| one.bytes)).sum()
        };
        Ok(ToldStore {
            id: served.id().to_string(),
            name: desk.0.name.clone(),
            version: served.version(),
            oldest,
            schema: served.schema(),
            writes: desk.0.writes,
            bytes: bytes(desk.segments(), desk.snapshots()),
        })
    })
    .await
}

/// `GET api/health`. Looks at each file's head.
pub(super) async fn health(State(desk): State<Desk>, uri: Uri) -> Answer {
    Query::of(&uri, &[])?;
    desk.answer(|desk| {
        let served = desk.source().served();
        desk.source().passed_over().iter().for_each(|damage| desk.note_damage(damage));
        if let Err(error) = served.check() {
            desk.note(&error);
        }
        let (segments, snapshots, damage) = (desk.segments(), desk.snapshots(), desk.troubles());
        Ok(Health {
            ok: damage.is_empty(),
            damage,
            segment_bytes: segments.iter().map(|one| one.bytes).sum(),
            snapshot_bytes: snapshots.iter().map(|one| one.bytes).sum(),
            segments,
            snapshots,
            replicas: desk.followers(),
        })
    })
    .await
}

impl Desk {
    /// What can be had; the rest is noted.
    fn those_there<T>(&self, all: impl Iterator<Item = Result<T>>) -> Vec<T> {
        all.filter_map(|one| one.map_err(|error| self.note(&error)).ok()).collect()
    }

    fn segments(&self) -> Vec<Segment> {
        let bases = self.source().log().bases().map_err(|error| self.note(&error)).unwrap_or_default();
        let last = bases.last().copied();
        self.those_there(bases.into_iter().map(|base| self.segment(base, Some(base) != last)))
    }

    fn segment(&self, base: u64, sealed: bool) -> Result<Segment> {
        let disk = &*self.source().env().disk;
        let path = segment::path_of(self.source().served().path(), base);
        let file = disk.open(&path, Access::Read).during("open segment", &path)?;
        let bytes = file.len().during("measure segment", &path)?;
        let packed = sealed && packed::open(disk, &path)?.is_packed;
        Ok(Segment { first: base + 1, bytes, sealed, packed })
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        let served = self.source().served();
        let versions = served.snapshots().map_err(|error| self.note(&error)).unwrap_or_default();
        self.those_there(versions.into_iter().map(|version| self.snapshot(version)))
    }

    fn snapshot(&self, version: u64) -> Result<Snapshot> {
        let disk = &*self.source().env().disk;
        let path = snapshot::path_of(self.source().served().path(), version);
        let (bytes, header) = (snapshot::length(disk, &path)?, snapshot::read_header(disk, &path, version)?);
        Ok(Snapshot { version, bytes, delta: header.parent.is_some() })
    }

    fn followers(&self) -> Vec<Follower> {
        let served = self.source().served();
        let head = served.version();
        let followers = served.cursors().map_err(|error| self.note(&error)).unwrap_or_default();
        let told = |(name, version)| Follower { name, version, behind: head.saturating_sub(version) };
        followers.into_iter().map(told).collect()
    }
}
