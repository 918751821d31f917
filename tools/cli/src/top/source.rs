//! What the live view looks at: a store beside its writer, or a copy of one that is elsewhere, which follows it.
//!
//! Always: the store is only read; a copy is in a temporary directory of our own, which goes when it ends.

use super::model::{Files, Follower, Model, Now, Seen};
use crate::sources::Reach;
use crate::{files, stores};
use anyhow::{Context, Result};
use redraft::replica::{Beginning, Directory, Following, Source};
use redraft::{Changes, Options, Reader, Replica, Value};
use std::path::PathBuf;
use tempfile::TempDir;

/// So many changes of before are looked at, to begin with more than an empty screen.
const BEFORE_MAX: u64 = 10_000;
/// So many changes are taken in before the screen is drawn again.
const AT_ONCE_MAX: u64 = 50_000;

/// What is followed.
pub(super) enum Followed {
    Beside { reader: Box<Reader<Value>>, log: Directory, dir: PathBuf },
    Copy { replica: Replica<Value>, following: Following, oldest: u64, _dir: TempDir },
}

impl Followed {
    pub(super) fn open(place: &str, reach: &Reach) -> Result<Followed> {
        if !place.contains("://") {
            let (reader, log) = (Box::new(stores::read(place.as_ref())?), Directory::open(place)?);
            return Ok(Followed::Beside { reader, log, dir: place.into() });
        }
        let made = tempfile::Builder::new().prefix("redraft-top-").tempdir();
        let dir = made.context("cannot make a temporary directory for the copy")?;
        let source = reach.open(place)?;
        let oldest = source.status()?.oldest;
        let replica =
            Options::new().replica_of(source, dir.path().join("copy"), Beginning::NewestSnapshot)?;
        replica.catch_up()?;
        let following = replica.follow()?;
        Ok(Followed::Copy { replica, following, oldest, _dir: dir })
    }

    /// The newest version there is now.
    fn look(&self) -> Result<u64> {
        match self {
            Followed::Beside { reader, .. } => Ok(reader.refresh()?),
            Followed::Copy { replica, following, .. } => {
                anyhow::ensure!(!following.is_over(), "the source can be followed no longer");
                Ok(replica.store().version())
            }
        }
    }

    /// The oldest version that changes can be had from here.
    fn oldest(&self) -> Result<u64> {
        Ok(match self {
            Followed::Beside { reader, .. } => reader.oldest()?,
            Followed::Copy { replica, .. } => replica.store().oldest(),
        })
    }

    fn changes(&self, first: u64, last: u64) -> Result<Changes> {
        Ok(match self {
            Followed::Beside { reader, .. } => reader.changes(first..=last)?,
            Followed::Copy { replica, .. } => replica.store().changes(first..=last)?,
        })
    }

    /// Takes in what was there before, as far as that can be shown.
    pub(super) fn begin(&self, model: &mut Model, now_ms: i64) -> Result<()> {
        let (newest, oldest) = (self.look()?, self.oldest()?);
        let first = newest.saturating_sub(BEFORE_MAX).max(oldest) + 1;
        if first <= newest {
            for change in self.changes(first, newest)?.newest_first() {
                let seen = Seen::of(&change?, None);
                if seen.stamp_ms < now_ms - super::model::SECONDS_MAX as i64 * 1000 {
                    break;
                }
                model.note(&seen);
            }
        }
        model.now = self.now(newest)?;
        Ok(())
    }

    /// Takes in what came since, up to the newest version; how long each took counts if the last look was only just now.
    pub(super) fn go_on(&self, model: &mut Model, now_ms: i64, is_prompt: bool) -> Result<()> {
        model.tick(now_ms);
        let newest = self.look()?;
        let known = model.now.version.max(self.oldest()?);
        if newest > known {
            let last = newest.min(known + AT_ONCE_MAX);
            for change in self.changes(known + 1, last)? {
                let change = change?;
                let age = now_ms.saturating_sub(i64::try_from(change.stamp.millis()).unwrap_or(i64::MAX));
                model.note(&Seen::of(&change, is_prompt.then(|| u64::try_from(age).unwrap_or(0))));
                model.now.version = change.version;
            }
        }
        Ok(())
    }

    /// What the store is, besides its changes.
    pub(super) fn now(&self, version: u64) -> Result<Now> {
        let (reader, log, dir) = match self {
            Followed::Beside { reader, log, dir } => (reader, log, dir),
            Followed::Copy { oldest, .. } => {
                return Ok(Now { oldest: *oldest, version, files: None, followers: None });
            }
        };
        let oldest = reader.oldest()?;
        let mut found = Files { newest_snapshot: reader.snapshots()?.last().copied(), ..Files::default() };
        for entry in files::entries(dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let (count, bytes) = match entry.name.rsplit_once('.') {
                Some((_, "seg")) => (&mut found.segments, &mut found.segment_bytes),
                Some((_, "snap")) => (&mut found.snapshots, &mut found.snapshot_bytes),
                _ => continue,
            };
            *count += 1;
            *bytes += entry.bytes;
        }
        let follower = |(name, version): (String, u64)| -> Result<Follower> {
            let known = version.clamp(oldest, reader.version().max(oldest));
            Ok(Follower { name, version, behind_bytes: log.bytes_since(known)?.unwrap_or(0) })
        };
        let followers = reader.cursors()?.into_iter().map(follower).collect::<Result<_>>()?;
        Ok(Now { oldest, version, files: Some(found), followers: Some(followers) })
    }

    pub(super) fn close(self) -> Result<()> {
        if let Followed::Copy { replica, following, .. } = self {
            following.stop();
            replica.close()?;
        }
        Ok(())
    }
}
