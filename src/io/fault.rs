//! A disk that fails by plan.
//!
//! It counts every call to the [`MemoryDisk`] beneath it and lets chosen ones fail, once or from then on: errors,
//! interruptions, short transfers. It can also lie: answer a sync with success and do nothing, which is how tests
//! plant the bug "acknowledged before it was synced" without touching the code under test.

use super::memory::{MemoryDisk, MemoryFile};
use super::{Access, Disk, File, LockAttempt};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// What a failing call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The medium fails (EIO). A sync that fails this way drops what was not yet on the disk.
    Medium,
    /// No space is left (ENOSPC). A sync that fails this way drops what was not yet on the disk.
    NoSpace,
    /// The call is interrupted (EINTR) and nothing happened.
    Interrupted,
    /// A read or write transfers only half of what was asked; other calls succeed.
    Short,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug)]
pub struct FaultPlan {
    /// The first call that fails, counted from 0.
    pub call: u64,
    /// How it fails.
    pub failure: Failure,
    /// Whether all later calls fail as well.
    pub forever: bool,
}

/// Switches that can be set while a store runs on the disk. Clones share the switches.
#[derive(Clone, Debug)]
pub struct FaultDisk {
    memory: MemoryDisk,
    switches: Arc<Switches>,
}

#[derive(Debug)]
struct Switches {
    plan: Option<FaultPlan>,
    calls: AtomicU64,
    bytes_read: AtomicU64,
    syncs_lie: AtomicBool,
    dir_syncs_lie: AtomicBool,
    syncs_fail: AtomicBool,
    full: AtomicBool,
}

impl FaultDisk {
    /// A disk over `memory` that follows `plan`; without one it only counts.
    pub fn new(memory: MemoryDisk, plan: Option<FaultPlan>) -> Self {
        let switches = Switches {
            plan,
            calls: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            syncs_lie: AtomicBool::new(false),
            dir_syncs_lie: AtomicBool::new(false),
            syncs_fail: AtomicBool::new(false),
            full: AtomicBool::new(false),
        };
        FaultDisk { memory, switches: Arc::new(switches) }
    }

    /// The memory beneath.
    pub fn memory(&self) -> &MemoryDisk {
        &self.memory
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.switches.calls.load(SeqCst)
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.switches.bytes_read.load(SeqCst)
    }

    /// From now on file syncs answer with success and do nothing.
    pub fn lie_about_syncs(&self) {
        self.switches.syncs_lie.store(true, SeqCst);
    }

    /// From now on directory syncs answer with success and do nothing.
    pub fn lie_about_dir_syncs(&self) {
        self.switches.dir_syncs_lie.store(true, SeqCst);
    }

    /// Whether file syncs fail from now on, dropping what they should have written.
    pub fn fail_syncs(&self, on: bool) {
        self.switches.syncs_fail.store(on, SeqCst);
    }

    /// Whether the disk is full from now on: what needs new space fails, what is there can be read and overwritten.
    pub fn fill(&self, full: bool) {
        self.switches.full.store(full, SeqCst);
    }
}

impl Switches {
    fn count(&self) -> io::Result<Option<Failure>> {
        let call = self.calls.fetch_add(1, SeqCst);
        match self.plan {
            Some(plan) if call == plan.call || (plan.forever && call > plan.call) => match plan.failure {
                Failure::Medium => Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())),
                Failure::NoSpace => Err(no_space()),
                Failure::Interrupted => Err(io::ErrorKind::Interrupted.into()),
                Failure::Short => Ok(Some(Failure::Short)),
            },
            _ => Ok(None),
        }
    }

    fn space(&self) -> io::Result<()> {
        if self.full.load(SeqCst) { Err(no_space()) } else { Ok(()) }
    }
}

fn no_space() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error())
}

impl Disk for FaultDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.switches.count()?;
        self.switches.space()?;
        self.memory.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.switches.count()?;
        self.memory.list(dir)
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        self.switches.count()?;
        self.memory.is_vacant(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        self.switches.count()?;
        if access == Access::Create {
            self.switches.space()?;
        }
        let file = self.memory.open_file(path, access)?;
        Ok(Arc::new(FaultFile { file, switches: Arc::clone(&self.switches) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.switches.count()?;
        self.memory.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.switches.count()?;
        self.switches.space()?;
        self.memory.link(from, to)
    }

    fn is_shared(&self, path: &Path) -> io::Result<bool> {
        self.switches.count()?;
        self.memory.is_shared(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.switches.count()?;
        self.memory.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.switches.count()?;
        self.memory.remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.switches.count()?;
        if self.switches.dir_syncs_lie.load(SeqCst) { Ok(()) } else { self.memory.sync_dir(dir) }
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        self.switches.count()?;
        self.memory.try_lock(path)
    }
}

#[derive(Debug)]
struct FaultFile {
    file: Arc<MemoryFile>,
    switches: Arc<Switches>,
}

impl FaultFile {
    fn transfer(&self, wanted: usize) -> io::Result<usize> {
        let short = self.switches.count()?.is_some();
        Ok(if short { wanted.div_ceil(2) } else { wanted })
    }

    fn grows(&self, end: u64) -> io::Result<()> {
        if end > self.file.len()? { self.switches.space() } else { Ok(()) }
    }
}

impl File for FaultFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let count = self.transfer(buffer.len())?;
        let read = self.file.read_at(&mut buffer[..count], at)?;
        self.switches.bytes_read.fetch_add(read as u64, SeqCst);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let count = self.transfer(bytes.len())?;
        self.grows(at + count as u64)?;
        self.file.write_at(&bytes[..count], at)
    }

    fn sync(&self) -> io::Result<()> {
        if let Err(error) = self.switches.count() {
            self.file.lose_dirty_pages();
            return Err(error);
        }
        if self.switches.syncs_fail.load(SeqCst) {
            self.file.lose_dirty_pages();
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        }
        if self.switches.syncs_lie.load(SeqCst) { Ok(()) } else { self.file.sync() }
    }

    fn len(&self) -> io::Result<u64> {
        self.switches.count()?;
        self.file.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.switches.count()?;
        self.grows(len)?;
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.switches.count()?;
        self.grows(len)?;
        self.file.allocate(len)
    }
}
