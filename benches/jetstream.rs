//! Nodes over NATS JetStream: how fast one writes, several at once, and a new one reads, beside a bare client of the same server.
//!
//! One server on this machine, alone; each node that writes is a program of its own. `REDRAFT_RECORDS` sets how many records are written (100,000)
//! and read. With `REDRAFT_SHARE=0.4` each of these programs has so much of a processor, whether it is alone or among four, as it would on a
//! machine of its own; without, four share what one has to itself.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, reads its settings, and fails by panicking"
)]

#[path = "common/share.rs"]
mod share;

use async_nats::jetstream::{self, consumer, stream};
use futures_util::StreamExt;
use redraft::jetstream::JetStream;
use redraft::merge::Submission;
use redraft::replica::{Beginning, Node};
use redraft::{Options, Replica, Value, draft};
use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A record is so long, or a little longer.
const RECORD_BYTES: usize = 256;
/// What a record takes but for what is written.
const OVERHEAD_BYTES: usize = 50;
/// So many are under way at a time: about as many as the bare client allows.
const UNDER_WAY: usize = 4096;
const KEYS: usize = 1000;
const NODES: usize = 4;
/// So many submit to one node at once.
const CLIENTS: usize = 32;

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(dir: &Path) -> Option<Server> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(dir);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the server does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Some(Server { child, port })
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn settings(&self, stream: &str) -> JetStream {
        JetStream::from_url(&format!("{}?stream={stream}", self.url())).unwrap()
    }

    fn node(&self, stream: &str, dir: &Path) -> Node<Value> {
        let order = Arc::new(self.settings(stream).open().unwrap());
        Options::new().index(false).open_node(order, dir).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn records() -> usize {
    std::env::var("REDRAFT_RECORDS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000)
}

fn rate(what: &str, count: usize, took: Duration) -> f64 {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:<56} {rate:>12.0} /s");
    rate
}

/// As many as the server takes, each acknowledged, many under way.
async fn bare_publisher(url: &str, count: usize) -> Duration {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let config = stream::Config { name: "BARE".into(), subjects: vec!["bare".into()], ..Default::default() };
    context.create_stream(config).await.unwrap();
    let payload = axum::body::Bytes::from(vec![b'x'; RECORD_BYTES]);
    let begun = Instant::now();
    let mut under_way = VecDeque::new();
    for _ in 0..count {
        under_way.push_back(context.publish("bare", payload.clone()).await.unwrap().into_future());
        if under_way.len() == UNDER_WAY {
            under_way.pop_front().unwrap().await.unwrap();
        }
    }
    for acknowledged in under_way {
        acknowledged.await.unwrap();
    }
    begun.elapsed()
}

async fn bare_latencies(url: &str, count: usize) -> Vec<Duration> {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let payload = axum::body::Bytes::from(vec![b'x'; RECORD_BYTES]);
    let mut latencies = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        context.publish("bare", payload.clone()).await.unwrap().await.unwrap();
        latencies.push(begun.elapsed());
    }
    latencies
}

async fn bare_consumer(url: &str, count: usize) -> Duration {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let stream = context.get_stream("BARE").await.unwrap();
    let begun = Instant::now();
    let config = consumer::pull::OrderedConfig::default();
    let messages = stream.create_consumer(config).await.unwrap().messages().await.unwrap();
    let mut messages = messages.take(count);
    while let Some(message) = messages.next().await {
        assert_eq!(message.unwrap().payload.len(), RECORD_BYTES);
    }
    begun.elapsed()
}

/// Where a node writes: in places that all of them write to, or in its own.
#[derive(Clone, Copy)]
enum Keys {
    Shared,
    Own,
}

fn write(node: &Node<Value>, name: usize, keys: Keys, count: usize) {
    let key = |place: usize| match keys {
        Keys::Shared => format!("key{place:04}"),
        Keys::Own => format!("{name}{place:06}"),
    };
    let (keys, mut under_way) = ((0..KEYS).map(key).collect::<Vec<_>>(), VecDeque::new());
    for n in 0..count {
        let key = &keys[(n * 7919) % KEYS];
        let mut bytes = vec![b'x'; RECORD_BYTES - OVERHEAD_BYTES];
        bytes[..8].copy_from_slice(&((n * NODES + name) as u64).to_be_bytes());
        let value = Value::Bytes(bytes.into());
        under_way.push_back(node.submit(|doc| doc[key.as_str()] = value).unwrap());
        if under_way.len() == UNDER_WAY {
            node.wait(&under_way.pop_front().unwrap()).unwrap();
        }
    }
    for awaited in &under_way {
        node.wait(awaited).unwrap();
    }
}

