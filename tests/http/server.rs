//! A server under test: a store in a directory, on a socket of its own, in a thread of its own.

use crate::client::{Answer, Client};
use redraft::http::{Access, Limits, Served, Server};
use redraft::{Options, Store, Value};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Held by tests that take much memory, one at a time, so that one of them can ask how much this process has.
pub(crate) fn much_memory() -> MutexGuard<'static, ()> {
    static HELD: Mutex<()> = Mutex::new(());
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A socket on which somebody serves. Dropping it stops the server and waits for that.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new(server: Server) -> Running {
        Running::at("127.0.0.1:0".parse().unwrap(), server)
    }

    pub(crate) fn at(address: SocketAddr, server: Server) -> Running {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let bound = server.bind(address).await.unwrap();
                tell.send(bound.address()).unwrap();
                bound.run(async { drop(stopped.await) }).await;
            });
        };
        let thread = Some(std::thread::spawn(serve));
        Running { address: told.recv().unwrap(), stop: Some(stop), thread }
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// Stops the server and waits until it has.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A store that is served, and used by the test beside that.
pub(crate) struct Board {
    pub(crate) running: Running,
    pub(crate) store: Arc<Store<Value>>,
    pub(crate) dir: TempDir,
}

impl Board {
    pub(crate) fn new() -> Board {
        Board::with(Access::new(), Limits::new())
    }

    pub(crate) fn with(access: Access, limits: Limits) -> Board {
        Board::of(&Options::new(), access, limits)
    }

    pub(crate) fn of(options: &Options, access: Access, limits: Limits) -> Board {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<Store<Value>> = Arc::new(options.open(dir.path().join("board")).unwrap());
        let server = Server::new(Served::from(Arc::clone(&store))).access(access).limits(limits);
        Board { running: Running::new(server), store, dir }
    }

    /// A store with the versions 1 to `head`, in which `/n` is the version.
    pub(crate) fn numbered(head: u64) -> Board {
        let board = Board::new();
        board.number_up_to(head);
        board
    }

    pub(crate) fn number_up_to(&self, head: u64) {
        for version in self.store.version() + 1..=head {
            self.store.produce(|doc| doc["n"] = version.into()).unwrap();
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("board")
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.running.client().get(target)
    }

    pub(crate) fn submit(&self, body: &serde_json::Value) -> Answer {
        self.running.client().post("/v1/changes", &body.to_string())
    }
}
