//! Snapshots beside the stream, and giving up what is before one.
//!
//! A snapshot is an object whose bytes are those of a snapshot's file. Leaves making one to who has the state. Always: one that is put was
//! verified before, and belongs to the history at its version; messages go only where a snapshot was read back and verified just before;
//! what belongs to what went, goes after it.

use super::feed::Pieces;
use super::look::Core;
use crate::error::{Damage, Defect, Error, Result};
use crate::io::File;
use crate::layout::StoreId;
use crate::snapshot;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// So much of a snapshot is handed on at a time, and so many pieces may wait.
const PIECE_BYTES: usize = 256 << 10;
const PIECES: usize = 4;

/// The bytes of a snapshot's file, to be verified as one.
#[derive(Debug)]
struct Held(Vec<u8>);

impl File for Held {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn name_of(store: &StoreId, version: u64) -> String {
    format!("snapshot-{store}-{version:020}")
}

/// The version that an object of this name is the snapshot of.
fn version_in(store: &StoreId, name: &str) -> Option<u64> {
    name.strip_prefix(&format!("snapshot-{store}-"))?.parse().ok()
}

/// The offset of the record that an object of this name is.
fn offset_in(store: &StoreId, name: &str) -> Option<u64> {
    name.strip_prefix(&format!("record-{store}-"))?.split('-').next()?.parse().ok()
}

impl Core {
    /// The versions there are snapshots of, ascending.
    pub(super) async fn snapshots(&self) -> Result<Vec<u64>> {
        let names = self.objects.names(&self.line).await?;
        let mut versions: Vec<u64> = names.iter().filter_map(|name| version_in(&self.store, name)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// How long the file of a snapshot is.
    pub(super) async fn snapshot_bytes(&self, version: u64) -> Result<u64> {
        let object = self.objects.open(&self.line, &name_of(&self.store, version)).await?;
        Ok(object.info().size as u64)
    }

    /// The bytes of a snapshot, read while they come.
    pub(super) async fn snapshot(self: Arc<Self>, version: u64) -> Result<Pieces> {
        let mut object = self.objects.open(&self.line, &name_of(&self.store, version)).await?;
        let (give, pieces) = mpsc::channel(PIECES);
        tokio::spawn(async move {
            loop {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                let some = object.read_buf(&mut piece);
                let read = self.objects.within(&self.line, "read a snapshot", some).await;
                let piece = match read {
                    Ok(Ok(0)) => return,
                    Ok(Ok(_)) => Ok(piece),
                    Ok(Err(source)) => {
                        Err(io::Error::other(self.line.unreachable("read a snapshot", source)))
                    }
                    Err(error) => Err(io::Error::other(error)),
                };
                let is_last = piece.is_err();
                if give.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Pieces::new(pieces))
    }

    /// Verifies what is to be the snapshot of a version, and puts it beside the stream.
    pub(super) async fn put_snapshot(&self, version: u64, bytes: Vec<u8>) -> Result<()> {
        let held = self.verified(version, bytes).await?;
        self.objects.replace(&self.line, &name_of(&self.store, version), &held.0).await
    }

    /// That the bytes are a whole snapshot of this history at this version.
    async fn verified(&self, version: u64, bytes: Vec<u8>) -> Result<Held> {
        let held = Held(bytes);
        let path = PathBuf::from(format!("{}/{}", self.line.stream, name_of(&self.store, version)));
        // It takes a while, in which the connection must not fall silent.
        let header = tokio::task::block_in_place(|| snapshot::check_file(&held, &path, version))?;
        if header.store != self.store {
            return Err(Error::Foreign { expected: self.store, found: header.store });
        }
        if let Some(parent) = header.parent {
            let defect = Defect::ParentUnusable { parent };
            return Err(Damage { path, byte: 0, defect, intact: None }.into());
        }
        let located = self.locate(version).await?;
        if located.chain != header.chain {
            let source_head = located.last.offset;
            return Err(Error::Diverged { offset: version, source_head, replica_head: version });
        }
        Ok(held)
    }

    /// Gives up the messages that hold nothing from `version` on, of which there has to be a snapshot.
    pub(super) async fn trim(&self, version: u64) -> Result<()> {
        let name = name_of(&self.store, version);
        let length = self.objects.open(&self.line, &name).await?.info().size as u64;
        let bytes = self.objects.get(&self.line, &name, length).await?;
        self.verified(version, bytes).await?;
        // The message that holds it stays, or the last one: it has the chain.
        let kept = self.locate(version).await?.sequence;
        let base = self.message(kept).await?.header.base;
        self.line.purge_before(kept).await?;
        tracing::info!(version, kept, "stream trimmed");
        for name in self.objects.names(&self.line).await? {
            let is_old_snapshot = version_in(&self.store, &name).is_some_and(|of| of < version);
            if is_old_snapshot || offset_in(&self.store, &name).is_some_and(|offset| offset < base) {
                self.objects.remove(&self.line, &name).await?;
            }
        }
        Ok(())
    }
}
