//! The operating system's files.
//!
//! Positioned reads and writes, `fdatasync`, `fallocate`, directory syncs and advisory locks that the kernel frees
//! when the process dies. The only module that names `std::fs`.
#![expect(clippy::disallowed_methods, reason = "this is the module the ban protects")]

use super::{Access, Disk, File, Lock, LockAttempt, uninterrupted};
use std::fs;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<PathBuf> = path
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .map(PathBuf::from)
            .collect();
        for dir in missing.iter().rev() {
            match fs::create_dir(dir) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                answer => answer?,
            }
            self.sync_dir(parent_of(dir))?;
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                // A name that is not UTF-8 is not one of ours.
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() || entry.file_name().to_str().is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(access != Access::Read).create_new(access == Access::Create);
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn is_shared(&self, path: &Path) -> io::Result<bool> {
        Ok(fs::metadata(path)?.nlink() > 1)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn local(&self, dir: &Path) -> Option<PathBuf> {
        Some(dir.to_owned())
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        let mut file =
            fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                // The process id only serves the error message of whoever comes second; the kernel holds the lock.
                file.set_len(0)?;
                write!(file, "{}", std::process::id())?;
                Ok(LockAttempt::Taken(Box::new(RealLock { file, process: std::process::id() })))
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.take(20).read_to_string(&mut holder)?;
                Ok(LockAttempt::Held(holder.parse().ok()))
            }
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// What only the index needs, which is on no other disk.
#[cfg(feature = "index")]
impl RealDisk {
    /// The names of the directories in a directory.
    pub(crate) fn directories(self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    /// Removes a directory and all that is in it. After a crash some of it may still be there.
    pub(crate) fn remove_tree(self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[derive(Debug)]
struct RealLock {
    file: fs::File,
    process: u32,
}

impl Lock for RealLock {}

/// Closing the file is not enough: a process that some other thread is just beginning has the file too, until it runs its own
/// program, and would keep the lock that long. One that was forked for good must not give away what the first one holds.
impl Drop for RealLock {
    fn drop(&mut self) {
        if std::process::id() == self.process
            && let Err(error) = self.file.unlock()
        {
            tracing::warn!(%error, "cannot give up the lock of a store before its file is closed");
        }
    }
}

#[derive(Debug)]
struct RealFile(fs::File);

impl File for RealFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        FileExt::write_at(&self.0, bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn allocate(&self, len: u64) -> io::Result<()> {
        // The length first, in one step: `fallocate` would let it grow in pieces as it finds space, and whoever looks
        // meanwhile (a reader, or the next session after a crash) would see a file of no proper length.
        extend(&self.0, len)?;
        uninterrupted(|| match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(()),
            // Some file systems cannot reserve space; a sparse file keeps the format's promise about the length all the same.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        })
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn next_data(&self, at: u64) -> io::Result<Option<Range<u64>>> {
        use rustix::fs::{SeekFrom, seek};
        // Seeking moves the file's own position, which nobody uses: all reads and writes here say where.
        match seek(&self.0, SeekFrom::Data(at)) {
            Ok(start) => Ok(Some(start..seek(&self.0, SeekFrom::Hole(start)).unwrap_or(u64::MAX))),
            Err(rustix::io::Errno::NXIO) => Ok(None),
            // Not every file system can tell.
            Err(_) => Ok(Some(at..u64::MAX)),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn allocate(&self, len: u64) -> io::Result<()> {
        extend(&self.0, len)
    }
}

fn extend(file: &fs::File, len: u64) -> io::Result<()> {
    if file.metadata()?.len() < len { file.set_len(len) } else { Ok(()) }
}
