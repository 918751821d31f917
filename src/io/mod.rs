//! The border to the machine: files, directories, locks, time and randomness behind small traits.
//!
//! Everything that touches a disk goes through [`Disk`] and [`File`]; nothing else in the crate may use `std::fs`
//! or the system clock (clippy enforces it). That is what lets a test replace the machine by one that loses
//! unsynced sectors, fails the n-th call or lies about a sync, and see what is left afterwards.
//!
//! * [`RealDisk`] is the operating system.
//! * `MemoryDisk` (feature `faults`) keeps what a power cut would keep apart from what was merely written.
//! * `FaultDisk` (feature `faults`) fails calls of a `MemoryDisk` by plan.
//!
//! Always: reads and writes are positioned, so that a reader can never move a writer's place in a file.

mod clock;
mod disk;
#[cfg(feature = "faults")]
mod fault;
#[cfg(feature = "faults")]
mod memory;

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use clock::{Clock, Entropy, SystemClock, SystemEntropy};
#[cfg(feature = "faults")]
pub use clock::{CountingClock, SeededEntropy};
pub use disk::RealDisk;
#[cfg(feature = "faults")]
pub use fault::{Failure, FaultDisk, FaultPlan};
#[cfg(feature = "faults")]
pub use memory::MemoryDisk;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// A file that must not exist yet, for reading and writing.
    Create,
}

/// A file system as far as redraft needs one.
///
/// Durability is explicit, as POSIX has it: what a file holds is safe after [`File::sync`], and that a name exists
/// (or no longer does) is safe after [`Disk::sync_dir`] of its directory.
pub trait Disk: Debug + Send + Sync {
    /// Creates a directory and its missing ancestors; each new name is durable on return. Existing ones are fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// The names of the plain files in a directory, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Whether a directory holds nothing but plain files: what [`list`](Disk::list) tells is all there is.
    fn is_vacant(&self, dir: &Path) -> io::Result<bool>;
    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>>;
    /// Renames a file, replacing the target, or a directory with all that is in it, replacing an empty one; atomic, but durable
    /// only after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name, which must not be there yet; durable only after [`Disk::sync_dir`]. Whoever is told that it is
    /// unsupported, which is the default, copies the file instead.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let _ = (from, to);
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Whether a file has other names, so that who writes to it changes what those stand for.
    fn is_shared(&self, path: &Path) -> io::Result<bool> {
        let _ = path;
        Ok(false)
    }
    /// Removes a file; durable only after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Removes an empty directory. One that stays is in nobody's way, so a disk need not know how.
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Where the operating system's own file system has a directory, for a library that keeps files there by itself; nothing
    /// if it is not there, which is what every other disk answers, and the default. A store on such a disk has no index.
    fn local(&self, dir: &Path) -> Option<PathBuf> {
        let _ = dir;
        None
    }
    /// Takes the exclusive lock that `path` stands for; the file is created where it is missing. The lock ends with
    /// the process or when the returned value is dropped, whichever comes first.
    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt>;
}

/// The answer to [`Disk::try_lock`].
#[derive(Debug)]
pub enum LockAttempt {
    /// The lock is held until this value is dropped.
    Taken(Box<dyn Lock>),
    /// Somebody else holds it: the process id it left in the lock file, when there is one.
    Held(Option<u32>),
}

/// A held lock; dropping it releases it.
pub trait Lock: Debug + Send + Sync {}

/// An open file. All positions are bytes from the start of the file.
pub trait File: Debug + Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 means end of file. May read fewer.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes at most `bytes.len()` bytes, extending the file where needed. May write fewer.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;
    /// Makes content and length durable. After an error nothing is known about what was written since the last
    /// success: the kernel may have dropped it and will report success the next time.
    fn sync(&self) -> io::Result<()>;
    /// Length of the file.
    fn len(&self) -> io::Result<u64>;
    /// Cuts or extends (with zeros) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Extends the file to `len` with zeros and reserves the space, so that later writes below `len` neither run out
    /// of space nor change the file's metadata. The length changes in one step. Never shortens.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// The first stretch at or behind `at` that may hold something other than zeros, from one byte to another; nothing if all
    /// are zeros to the end of the file. A file system that knows which blocks were never written saves reading them; all
    /// from `at` on is always a right answer, and the one given here.
    fn next_data(&self, at: u64) -> io::Result<Option<Range<u64>>> {
        Ok(Some(at..u64::MAX))
    }
    /// True for a file of no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
}

/// A call that is interrupted this many times in a row is reported instead of tried again.
const INTERRUPTIONS_MAX: u32 = 1_000;

/// Reads until the buffer is full or the file ends; returns the bytes read.
pub(crate) fn read_full_at(file: &dyn File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match uninterrupted(|| file.read_at(&mut buffer[done..], at + done as u64))? {
            0 => break,
            count => done += count,
        }
    }
    Ok(done)
}

/// Writes all bytes, however many calls that takes.
pub(crate) fn write_all_at(file: &dyn File, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match uninterrupted(|| file.write_at(&bytes[done..], at + done as u64))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => done += count,
        }
    }
    Ok(())
}

/// Makes a call again that a signal has interrupted.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..INTERRUPTIONS_MAX {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
    Err(io::ErrorKind::Interrupted.into())
}

/// The machine a store runs on: its disk, its clock and its source of randomness. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Env {
    /// Where files live.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where identities come from.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// The operating system's disk, clock and randomness.
    pub fn real() -> Self {
        Env { disk: Arc::new(RealDisk), clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }

    /// A given disk with a clock that counts calls and randomness from a seed: the same seed gives the same run.
    #[cfg(feature = "faults")]
    pub fn simulated(disk: impl Disk + 'static, seed: u64) -> Self {
        Env {
            disk: Arc::new(disk),
            clock: Arc::new(CountingClock::default()),
            entropy: Arc::new(SeededEntropy::new(seed)),
        }
    }
}

impl Default for Env {
    fn default() -> Self {
        Env::real()
    }
}
