//! The process of a node: this very test program, started once more on the node's machine. It makes changes that conflict with those of
//! the others, and does what it is told on its input.
//!
//! It tells on stderr what it does, a line for each, before and after; a line that a kill cut short was not told.

use crate::common::setting;
use crate::events::Events;
use crate::servers::{SERVERS, urls};
use async_nats::jetstream;
use redraft::collections::{Counter, List, Map, Text};
use redraft::io::SeededEntropy;
use redraft::jetstream::JetStream;
use redraft::merge::{Outcome, Rules};
use redraft::replica::{Node, Order, Settled};
use redraft::{Error, ErrorKind, Meta, Options, Result, State, Value};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const DIR: &str = "REDRAFT_CLUSTER_DIR";
pub(crate) const NODE: &str = "REDRAFT_CLUSTER_NODE";
/// The number of its first change.
pub(crate) const FIRST: &str = "REDRAFT_CLUSTER_FIRST";
pub(crate) const WRITERS: &str = "REDRAFT_CLUSTER_WRITERS";
/// How long it waits for what becomes of a change, in seconds.
pub(crate) const PATIENCE: &str = "REDRAFT_CLUSTER_PATIENCE";
pub(crate) const STREAM: &str = "board";
/// Shorter than most faults, so that what was not heard is tried again while they last.
const TIMEOUT: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_millis(20);
const RECIPE: &str = "run";
/// So many keys are written by everybody.
const KEYS: u64 = 5;

/// What all of them change.
#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct Board {
    /// One for each change.
    pub(crate) count: Counter,
    /// Where each change but runs is, wherever it was put.
    pub(crate) ids: List<u64>,
    /// A letter for each change that types.
    pub(crate) text: Text,
    pub(crate) keys: Map<u64, u64>,
    /// What all runs come to, one on top of the other.
    #[merge(rebase)]
    pub(crate) sum: u64,
    /// Where each run is.
    pub(crate) runs: List<u64>,
}

/// What a change does, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Insert,
    Type,
    Set,
    Run,
}

impl Kind {
    pub(crate) fn of(id: u64) -> Kind {
        [Kind::Insert, Kind::Type, Kind::Set, Kind::Run][(id % 4) as usize]
    }
}

/// The letter of a change: no two have the same.
pub(crate) fn letter(id: u64) -> char {
    let code = 0x2_0000 + (id >> 32) * 0x2_0000 + (id & 0x1_FFFF);
    char::from_u32(u32::try_from(code).unwrap()).unwrap()
}

/// What comes of one more run.
pub(crate) fn summed(sum: u64, id: u64) -> u64 {
    sum.wrapping_mul(31).wrapping_add(id) % ((1 << 61) - 1)
}

fn run(board: &mut Board, id: u64) {
    board.count += 1;
    board.sum = summed(board.sum, id);
    board.runs.push(id);
}

fn edit(board: &mut Board, id: u64, drawn: usize) {
    board.count += 1;
    board.ids.insert(drawn % (board.ids.len() + 1), id);
    match Kind::of(id) {
        Kind::Type => board.text.insert(drawn % (board.text.len() + 1), &letter(id).to_string()),
        Kind::Set => drop(board.keys.insert(id / 4 % KEYS, id)),
        Kind::Insert | Kind::Run => {}
    }
}

/// Not a test: what the process of a node does.
#[test]
#[ignore = "run by the tests, in a process of its own"]
fn the_node() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let number = setting(NODE, 0);
    let worker = Worker {
        number,
        dir: dir.into(),
        next: AtomicU64::new(setting(FIRST, 0)),
        dice: SeededEntropy::new(setting("REDRAFT_SEED", 1) * 1000 + number * 100 + setting(FIRST, 0)),
        stopped: AtomicBool::new(false),
    };
    Events::are_told();
    worker.work();
}

