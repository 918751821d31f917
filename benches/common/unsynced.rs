//! A disk that never syncs: lets a benchmark build a large store in seconds before it measures the real thing.

use redraft::io::{Access, Disk, File, LockAttempt, RealDisk};
use std::io::Result;
use std::path::Path;
use std::sync::Arc;

/// The real disk without its syncs.
#[derive(Debug)]
pub(crate) struct Unsynced;

#[derive(Debug)]
struct UnsyncedFile(Arc<dyn File>);

impl Disk for Unsynced {
    fn create_dir(&self, path: &Path) -> Result<()> {
        RealDisk.create_dir(path)
    }
    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        RealDisk.list(dir)
    }
    fn is_vacant(&self, dir: &Path) -> Result<bool> {
        RealDisk.is_vacant(dir)
    }
    fn open(&self, path: &Path, access: Access) -> Result<Arc<dyn File>> {
        Ok(Arc::new(UnsyncedFile(RealDisk.open(path, access)?)))
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> Result<()> {
        RealDisk.remove(path)
    }
    fn sync_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }
    fn try_lock(&self, path: &Path) -> Result<LockAttempt> {
        RealDisk.try_lock(path)
    }
}

impl File for UnsyncedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> Result<usize> {
        self.0.read_at(buffer, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> Result<usize> {
        self.0.write_at(bytes, at)
    }
    fn sync(&self) -> Result<()> {
        Ok(())
    }
    fn len(&self) -> Result<u64> {
        self.0.len()
    }
    fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len)
    }
    fn allocate(&self, len: u64) -> Result<()> {
        self.0.allocate(len)
    }
}
