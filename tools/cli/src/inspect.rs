//! `redraft inspect`: a page to look into a store with, until it is told to stop.
//!
//! Leaves page and answers to the library. Always: reads only, beside a writer too, unless told to write; a store that is damaged is
//! shown as far as it is good, which is said; tokens come from a file or the environment, never from the command line.

use crate::guard::Guard;
use crate::output::Output;
use crate::places::{self, Place};
use crate::serve::{alone, interruption};
use crate::{exit, stores};
use anyhow::{Context, Result};
use redraft::http::RemoteOptions;
use redraft::inspect::{Inspected, Inspector};
use redraft::replica::{Beginning, Node, Source};
use redraft::{Error, Options, Reader, Replica, Store, Value};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Where a token for a store is looked for that is served elsewhere.
const TOKEN: &str = "REDRAFT_TOKEN";

/// Look into a store with a browser: its history as a timeline, the state at every version, what each change did.
///
/// The page is in this program and loads nothing from elsewhere. It follows what another process writes. Tokens are lines of "read TOKEN"
/// or "write TOKEN" in a file, or in the environment as REDRAFT_READ_TOKEN and REDRAFT_WRITE_TOKEN; the page asks for one. A stream, and
/// a store that is served elsewhere (http://HOST:PORT), is looked at in a copy that follows it. Of a damaged store you see what is good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft inspect notes.redraft
  redraft inspect notes.redraft --write --listen 127.0.0.1:7880
  redraft inspect 'nats://127.0.0.1:4222?stream=notes' --write
  redraft inspect http://127.0.0.1:7878
  REDRAFT_READ_TOKEN=6f1d8a02c9e4b753 redraft inspect notes.redraft --listen 0.0.0.0:7880 --allow-host notes.example")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// Where to listen. Any address but the machine's own needs tokens or --client-ca. Port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Let changes be undone, and the state be made what it was. No other process may write the store meanwhile, unless it is a stream.
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    guard: Guard,
}

#[derive(Serialize)]
struct Inspecting<'a> {
    address: &'a str,
    store: String,
    writes: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    // From the first moment on, so that a store that is interrupted is always closed.
    let stop = interruption()?;
    let place = args.store.name();
    if places::is_server(&place) {
        must_only_read(args)?;
        let dir = tempfile::tempdir().context("cannot make a directory for a copy")?;
        let replica = copied(&place, dir.path())?;
        return followed(args, replica, stop, output);
    }
    match args.store.stream() {
        Some((url, reach)) if args.write => written_through(args, reach.node(url, output)?.0, stop, output),
        Some((url, reach)) if !reach.is_offline() => {
            followed(args, reach.replica(url, output)?, stop, output)
        }
        None if args.write => written(args, stop, output),
        _ => {
            let dir = args.store.directory(output)?;
            // A reader writes nothing into the store.
            let aside = tempfile::tempdir().context("cannot make a directory for an index")?;
            let reader = as_far_as_it_is_good(&dir)?.with_index(aside.path());
            let id = reader.id().to_string();
            serve(args, reader.into(), id, stop, output)
        }
    }
}

/// Refuses to change what has its changes from a store that is served elsewhere.
fn must_only_read(args: &Args) -> Result<()> {
    match args.write {
        true => Err(exit::Usage(
            "--write is for a store in a directory and for a stream: this copy has its changes from whoever serves the store".into(),
        )
        .into()),
        false => Ok(()),
    }
}

fn written(args: &Args, stop: oneshot::Receiver<()>, output: &mut Output) -> Result<()> {
    let store = Arc::new(stores::write(args.store.path()?).map_err(pointed)?);
    let id = store.id().to_string();
    let served = serve(args, Arc::clone(&store).into(), id, stop, output);
    // It is closed properly even if there was nothing to serve it on.
    let closed = alone(store).map_or(Ok(()), Store::<Value>::close);
    served?;
    Ok(closed?)
}

/// A node, which brings what is taken back into its stream.
fn written_through(
    args: &Args,
    node: Node<Value>,
    stop: oneshot::Receiver<()>,
    output: &mut Output,
) -> Result<()> {
    let node = Arc::new(node);
    let id = node.store().id().to_string();
    let served = serve(args, Arc::clone(&node).into(), id, stop, output);
    let closed = alone(node).map_or(Ok(()), Node::close);
    served?;
    Ok(closed?)
}

/// A replica, which follows its source for as long as somebody looks.
fn followed(
    args: &Args,
    replica: Replica<Value>,
    stop: oneshot::Receiver<()>,
    output: &mut Output,
) -> Result<()> {
    let following = replica.follow()?;
    let store = Arc::clone(replica.store());
    let id = store.id().to_string();
    let served = serve(args, store.into(), id, stop, output);
    following.stop();
    let closed = replica.close();
    served?;
    Ok(closed?)
}

/// Says what to do without the lock, or with what only its source may change.
fn pointed(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Error::Locked { .. }) => error
            .context("another process writes this store: look at it without --write, or stop that one first"),
        Some(Error::Role { found, .. }) => {
            let found = *found;
            error.context(format!("a {found} is looked at without --write"))
        }
        _ => error,
    }
}

/// Opens a store for reading. If its newest state cannot be reached, then the newest one that can.
fn as_far_as_it_is_good(dir: &Path) -> Result<Reader<Value>> {
    let error = match Options::new().open_read_only(dir) {
        Err(error @ Error::Damaged(_)) => error,
        answer => return Ok(answer?),
    };
    let Some(intact) = error.damage().and_then(|damage| damage.intact) else { return Err(error.into()) };
    let Ok(reader) = Options::new().open_read_only_at(dir, intact) else { return Err(error.into()) };
    stores::note(&format!("the store is damaged, and shown up to version {intact}: {error}"));
    Ok(reader)
}

/// A copy of a store that is served elsewhere.
fn copied(url: &str, dir: &Path) -> Result<Replica<Value>> {
    let mut options = RemoteOptions::new();
    if let Ok(token) = std::env::var(TOKEN) {
        options = options.token(token);
    }
    let source: Arc<dyn Source> = Arc::new(options.open(url)?);
    let replica = Options::new().replica_of(source, dir.join("copy"), Beginning::Oldest)?;
    replica.catch_up()?;
    Ok(replica)
}

fn serve(
    args: &Args,
    source: Inspected,
    id: String,
    stop: oneshot::Receiver<()>,
    output: &mut Output,
) -> Result<()> {
    let tls = args.guard.tls()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let access = args.guard.access()?.read_only(!args.write);
    let name = PathBuf::from(args.store.name());
    let name = name.file_name().map_or_else(|| args.store.name(), |name| name.to_string_lossy().into_owned());
    let inspector = Inspector::new(source).access(access).writes(args.write).name(name);
    let inspector = match tls {
        Some(tls) => inspector.tls(tls),
        None => inspector,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the threads of a server")?.block_on(async {
        let bound = inspector.bind(args.listen).await?;
        let address = format!("{scheme}://{}/", bound.address());
        let human = format!("look into {} at {address}", args.store.name());
        output.tell(&Inspecting { address: &address, store: id, writes: args.write }, human)?;
        output.flush()?;
        bound.run(async { drop(stop.await) }).await;
        Ok(())
    })
}
