//! The object storage behind an archive: names and lengths, ranges of bytes, whole objects.
//!
//! Object stores are asynchronous and need tokio. One runtime of a single thread is made for each archive and lives as long;
//! whoever calls waits in it. Always: nothing is waited for inside another runtime, which tokio forbids, but on a thread beside.

use crate::io::{Disk, RealDisk};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutPayload};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::{Builder, Handle, Runtime};

/// Larger objects are put in parts of this size.
const PART_BYTES: u64 = 8 << 20;

/// Objects behind one prefix.
#[derive(Debug)]
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: Location,
    /// The directory, if it is one of this machine.
    local: Option<PathBuf>,
    runtime: Option<Runtime>,
}

impl Remote {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        prefix: Location,
        local: Option<PathBuf>,
    ) -> io::Result<Remote> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Remote { store, prefix, local, runtime: Some(runtime) })
    }

    pub(super) fn at(url: &str) -> io::Result<Remote> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let url = url::Url::parse(url).map_err(invalid)?;
        let (scheme, prefix) = ObjectStoreScheme::parse(&url).map_err(refused)?;
        match scheme {
            ObjectStoreScheme::Memory => Remote::new(Arc::new(InMemory::new()), prefix, None),
            ObjectStoreScheme::Local => {
                Remote::in_dir(&url.to_file_path().map_err(|()| io::ErrorKind::InvalidInput)?)
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn in_dir(dir: &Path) -> io::Result<Remote> {
        let dir = std::path::absolute(dir)?;
        let prefix = Location::from_absolute_path(&dir).map_err(refused)?;
        // What was put is to be there after a power cut.
        Remote::new(Arc::new(LocalFileSystem::new().with_fsync(true)), prefix, Some(dir))
    }

    /// The names right behind the prefix, with the lengths of the objects. In a directory, those of plain files.
    pub(super) fn list(&self) -> io::Result<BTreeMap<String, u64>> {
        let found = self.wait(self.store.list_with_delimiter(Some(&self.prefix)))?;
        let sizes = found.objects.into_iter().filter_map(|object| {
            let name = object.location.filename()?.to_owned();
            // A store may answer with more than was asked for.
            (self.location(&name) == object.location).then_some((name, object.size))
        });
        let Some(local) = &self.local else { return Ok(sizes.collect()) };
        let plain: BTreeSet<String> = match RealDisk.list(local) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            answer => answer?.into_iter().collect(),
        };
        Ok(sizes.filter(|(name, _)| plain.contains(name)).collect())
    }

    /// A part of an object.
    pub(super) fn read(&self, name: &str, part: Range<u64>) -> io::Result<Vec<u8>> {
        let location = self.location(name);
        self.wait(self.store.get_range(&location, part)).map(|bytes| bytes.to_vec())
    }

    /// Puts an object of so many bytes, parts of which `read` gives in their order. It has its name once all of it is there.
    pub(super) fn put(
        &self,
        name: &str,
        bytes: u64,
        mut read: impl FnMut(Range<u64>) -> io::Result<Vec<u8>>,
    ) -> io::Result<()> {
        let location = self.location(name);
        if bytes <= PART_BYTES {
            let payload = PutPayload::from(read(0..bytes)?);
            return self.wait(self.store.put(&location, payload)).map(drop);
        }
        let mut upload = self.wait(self.store.put_multipart(&location))?;
        let mut starts = (0..bytes).step_by(PART_BYTES as usize);
        let sent = starts.try_for_each(|start| {
            let part = read(start..bytes.min(start + PART_BYTES))?;
            self.wait(upload.put_part(PutPayload::from(part)))
        });
        if let Err(error) = sent {
            // Parts that nobody asks for any more are the store's to remove.
            let _ = self.wait(upload.abort());
            return Err(error);
        }
        self.wait(upload.complete()).map(drop)
    }

    fn location(&self, name: &str) -> Location {
        self.prefix.clone().join(name)
    }

    fn wait<T: Send>(&self, work: impl Future<Output = object_store::Result<T>> + Send) -> io::Result<T> {
        let Some(runtime) = &self.runtime else { return Err(io::ErrorKind::Other.into()) };
        let answer = match Handle::try_current() {
            Err(_) => Ok(runtime.block_on(work)),
            Ok(_) => std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join()),
        };
        match answer {
            Ok(answer) => answer.map_err(refused),
            Err(_) => Err(io::Error::other("the object store panicked")),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Dropping it where one must not block would panic.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What an object store answers, as a file system would say it.
pub(super) fn refused(error: impl Into<object_store::Error>) -> io::Error {
    let error = error.into();
    let kind = match &error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        object_store::Error::InvalidPath { .. } => io::ErrorKind::InvalidInput,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied
        }
        object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => {
            io::ErrorKind::Unsupported
        }
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Whether a path leads to an object, and to which.
pub(super) fn name_in<'p>(root: &Path, path: &'p Path) -> Option<&'p str> {
    let name = path.strip_prefix(root).ok()?.to_str()?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}
