//! A disk that calls somebody before every call it passes on: how a test gets between any two steps of the code.

use redraft::io::{Access, Disk, File, LockAttempt};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    CreateDir,
    List,
    Open(PathBuf, Access),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncDir,
    Lock,
    Read(PathBuf, u64),
    Write(PathBuf, u64, usize),
    Sync(PathBuf),
    Len(PathBuf),
    SetLen(PathBuf, u64),
    Allocate(PathBuf, u64),
}

impl Call {
    /// Whether the call can change what is on the disk.
    pub(crate) fn changes(&self) -> bool {
        !matches!(
            self,
            Call::List | Call::Open(_, Access::Read | Access::Write) | Call::Read(..) | Call::Len(_)
        )
    }
}

type Watcher = Arc<dyn Fn(&Call) -> io::Result<()> + Send + Sync>;

/// Passes everything on to the disk beneath, after telling the watcher, unless that refuses.
#[derive(Clone)]
pub(crate) struct Watched {
    inner: Arc<dyn Disk>,
    watcher: Watcher,
}

impl Watched {
    pub(crate) fn new(inner: impl Disk + 'static, watcher: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        let never = move |call: &Call| {
            watcher(call);
            Ok(())
        };
        Watched { inner: Arc::new(inner), watcher: Arc::new(never) }
    }

    /// One that answers some calls with an error of its own.
    pub(crate) fn refusing(
        inner: impl Disk + 'static,
        refusal: impl Fn(&Call) -> Option<io::ErrorKind> + Send + Sync + 'static,
    ) -> Self {
        let watcher = move |call: &Call| refusal(call).map_or(Ok(()), |kind| Err(kind.into()));
        Watched { inner: Arc::new(inner), watcher: Arc::new(watcher) }
    }

    fn tell(&self, call: &Call) -> io::Result<()> {
        (self.watcher)(call)
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({:?})", self.inner)
    }
}

impl Disk for Watched {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.tell(&Call::CreateDir)?;
        self.inner.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.tell(&Call::List)?;
        self.inner.list(dir)
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        self.inner.is_vacant(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        self.tell(&Call::Open(path.to_owned(), access))?;
        let inner = self.inner.open(path, access)?;
        Ok(Arc::new(WatchedFile { inner, path: path.to_owned(), disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tell(&Call::Rename(from.to_owned(), to.to_owned()))?;
        self.inner.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tell(&Call::Link(from.to_owned(), to.to_owned()))?;
        self.inner.link(from, to)
    }

    fn is_shared(&self, path: &Path) -> io::Result<bool> {
        self.inner.is_shared(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tell(&Call::Remove(path.to_owned()))?;
        self.inner.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.tell(&Call::SyncDir)?;
        self.inner.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        self.tell(&Call::Lock)?;
        self.inner.try_lock(path)
    }
}

#[derive(Debug)]
struct WatchedFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    disk: Watched,
}

impl File for WatchedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.disk.tell(&Call::Read(self.path.clone(), at))?;
        self.inner.read_at(buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.disk.tell(&Call::Write(self.path.clone(), at, bytes.len()))?;
        self.inner.write_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.tell(&Call::Sync(self.path.clone()))?;
        self.inner.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.tell(&Call::Len(self.path.clone()))?;
        self.inner.len()
    }

    fn next_data(&self, at: u64) -> io::Result<Option<std::ops::Range<u64>>> {
        self.inner.next_data(at)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.tell(&Call::SetLen(self.path.clone(), len))?;
        self.inner.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.tell(&Call::Allocate(self.path.clone(), len))?;
        self.inner.allocate(len)
    }
}