/// One write, so that a kill leaves all of it or a part without an end.
pub(crate) fn tell(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

struct Worker {
    number: u64,
    dir: PathBuf,
    next: AtomicU64,
    dice: SeededEntropy,
    stopped: AtomicBool,
}

impl Worker {
    fn work(&self) {
        let order: Arc<dyn Order> = Arc::new(connected());
        while self.session(&order) {}
        tell("closed");
    }

    /// Until it is told to end, or to begin again.
    fn session(&self, order: &Arc<dyn Order>) -> bool {
        let node = again(|| opened(order, &self.dir)).patience(Duration::from_secs(setting(PATIENCE, 20)));
        node.recipe(RECIPE, |board: &mut Board, id: &Value| {
            run(board, id.as_u64().ok_or("no number")?);
            Ok::<(), &str>(())
        });
        self.stopped.store(false, Ordering::SeqCst);
        tell("open");
        let goes_on = thread::scope(|scope| {
            for _ in 0..setting(WRITERS, 2) {
                scope.spawn(|| self.write(&node));
            }
            let goes_on = self.obey(&node, order);
            self.stopped.store(true, Ordering::SeqCst);
            goes_on
        });
        node.close().unwrap();
        goes_on
    }

    fn write(&self, node: &Node<Board>) {
        while !self.stopped.load(Ordering::SeqCst) && self.change(node) {
            thread::sleep(Duration::from_millis(self.dice.below(25) as u64));
        }
    }

    /// Makes a change; whether the node goes on.
    fn change(&self, node: &Node<Board>) -> bool {
        let id = (self.number << 32) + self.next.fetch_add(1, Ordering::SeqCst);
        tell(&format!("made {id}"));
        let answer = match Kind::of(id) {
            Kind::Run => node.run(RECIPE, id),
            _ => {
                let drawn = self.dice.below(1 << 30);
                node.produce_with(Meta::label(id.to_string()), |board| edit(board, id, drawn))
            }
        };
        tell(&told(id, &answer));
        answer.is_ok() || node.ended_by().is_none()
    }

    /// Does what it is told, line by line.
    fn obey(&self, node: &Node<Board>, order: &Arc<dyn Order>) -> bool {
        for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
            match line.as_str() {
                "again" => return true,
                "rules" => {
                    again(|| node.set_rules(Rules::of::<Board>()));
                    tell("ruled");
                }
                "once" => drop(self.change(node)),
                "show" => tell(&shown(node)),
                "settle" => self.settle(node),
                "head" => tell(&format!("head {}", head(node, order))),
                "leader" => tell(&format!("leader {}", leader())),
                "whole" => tell(if is_whole() { "whole yes" } else { "whole no" }),
                "move" => move_the_leader(),
                other => panic!("what is {other}?"),
            }
        }
        false
    }

    /// No more changes; back once none waits.
    fn settle(&self, node: &Node<Board>) {
        self.stopped.store(true, Ordering::SeqCst);
        while node.ended_by().is_none() && node.writer().pending() > 0 {
            thread::sleep(SOON);
        }
        match node.ended_by() {
            Some(error) => tell(&format!("ended {error:?}")),
            None => tell("settled"),
        }
    }
}

fn told(id: u64, answer: &Result<Settled>) -> String {
    match answer {
        Ok(Settled { outcome: Outcome::Rejected { why, detail }, .. }) => {
            format!("refused {id} {why:?} {detail}")
        }
        Ok(settled) => format!("done {id} {}", settled.version),
        Err(Error::Ended { source }) => format!("ended {source:?}"),
        Err(error) if error.kind() == ErrorKind::Unreachable => format!("unheard {id}"),
        Err(error) => format!("ended by {id}: {error:?}"),
    }
}

/// What it shows, what of that is confirmed, and how many changes wait.
fn shown(node: &Node<Board>) -> String {
    let (view, confirmed) = (node.state().unwrap(), node.store().state());
    format!("shows {} {} {}", view.count.get(), confirmed.count.get(), node.writer().pending())
}

/// The end of the order, once this node has it.
fn head(node: &Node<Board>, order: &Arc<dyn Order>) -> u64 {
    let head = again(|| order.status()).head;
    again(|| node.wait_for(head));
    head
}

/// Tries until it is done: where nobody answers, or what was to come is not there yet.
fn again<T>(attempt: impl Fn() -> Result<T>) -> T {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => {
                let passes = matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::NotFound);
                assert!(passes, "{error:?}");
                if begun.elapsed() > Duration::from_secs(5) {
                    tell(&format!("waits {error:?}"));
                }
            }
        }
        thread::sleep(SOON * 10);
    }
}

fn connected() -> redraft::jetstream::Stream {
    let settings = JetStream::new(urls(), STREAM).replicas(SERVERS).timeout(TIMEOUT);
    again(|| settings.open())
}

fn opened(order: &Arc<dyn Order>, dir: &Path) -> Result<Node<Board>> {
    Options::new().segment_bytes(1 << 16).open_node(Arc::clone(order), dir)
}

/// Another client of the same cluster, which knows nothing of redraft.
fn asked(subject: &str) -> Option<serde_json::Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = async_nats::ConnectOptions::new().connection_timeout(TIMEOUT);
        let client = tokio::time::timeout(TIMEOUT, options.connect(urls())).await.ok()?.ok()?;
        let context = jetstream::new(client);
        let asking = context.request::<_, _, serde_json::Value>(format!("{subject}.{STREAM}"), &());
        tokio::time::timeout(TIMEOUT, asking).await.ok()?.ok()
    })
}

/// The server that leads the stream, for all that is known.
fn leader() -> String {
    let name = asked("STREAM.INFO").and_then(|info| Some(info["cluster"]["leader"].as_str()?.to_owned()));
    name.unwrap_or_else(|| "unknown".into())
}

/// Whether all servers of the stream have all that its leader has.
fn is_whole() -> bool {
    let whole = asked("STREAM.INFO").and_then(|info| {
        let others = info["cluster"]["replicas"].as_array()?.clone();
        let is_current = |other: &serde_json::Value| other["current"] == true && other["offline"] != true;
        Some(
            info["cluster"]["leader"].is_string()
                && others.len() + 1 == SERVERS
                && others.iter().all(is_current),
        )
    });
    whole == Some(true)
}

fn move_the_leader() {
    let moved = asked("STREAM.LEADER.STEPDOWN").is_some_and(|answer| answer["success"] == true);
    tell(if moved { "moved" } else { "not moved" });
}
