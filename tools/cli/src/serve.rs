//! `redraft serve`: a store over HTTP, until it is told to stop.
//!
//! Leaves routes, limits and connections to the library. Always: tokens come from a file or the environment, never from the
//! command line, which others on the machine can read.

use crate::guard::Guard;
use crate::output::Output;
use crate::places::Place;
use crate::stores;
use anyhow::{Context, Result};
use redraft::http::{Access, Served, Server, Tls};
use redraft::replica::Node;
use redraft::{Error, Replica, Store, Value};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long the last request may take to let go of what was served.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a node still does its work.
const GLANCE: Duration = Duration::from_secs(1);

/// Serve a store over HTTP: its state, its history, changes as they come, and submissions.
///
/// What can be asked is in /v1/openapi.json. Tokens are lines of "read TOKEN" or "write TOKEN" in a file, or in the environment as
/// REDRAFT_READ_TOKEN and REDRAFT_WRITE_TOKEN. Without one, everybody on this machine may do everything. A stream is served from a copy
/// that follows it; what is submitted goes to the stream.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft serve notes.redraft
  redraft serve replica.redraft --read-only --listen 127.0.0.1:8080
  redraft serve 'nats://127.0.0.1:4222?stream=notes'
  redraft serve notes.redraft --listen 0.0.0.0:7878 --token-file tokens --tls-cert cert.pem --tls-key key.pem")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// Where to listen. Any address but the machine's own needs tokens or --client-ca.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    /// Only read. Another process may write the store meanwhile, and it may be a replica; of a stream nothing more than reading is asked.
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    guard: Guard,
}

#[derive(Serialize)]
struct Serving<'a> {
    address: &'a str,
    store: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    // From the first moment on, so that a store that is interrupted is always closed.
    let stop = interruption()?;
    let (access, tls) = (args.guard.access()?.read_only(args.read_only), args.guard.tls()?);
    if let Some((url, reach)) = args.store.stream().filter(|(_, reach)| !reach.is_offline()) {
        return match args.read_only {
            true => serve_replica(args, reach.replica(url, output)?, access, tls, stop, output),
            false => serve_node(args, reach.node(url, output)?.0, access, tls, stop, output),
        };
    }
    if args.read_only || args.store.stream().is_some() {
        let reader = args.store.read(output)?;
        let access = access.read_only(true);
        let id = reader.id().to_string();
        return serve(args, access, tls, reader.into(), id, stop, output);
    }
    let store = Arc::new(stores::write(args.store.path()?).map_err(pointed)?);
    let id = store.id().to_string();
    let served = serve(args, access, tls, Arc::clone(&store).into(), id, stop, output);
    // It is closed properly even if there was nothing to serve it on.
    let closed = alone(store).map_or(Ok(()), Store::<Value>::close);
    served?;
    Ok(closed?)
}

/// A replica of a stream, which follows it for as long as it is served.
fn serve_replica(
    args: &Args,
    replica: Replica<Value>,
    access: Access,
    tls: Option<Tls>,
    stop: oneshot::Receiver<()>,
    output: &mut Output,
) -> Result<()> {
    let following = replica.follow()?;
    let store = Arc::clone(replica.store());
    let id = store.id().to_string();
    let served = serve(args, access, tls, store.into(), id, stop, output);
    let followed = following.finish();
    let closed = replica.close();
    served?;
    followed?;
    Ok(closed?)
}

/// A node, through which others write into a stream.
fn serve_node(
    args: &Args,
    node: Node<Value>,
    access: Access,
    tls: Option<Tls>,
    stop: oneshot::Receiver<()>,
    output: &mut Output,
) -> Result<()> {
    let node = Arc::new(node);
    tell_of_its_end(&node);
    let id = node.store().id().to_string();
    let served = serve(args, access, tls, Arc::clone(&node).into(), id, stop, output);
    let closed = alone(node).map_or(Ok(()), Node::close);
    served?;
    Ok(closed?)
}

/// Says so when it brings nothing into the stream any longer: what it has goes on being served.
fn tell_of_its_end(node: &Arc<Node<Value>>) {
    let node = Arc::downgrade(node);
    thread::spawn(move || {
        while let Some(node) = node.upgrade() {
            if let Some(error) = node.ended_by() {
                // Whoever ends it need not wait until this was read.
                drop(node);
                let why = anyhow::Error::new(error);
                return stores::note(&format!(
                    "nothing goes into the stream any longer; what is here is served on: {why:#}"
                ));
            }
            drop(node);
            thread::sleep(GLANCE);
        }
    });
}

/// Says what to do with what is served, though nobody but its source may change it.
fn pointed(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Error::Role { found, .. }) => {
            let found = *found;
            error.context(format!("a {found} is served with --read-only"))
        }
        _ => error,
    }
}

fn serve(
    args: &Args,
    access: Access,
    tls: Option<Tls>,
    source: Served,
    id: String,
    stop: oneshot::Receiver<()>,
    output: &mut Output,
) -> Result<()> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let server = Server::new(source).access(access);
    let server = match tls {
        Some(tls) => server.tls(tls),
        None => server,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the threads of a server")?.block_on(async {
        let bound = server.bind(args.listen).await?;
        let address = format!("{scheme}://{}", bound.address());
        let human = format!("serving {} at {address}/v1/state", args.store.name());
        output.tell(&Serving { address: &address, store: id }, human)?;
        output.flush()?;
        bound.run(async { drop(stop.await) }).await;
        Ok(())
    })
}

/// What is left of something that was served, once all who asked for it have let go.
pub(crate) fn alone<T>(mut shared: Arc<T>) -> Option<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        shared = match Arc::try_unwrap(shared) {
            Ok(alone) => return Some(alone),
            Err(_) if Instant::now() >= until => return None,
            Err(shared) => shared,
        };
        thread::sleep(Duration::from_millis(10));
    }
}

/// Tells of Ctrl-C and of a request to terminate.
pub(crate) fn interruption() -> Result<oneshot::Receiver<()>> {
    let (tell, told) = oneshot::channel();
    // Told once; who asks again is being heard already.
    let tell = std::sync::Mutex::new(Some(tell));
    let handler = move || {
        let tell = tell.lock().ok().and_then(|mut tell| tell.take());
        drop(tell);
    };
    ctrlc::set_handler(handler).context("cannot listen for interruption")?;
    Ok(told)
}
