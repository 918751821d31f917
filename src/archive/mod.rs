//! Archives: the sealed segments and the snapshots of a store in object storage, or in a directory.
//!
//! An object has the name that the file has in a store, behind a prefix, and the same bytes. There is no manifest: what is in an
//! archive is what its names, headers and footers say. `remote` is the object storage, `disk` shows it as a directory that is
//! read like any store, `push` adds to it. Whose methods open and fill archives is `store`'s.
//!
//! Always: an object is complete once it has its name, and never changes; objects are put in the order of the log, so that an
//! archive is the store at some version whenever pushing stops. Nothing is removed from it. Names that are not of a store's files
//! are passed over, and never become paths.

mod disk;
mod push;
mod remote;

use crate::backup::{Backup, Source};
use crate::error::{IoContext, Result};
use crate::io::{Disk, Env};
use crate::log;
use disk::ArchiveDisk;
use object_store::ObjectStore;
use remote::Remote;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sealed segments and snapshots of one store in an object store.
///
/// What is in it is read with [`open_read_only`](Archive::open_read_only), or fetched into a directory with
/// [`fetch`](Archive::fetch), and put there by [`Store::archive`](crate::Store::archive). Calls block; they may be made from
/// asynchronous code all the same, on a thread that may block.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?; let (path, copy) = (dir.path().join("notes"), dir.path().join("copy"));
/// use redraft::{Archive, Options, Reader, Store, Value};
/// use std::sync::Arc;
///
/// let archive = Archive::new(Arc::new(object_store::memory::InMemory::new()), "stores/notes")?;
/// let store: Store<Value> = Options::new().segment_bytes(1024).open(&path)?;
/// for n in 1..=100 {
///     store.produce(|doc| doc["n"] = n.into())?;
/// }
/// let version = store.archive(&archive)?.version; // that of the last full segment
/// assert!((1..=100).contains(&version));
///
/// let reader: Reader<Value> = archive.open_read_only()?;
/// assert_eq!(reader.at(version)?["n"].as_i64(), Some(version as i64));
/// assert_eq!(archive.fetch(&copy)?.version, version); // a backup, to be read and restored from
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Archive {
    disk: Arc<ArchiveDisk>,
}

impl Archive {
    /// The archive of which all objects begin with `prefix`, in an object store of the program's own. Nothing is asked of it yet;
    /// it is used from a thread of tokio's that this archive owns. What was put is as durable as the store makes it.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when the prefix is none.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Archive> {
        let place = Path::new(prefix);
        let prefix = object_store::path::Path::parse(prefix).map_err(remote::refused);
        let remote = Remote::new(store, prefix.during("open archive", place)?, None);
        Archive::over(remote, &Path::new("archive:").join(place))
    }

    /// The archive at a URL: `file:///directory`, which is made if need be, and in which links are not followed; or
    /// `memory:///`, which is empty. For others see [`new`](Archive::new).
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when it is no URL, or of a service that is not compiled in.
    pub fn at(url: &str) -> Result<Archive> {
        Archive::over(Remote::at(url), Path::new(url))
    }

    /// The archive in a directory of this machine, which is made if need be. See [`at`](Archive::at).
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when the path cannot be one.
    pub fn in_dir(dir: impl AsRef<Path>) -> Result<Archive> {
        Archive::over(Remote::in_dir(dir.as_ref()), dir.as_ref())
    }

    fn over(remote: std::io::Result<Remote>, place: &Path) -> Result<Archive> {
        let remote = remote.during("open archive", place)?;
        Ok(Archive { disk: Arc::new(ArchiveDisk::over(remote, Env::real().disk, place)) })
    }

    /// Copies all that is in the archive into the directory `into`, which may be missing or empty, or hold what was fetched
    /// before, or a backup, of the same store. It is a [backup](crate::Store::backup) then. Costs what is not there yet; every
    /// byte of it is verified first.
    ///
    /// # Errors
    /// As `backup`; [`Error::NotAStore`](crate::Error::NotAStore) when nothing is in the archive,
    /// [`Error::Damaged`](crate::Error::Damaged) when what is there is not what was put there.
    pub fn fetch(&self, into: impl AsRef<Path>) -> Result<Backup> {
        let (env, dir) = (self.env(), self.root());
        let view = log::Reader::in_env(&env, &dir, None)?;
        let source = Source { disk: &*self.disk, dir: &dir, view: &view };
        source.back_up(&Env::real(), into.as_ref())
    }

    /// A machine on which the archive is the directory [`root`](Archive::root), and all else is where it is.
    pub(crate) fn env(&self) -> Env {
        Env { disk: Arc::clone(&self.disk) as Arc<dyn Disk>, ..Env::real() }
    }

    /// The directory that the archive shows as.
    pub(crate) fn root(&self) -> PathBuf {
        self.disk.root().to_owned()
    }
}
