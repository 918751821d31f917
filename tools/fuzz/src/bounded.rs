//! A disk of limited size over a disk in memory: a header may ask for any number of bytes, and a real disk says no.

use redraft::io::{Access, Disk, File, LockAttempt, MemoryDisk};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How large a file may become.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Passes everything on, but lets no file grow beyond the limit.
#[derive(Clone, Debug)]
pub(crate) struct Bounded(pub(crate) MemoryDisk);

#[derive(Debug)]
struct BoundedFile(Arc<dyn File>);

fn within(end: u64) -> io::Result<()> {
    if end <= FILE_BYTES_MAX { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}

impl Disk for Bounded {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        self.0.is_vacant(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(BoundedFile(self.0.open(path, access)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        self.0.try_lock(path)
    }
}

impl File for BoundedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        within(at.saturating_add(bytes.len() as u64))?;
        self.0.write_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        within(len)?;
        self.0.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        within(len)?;
        self.0.allocate(len)
    }
}
