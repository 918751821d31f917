//! Servers of NATS for one test: real ones, on ports of this machine that nobody has, gone with what they hold when the test is.

use async_nats::jetstream::{self, Context};
use redraft::jetstream::{JetStream, Stream};
use redraft::replica::{Order, Place, Source};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// One server, with a directory of its own.
pub(crate) struct Server {
    process: Option<Child>,
    arguments: Vec<String>,
    pub(crate) port: u16,
    dir: tempfile::TempDir,
}

/// Whether there are servers to be had; says so if not.
pub(crate) fn there_are_servers() -> bool {
    let found = Command::new("nats-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("SKIPPED: there is no nats-server");
    }
    found
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// One that stands alone.
    pub(crate) fn alone() -> Server {
        Server::with(&[])
    }

    /// The same, with more to say to it.
    pub(crate) fn with(more: &[&str]) -> Server {
        let mut server = Server::prepared(free_port(), more);
        server.start();
        server
    }

    fn prepared(port: u16, more: &[&str]) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("js").display().to_string();
        let fixed = ["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd", &store];
        let arguments = fixed.iter().chain(more).map(ToString::to_string).collect();
        Server { process: None, arguments, port, dir }
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let child = Command::new("nats-server")
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        self.process = Some(child);
        eventually("the server listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// Ends it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Makes it stand still, and waits until it does: a signal that was sent has stopped no thread yet.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
        let threads = format!("/proc/{}/task", self.id());
        eventually("the server stands still", || {
            std::fs::read_dir(&threads).unwrap().all(|thread| stands(&thread.unwrap().path()))
        });
    }

    /// Makes it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.id().to_string()]).status().unwrap().success());
    }

    fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn settings(&self) -> JetStream {
        JetStream::new([self.url()], "board").timeout(Duration::from_secs(5))
    }

    pub(crate) fn stream(&self) -> Stream {
        self.settings().open().unwrap()
    }

    /// Where it keeps what it holds.
    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.path().join("js")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a thread of `/proc` is stopped. Its state follows its name, which is in parentheses.
fn stands(thread: &Path) -> bool {
    let told = std::fs::read_to_string(thread.join("stat")).unwrap_or_default();
    told.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Three servers that are one cluster.
pub(crate) fn cluster() -> Vec<Server> {
    let routes: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let all: Vec<String> = routes.iter().map(|port| format!("nats-route://127.0.0.1:{port}")).collect();
    let all = all.join(",");
    let mut servers: Vec<Server> = routes
        .iter()
        .enumerate()
        .map(|(index, route)| {
            let name = format!("n{index}");
            let listens = format!("nats://127.0.0.1:{route}");
            let more = ["--name", &name, "--cluster_name", "test", "--cluster", &listens, "--routes", &all];
            Server::prepared(free_port(), &more)
        })
        .collect();
    servers.iter_mut().for_each(Server::start);
    servers
}

pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Another client of the same server, which knows nothing of redraft.
pub(crate) fn by_hand<T>(server: &Server, work: impl AsyncFnOnce(Context) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = server.url();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        work(jetstream::new(client)).await
    })
}

/// The end of the stream.
pub(crate) fn end(stream: &Stream) -> Place {
    let offset = stream.status().unwrap().head;
    Place { offset, chain: stream.chain_at(offset).unwrap() }
}

/// Appends records at the end.
pub(crate) fn append(stream: &Stream, records: &[&[u8]]) {
    stream.append(end(stream), records).unwrap();
}