/// What a process that holds one node is told: which, where, and how much to write. It says when the node is open, when it has
/// written, and, once it was told the newest version there is, what state it has then.
struct Told {
    url: String,
    stream: String,
    dir: PathBuf,
    name: usize,
    keys: Keys,
    count: usize,
}

/// The first argument of such a process.
const AS_A_NODE: &str = "--as-a-node";

impl Told {
    fn id(&self) -> String {
        format!("{}{}", self.stream, self.name)
    }

    fn start(&self) -> Several {
        let keys = if matches!(self.keys, Keys::Shared) { "shared" } else { "own" };
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([AS_A_NODE, &self.url, &self.stream]).arg(&self.dir);
        command.args([&self.name.to_string(), keys, &self.count.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (asked, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Several { id: self.id(), child, asked, answers: BufReader::new(answers).lines() }
    }

    fn of(mut arguments: impl Iterator<Item = String>) -> Told {
        let mut next = || arguments.next().unwrap();
        Told {
            url: next(),
            stream: next(),
            dir: next().into(),
            name: next().parse().unwrap(),
            keys: if next() == "shared" { Keys::Shared } else { Keys::Own },
            count: next().parse().unwrap(),
        }
    }

    fn be_a_node(&self) {
        if let Some(share) = share::asked_for() {
            share::take(share, &self.id()).unwrap();
        }
        let settings = JetStream::from_url(&format!("{}?stream={}", self.url, self.stream)).unwrap();
        let order = Arc::new(settings.open().unwrap());
        let node: Node<Value> = Options::new().index(false).open_node(order, &self.dir).unwrap();
        let mut told = stdin().lines().map(Result::unwrap);
        println!("open");
        told.next().unwrap();
        write(&node, self.name, self.keys, self.count);
        println!("{}", node.store().version());
        let newest = told.next().unwrap().parse().unwrap();
        let state = serde_json::to_vec(&*node.wait_for(newest).unwrap()).unwrap();
        println!("{:08x}", crc32fast::hash(&state));
    }
}

/// A process that holds one of several nodes.
struct Several {
    id: String,
    child: Child,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Several {
    fn ask(&mut self, what: impl Display) {
        writeln!(self.asked, "{what}").unwrap();
    }

    fn answer(&mut self) -> String {
        self.answers.next().unwrap().unwrap()
    }
}

impl Drop for Several {
    fn drop(&mut self) {
        drop(self.child.wait());
        share::give_back(&self.id);
    }
}

/// Some nodes, each a program of its own, of which some write that many changes in all; until every one of them has them all, and
/// the same state.
fn several(
    server: &Server,
    dir: &Path,
    stream: &str,
    (nodes, writers, keys): (usize, usize, Keys),
    count: usize,
) -> Duration {
    let told = |name| Told {
        url: server.url(),
        stream: stream.to_owned(),
        dir: dir.join(format!("{stream}{name}")),
        name,
        keys,
        count: if name < writers { count / writers } else { 0 },
    };
    let mut nodes: Vec<Several> = (0..nodes).map(|name| told(name).start()).collect();
    assert!(nodes.iter_mut().all(|node| node.answer() == "open"));
    let begun = Instant::now();
    nodes.iter_mut().for_each(|node| node.ask("write"));
    let newest = nodes.iter_mut().map(|node| node.answer().parse::<u64>().unwrap()).max().unwrap();
    nodes.iter_mut().for_each(|node| node.ask(newest));
    let states: Vec<String> = nodes.iter_mut().map(Several::answer).collect();
    let took = begun.elapsed();
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "all nodes have the same state");
    took
}

/// Clients of a node that each submit so many changes, one after the other, on what the node shows.
fn submitted(node: &Node<Value>, clients: usize, each: usize) -> Duration {
    let begun = Instant::now();
    thread::scope(|scope| {
        for client in 1..=clients {
            scope.spawn(move || {
                let key = format!("client{client}");
                for n in 1..=each as u64 {
                    let patch = draft(&Value::default(), |doc| doc[key.as_str()] = n.into()).unwrap().patch;
                    let submission = Submission::new(node.store().version(), patch);
                    let writer = format!("{clients:x}{client:04x}").parse().unwrap();
                    node.merge(&submission.by(writer, n)).unwrap();
                }
            });
        }
    });
    begun.elapsed()
}

/// How many bytes a stream holds.
async fn bytes_of(url: &str, stream: &str) -> u64 {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    context.get_stream(stream).await.unwrap().cached_info().state.bytes
}

fn percentile(latencies: &mut [Duration], of_thousand: usize) -> Duration {
    latencies.sort_unstable();
    latencies[(latencies.len() * of_thousand / 1000).min(latencies.len() - 1)]
}

fn table(what: &str, mut latencies: Vec<Duration>) {
    let [half, most, nearly_all] = [500, 990, 999].map(|part| percentile(&mut latencies, part));
    println!("{what:<40} median {half:>9.1?}  p99 {most:>9.1?}  p99.9 {nearly_all:>9.1?}");
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == AS_A_NODE).is_some() {
        return Told::of(arguments).be_a_node();
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(&dir.path().join("server")) else {
        println!("nats-server is not installed: nothing is measured");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let count = records();
    println!("{count} records of {RECORD_BYTES} bytes, one server, R1, on this machine");
    match share::asked_for() {
        Some(share) => println!("each node that writes has {share} of a processor\n"),
        None => println!("all that run share its processors\n"),
    }

    let bare = rate("a bare publisher", count, runtime.block_on(bare_publisher(&server.url(), count)));
    let several = |what, stream, nodes| rate(what, count, several(&server, dir.path(), stream, nodes, count));
    let alone = several("one node", "ONE", (1, 1, Keys::Shared));
    // Which has whole processors.
    if share::asked_for().is_none() {
        println!("{:<56} {:>12.2} (goal: 0.5 at least)", "  of the bare publisher", alone / bare);
    }
    let bytes = runtime.block_on(bytes_of(&server.url(), "ONE")) / count as u64;
    println!("{:<56} {bytes:>12}\n", "  bytes a record");

    let led = several("one of four nodes, the others take it in", "LED", (NODES, 1, Keys::Shared));
    for (what, stream, keys) in [
        ("four at once, in the same places, together", "SHARED", Keys::Shared),
        ("four at once, each in its own places, together", "OWN", Keys::Own),
    ] {
        let together = several(what, stream, (NODES, NODES, keys));
        println!("{:<56} {:>12.2} (goal: 0.5 at least)", "  of one of four", together / led);
        println!("{:<56} {:>12.2} (goal: 0.5 at least)", "  of one that is alone", together / alone);
    }
    println!();

    let read = rate("a bare ordered consumer", count, runtime.block_on(bare_consumer(&server.url(), count)));
    let order = Arc::new(server.settings("ONE").open().unwrap());
    let begun = Instant::now();
    let replica: Replica<Value> =
        Options::new().index(false).replica_of(order, dir.path().join("new"), Beginning::Oldest).unwrap();
    assert_eq!(replica.catch_up().unwrap().version, count as u64);
    let replayed = rate("a new node: verified, on its disk, in its state", count, begun.elapsed());
    println!("{:<56} {:>12.2} (goal: 0.5 at least)\n", "  of the bare consumer", replayed / read);

    let rounds = 2000;
    table("a bare publisher, one by one", runtime.block_on(bare_latencies(&server.url(), rounds)));
    let latency = |node: &Node<Value>, n: usize| {
        let begun = Instant::now();
        node.produce(|doc| doc["latency"] = (n as u64).into()).unwrap();
        begun.elapsed()
    };
    let one = server.node("ONE", &dir.path().join("ONE0"));
    table("one node, one by one", (0..rounds).map(|n| latency(&one, n)).collect());
    let other = server.node("ONE", &dir.path().join("other"));
    let seen = |n: usize| {
        let begun = Instant::now();
        let settled = one.produce(|doc| doc["latency"] = (n as u64).into()).unwrap();
        other.wait_for(settled.version).unwrap();
        begun.elapsed()
    };
    table("the same, until another node shows it", (0..rounds).map(seen).collect());
    let nodes: Vec<Node<Value>> =
        (0..NODES).map(|n| server.node("ONE", &dir.path().join(format!("each{n}")))).collect();
    let latencies = thread::scope(|scope| {
        let each = |node| scope.spawn(move || (0..rounds / 2).map(|n| latency(node, n)).collect::<Vec<_>>());
        let each: Vec<_> = nodes.iter().map(each).collect();
        each.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    table("four nodes at once, each one by one", latencies);
    let gateway = server.node("GATEWAY", &dir.path().join("gateway"));
    for clients in [1, CLIENTS] {
        let what = format!("{clients} that submit to one node, each one by one");
        rate(&what, rounds, submitted(&gateway, clients, rounds / clients));
    }
    let close = |_| {
        let node = server.node("CLOSED", &dir.path().join("closed"));
        node.produce(|doc| doc["closed"] = 1.into()).unwrap();
        let begun = Instant::now();
        node.close().unwrap();
        begun.elapsed()
    };
    table("a node is closed", (0..20).map(close).collect());
}
