//! [`Objects`]: what is too large for a message, in the object store beside the stream.
//!
//! Leaves what the bytes mean to who asks for them. Always: an object counts once it is whole, since its description is written after its
//! last piece; it is read with its digest checked, and then verified as what it is to be.

use super::line::{Line, other};
use crate::error::Result;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::object_store::{Config, GetErrorKind, Object, ObjectMetadata, ObjectStore};
use async_nats::jetstream::stream::StorageType;
use futures_util::StreamExt;
use std::future::Future;
use std::io;
use tokio::io::AsyncReadExt;
use tokio::sync::OnceCell;

/// As much of an object is sent at a time, where the server takes that.
const CHUNK_BYTES: usize = 128 << 10;

/// What is asked of a bucket that is only read.
const READS: [&str; 4] = ["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET", "CONSUMER.CREATE"];

/// The bucket of a stream, looked up or made when it is first needed.
#[derive(Default)]
pub(super) struct Objects {
    bucket: OnceCell<ObjectStore>,
    replicas: usize,
}

impl Objects {
    pub(super) fn new(replicas: usize) -> Objects {
        Objects { bucket: OnceCell::new(), replicas }
    }

    /// The bucket, which is made where there is none.
    async fn made(&self, line: &Line) -> Result<&ObjectStore> {
        let make = async || {
            if let Some(bucket) = self.look(line).await? {
                return Ok(bucket);
            }
            let config = Config {
                bucket: bucket_of(&line.stream),
                description: Some("What a log of redraft has beside its stream.".into()),
                storage: StorageType::File,
                num_replicas: self.replicas,
                max_bytes: -1,
                ..Config::default()
            };
            let subject = format!("STREAM.CREATE.OBJ_{}", config.bucket);
            let make = line.context.create_object_store(config);
            let made = line.within("make a bucket", &[&subject], make).await?;
            made.map_err(|error| line.failed("make a bucket", error))
        };
        self.bucket.get_or_try_init(make).await
    }

    async fn look(&self, line: &Line) -> Result<Option<ObjectStore>> {
        let name = bucket_of(&line.stream);
        match self.within(line, "ask", line.context.get_object_store(&name)).await? {
            Ok(bucket) => Ok(Some(bucket)),
            // What the client answers does not say which: the stream behind the bucket does.
            Err(error) => {
                match self.within(line, "ask", line.context.get_stream(format!("OBJ_{name}"))).await? {
                    Err(missing) if is_missing(&missing) => Ok(None),
                    _ => Err(line.failed("ask", error)),
                }
            }
        }
    }

    /// See [`Line::within`]: one that reads. What somebody else may not write does not concern it.
    pub(super) async fn within<T>(
        &self,
        line: &Line,
        operation: &'static str,
        question: impl Future<Output = T>,
    ) -> Result<T> {
        let bucket = bucket_of(&line.stream);
        let read = READS.map(|verb| format!("{verb}.OBJ_{bucket}"));
        line.within(operation, &read.each_ref().map(String::as_str), question).await
    }

    /// The names of all objects.
    pub(super) async fn names(&self, line: &Line) -> Result<Vec<String>> {
        let Some(bucket) = self.known(line).await? else { return Ok(Vec::new()) };
        let failed = |error| line.unreachable("list objects", error);
        let list = self.within(line, "list objects", bucket.list()).await?;
        let mut list = list.map_err(other).map_err(failed)?;
        let mut names = Vec::new();
        while let Some(object) = self.within(line, "list objects", list.next()).await? {
            names.push(object.map_err(other).map_err(failed)?.name);
        }
        Ok(names)
    }

    /// The bucket, if there is one.
    async fn known(&self, line: &Line) -> Result<Option<ObjectStore>> {
        match self.bucket.get() {
            Some(bucket) => Ok(Some(bucket.clone())),
            None => self.look(line).await,
        }
    }

    pub(super) async fn remove(&self, line: &Line, name: &str) -> Result<()> {
        let Some(bucket) = self.known(line).await? else { return Ok(()) };
        let bucket_name = bucket_of(&line.stream);
        let removed = line.within("remove an object", &[&bucket_name], bucket.delete(name)).await?;
        removed.map_err(|error| line.failed("remove an object", error))
    }

    /// Writes an object, unless it is there: one whose name says all that it holds.
    pub(super) async fn put(&self, line: &Line, name: &str, bytes: &[u8]) -> Result<()> {
        let bucket = self.made(line).await?;
        let there = self.within(line, "ask", bucket.info(name)).await?;
        if there.is_ok_and(|info| !info.deleted && info.size == bytes.len()) {
            return Ok(());
        }
        self.replace(line, name, bytes).await
    }

    /// Writes an object, in the place of what has its name. What was there goes once the new one is whole.
    pub(super) async fn replace(&self, line: &Line, name: &str, bytes: &[u8]) -> Result<()> {
        let bucket = self.made(line).await?;
        let mut rest = bytes;
        let chunk_size = Some(CHUNK_BYTES.min(line.client.max_payload() / 2));
        let described = ObjectMetadata { name: name.to_owned(), chunk_size, ..ObjectMetadata::default() };
        // It takes as long as it takes.
        let written =
            line.refusals.unless(&[&bucket_of(&line.stream)], bucket.put(described, &mut rest)).await;
        let written = written.map_err(|error| line.unreachable("write an object", error))?;
        written.map(drop).map_err(|error| line.failed("write an object", error))
    }

    /// An object, to be read.
    pub(super) async fn open(&self, line: &Line, name: &str) -> Result<Object> {
        let absent = || io::Error::new(io::ErrorKind::NotFound, format!("there is no object {name}"));
        let Some(bucket) = self.known(line).await? else {
            return Err(line.unreachable("read an object", absent()));
        };
        match self.within(line, "read an object", bucket.get(name)).await? {
            Ok(object) => Ok(object),
            Err(error) if error.kind() == GetErrorKind::NotFound => {
                Err(line.unreachable("read an object", absent()))
            }
            Err(error) => Err(line.failed("read an object", error)),
        }
    }

    /// All of an object that is to have so many bytes.
    pub(super) async fn get(&self, line: &Line, name: &str, length: u64) -> Result<Vec<u8>> {
        let failed = |source| line.unreachable("read an object", source);
        let object = self.open(line, name).await?;
        if object.info().size as u64 != length {
            let text = format!("the object {name} has {} bytes instead of {length}", object.info().size);
            return Err(line.failed("read an object", text));
        }
        let (mut bytes, mut object) = (Vec::new(), object);
        // To the end of it, where its digest is looked at.
        while self
            .within(line, "read an object", read_some(&mut object, &mut bytes))
            .await?
            .map_err(failed)?
            > 0
        {
            if bytes.len() as u64 > length {
                return Err(line.failed("read an object", format!("the object {name} does not end")));
            }
        }
        Ok(bytes)
    }
}

async fn read_some(object: &mut Object, bytes: &mut Vec<u8>) -> io::Result<usize> {
    object.read_buf(bytes).await
}

fn bucket_of(stream: &str) -> String {
    format!("redraft-{stream}")
}

fn is_missing(error: &async_nats::jetstream::context::GetStreamError) -> bool {
    use async_nats::jetstream::context::GetStreamErrorKind::JetStream;
    matches!(error.kind(), JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND)
}
