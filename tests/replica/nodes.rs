//! Nodes: several machines write into one order that no store keeps; all end alike, nothing acknowledged is lost or there twice, and who
//! is cut off goes on with what it has.

use crate::common::boards::{First, Third};
use crate::common::seed;
use redraft::io::{Clock, Env, MemoryDisk};
use redraft::merge::{Outcome, Policy, Rules};
use redraft::replica::{LocalOrder, Node, Order, Place, Source, Status};
use redraft::value::List;
use redraft::{Error, ErrorKind, Options, Result, State, Value, log, value};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// An order that can be cut off, exchanged for another one, and loses calls and answers.
#[derive(Debug)]
pub(crate) struct Far {
    order: Mutex<Arc<LocalOrder>>,
    is_cut: AtomicBool,
    /// How many of sixteen calls, and of sixteen answers, are lost.
    lost: u64,
    drawn: AtomicU64,
    overtaken: AtomicU64,
    /// Whose machine loses its power while the first append is on its way back, and what is on its disk then.
    victim: Option<MemoryDisk>,
    image: Mutex<Option<MemoryDisk>>,
}

impl Far {
    /// One whose user loses power in the middle of the first append.
    fn fatal(order: &Arc<LocalOrder>, victim: &MemoryDisk) -> Arc<Far> {
        let far = Arc::into_inner(Far::of(order, 0, 1)).unwrap();
        Arc::new(Far { victim: Some(victim.clone()), ..far })
    }

    pub(crate) fn of(order: &Arc<LocalOrder>, lost: u64, seed: u64) -> Arc<Far> {
        Arc::new(Far {
            order: Mutex::new(Arc::clone(order)),
            is_cut: AtomicBool::new(false),
            lost,
            drawn: AtomicU64::new(seed),
            overtaken: AtomicU64::new(0),
            victim: None,
            image: Mutex::default(),
        })
    }

    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }

    fn reached(&self) -> Result<Arc<LocalOrder>> {
        if self.is_cut.load(Ordering::SeqCst) {
            Err(self.gone())
        } else {
            Ok(self.order.lock().unwrap().clone())
        }
    }

    fn gone(&self) -> Error {
        let source = std::io::ErrorKind::ConnectionReset.into();
        Error::Unreachable { from: self.name(), operation: "ask", source }
    }

    fn is_lost(&self) -> bool {
        let drawn = self.drawn.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
        let mixed = (drawn ^ (drawn >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 33) % 16 < self.lost
    }
}

/// A feed that breaks when the order is cut off.
struct Cuttable(Box<dyn Read + Send>, Arc<Far>);

impl Read for Cuttable {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        match self.1.is_cut.load(Ordering::SeqCst) {
            true => Err(std::io::ErrorKind::ConnectionReset.into()),
            false => Ok(count),
        }
    }
}

/// A way to it: `Source` takes `&self`, and feeds have to outlive that.
#[derive(Clone, Debug)]
pub(crate) struct Way(pub(crate) Arc<Far>);

impl Source for Way {
    fn name(&self) -> String {
        self.0.name()
    }
    fn status(&self) -> Result<Status> {
        self.0.reached()?.status()
    }
    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.0.reached()?.chain_at(offset)
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.0.reached()?.snapshots()
    }
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.0.reached()?.snapshot(version)
    }
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cuttable(self.0.reached()?.feed(from, lives)?, Arc::clone(&self.0))))
    }
}

impl Far {
    fn name(&self) -> String {
        "far away".into()
    }
}

impl Order for Way {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        let order = self.0.reached()?;
        if self.0.is_lost() {
            return Err(self.0.gone());
        }
        let answer = order.append(place, records);
        if let (Ok(()), Some(victim)) = (&answer, &self.0.victim) {
            self.0.image.lock().unwrap().get_or_insert_with(|| victim.power_cut(seed(5)));
        }
        if matches!(answer, Err(Error::Overtaken { .. })) {
            self.0.overtaken.fetch_add(1, Ordering::SeqCst);
        }
        if self.0.is_lost() { Err(self.0.gone()) } else { answer }
    }
    fn batch_bytes(&self) -> usize {
        1 << 12
    }
}

/// An order that loses its first answer, and sends nothing until it has refused something.
#[derive(Clone, Debug)]
struct Late(Arc<LocalOrder>, Arc<AtomicU64>);

/// How far that is.
const ASKED: u64 = 1;
const MAY_GO_ON: u64 = 2;
const HELD_BACK: u64 = 3;
const SENT: u64 = 4;

impl Late {
    fn reach(&self, stage: u64) {
        self.1.store(stage, Ordering::SeqCst);
    }
    fn wait_for(&self, stage: u64) {
        while self.1.load(Ordering::SeqCst) < stage {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Source for Late {
    fn name(&self) -> String {
        "late".into()
    }
    fn status(&self) -> Result<Status> {
        self.0.status()
    }
    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.0.chain_at(offset)
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.0.snapshots()
    }
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.0.snapshot(version)
    }
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Held(self.0.feed(from, lives)?, self.clone())))
    }
}

struct Held(Box<dyn Read + Send>, Late);

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        if self.1.1.load(Ordering::SeqCst) > 0 {
            self.1.wait_for(SENT);
        }
        Ok(count)
    }
}

impl Order for Late {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        if self.1.load(Ordering::SeqCst) == 0 {
            self.reach(ASKED);
            self.wait_for(MAY_GO_ON);
            self.0.append(place, records)?;
            self.reach(HELD_BACK);
            let source = std::io::ErrorKind::TimedOut.into();
            return Err(Error::Unreachable { from: self.name(), operation: "append to", source });
        }
        let answer = self.0.append(place, records);
        self.reach(SENT);
        answer
    }
    fn batch_bytes(&self) -> usize {
        1 << 12
    }
}

/// A clock that is behind all others, so that what is proposed twice is the same.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> u64 {
        0
    }
}

pub(crate) fn order(disk: &MemoryDisk, path: &str) -> Arc<LocalOrder> {
    let options = log::Options::new().env(Env::simulated(disk.clone(), 99)).segment_bytes(1 << 14);
    Arc::new(LocalOrder::open_with(&options, path).unwrap())
}

pub(crate) fn node_of<S: State + Default>(
    disk: &MemoryDisk,
    name: &str,
    order: Arc<dyn Order>,
) -> Result<Node<S>> {
    let env = Env::simulated(disk.clone(), seed(name.bytes().map(u64::from).sum()));
    let options = Options::new().env(env).segment_bytes(1 << 14).index(false);
    Ok(options.open_node(order, Path::new("/").join(name))?.patience(PATIENCE))
}

fn list<'d>(doc: &'d mut Value, key: &str) -> &'d mut List {
    doc[key].as_list_mut().unwrap()
}

/// Everybody has seen all that the order has.
pub(crate) fn all_equal(order: &LocalOrder, nodes: &[Node<Value>]) -> Arc<Value> {
    let head = order.status().unwrap().head;
    let states: Vec<_> = nodes.iter().map(|node| node.wait_for(head).unwrap()).collect();
    for (node, state) in nodes.iter().zip(&states) {
        assert_eq!(state, &states[0]);
        assert_eq!(node.writer().pending(), 0);
        assert_eq!(node.state().unwrap(), states[0], "what shows is what is confirmed");
    }
    Arc::clone(&states[0])
}

/// Each node makes changes in two threads; the ids of those that were acknowledged.
fn work(nodes: &[Node<Value>], each: u64) -> BTreeSet<u64> {
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for (at, node) in (0u64..).zip(nodes.iter().flat_map(|node| [node, node])) {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                for n in 0..each {
                    let id = at * 1_000_000 + n;
                    let settled = node.produce(|doc| {
                        doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into();
                        let ids = list(doc, "ids");
                        ids.insert((id as usize * 7) % (ids.len() + 1), id);
                        doc["last"] = id.into();
                    });
                    let settled = settled.unwrap();
                    assert!(!matches!(settled.outcome, Outcome::Rejected { .. }), "{settled:?}");
                    acknowledged.lock().unwrap().insert(id);
                }
            });
        }
    });
    acknowledged.into_inner().unwrap()
}

fn begun(node: &Node<Value>) {
    node.set_rules(Rules::new().with("/votes".parse().unwrap(), Policy::Counter)).unwrap();
    node.produce(|doc| *doc = value!({ "votes": 0, "ids": [], "last": 0 })).unwrap();
}

fn holds(state: &Value, acknowledged: &BTreeSet<u64>) {
    let ids = state["ids"].as_list().unwrap().iter().map(|id| id.as_u64().unwrap());
    let mut sorted: Vec<u64> = ids.collect();
    sorted.sort_unstable();
    let expected: Vec<u64> = acknowledged.iter().copied().collect();
    assert_eq!(sorted, expected, "every acknowledged change is there once");
    assert_eq!(state["votes"].as_u64(), Some(acknowledged.len() as u64));
}

#[test]
fn nodes_that_write_at_once_end_alike_and_what_was_acknowledged_is_there_once() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let far = Far::of(&order, 0, 1);
    let nodes: Vec<Node<Value>> = ["a", "bb", "ccc", "dddd"]
        .map(|name| node_of(&disk, name, Arc::new(Way(Arc::clone(&far)))).unwrap())
        .into();
    begun(&nodes[0]);
    for node in &nodes[1..] {
        node.wait_for(order.status().unwrap().head).unwrap();
    }
    let acknowledged = work(&nodes, 100);
    holds(&all_equal(&order, &nodes), &acknowledged);
    assert!(far.overtaken.load(Ordering::SeqCst) > 0, "they were in each other's way");
}

#[test]
fn calls_and_answers_that_are_lost_cost_time_and_nothing_is_done_twice() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let nodes: Vec<Node<Value>> = (1..=3)
        .map(|n| node_of(&disk, &"n".repeat(n), Arc::new(Way(Far::of(&order, 2, seed(n as u64))))).unwrap())
        .collect();
    begun(&nodes[0]);
    for node in &nodes[1..] {
        node.wait_for(order.status().unwrap().head).unwrap();
    }
    let acknowledged = work(&nodes, 25);
    holds(&all_equal(&order, &nodes), &acknowledged);
}

#[test]
fn who_is_cut_off_reads_and_queues_and_has_its_changes_taken_once_it_is_back() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let far = Far::of(&order, 0, 1);
    let here = node_of::<Value>(&disk, "here", order.clone()).unwrap();
    let there = node_of::<Value>(&disk, "there", Arc::new(Way(Arc::clone(&far)))).unwrap();
    begun(&here);
    there.wait_for(order.status().unwrap().head).unwrap();

    far.cut(true);
    let there = there.patience(Duration::from_millis(200));
    let unheard = there.produce(|doc| list(doc, "ids").push(7)).unwrap_err();
    assert_eq!(unheard.kind(), ErrorKind::Unreachable, "{unheard}");
    assert_eq!(there.state().unwrap()["ids"], value!([7]), "it shows here");
    here.produce(|doc| list(doc, "ids").push(1)).unwrap();
    drop(there);

    // It opens without the order, with all that it had.
    let there = node_of::<Value>(&disk, "there", Arc::new(Way(Arc::clone(&far)))).unwrap();
    assert_eq!(there.state().unwrap()["ids"], value!([7]));
    assert_eq!(there.writer().pending(), 1);
    let there = there.patience(Duration::from_millis(500));
    let unheard = there.flush().unwrap_err();
    let why = unheard.io().unwrap().to_string();
    assert!(why.contains("the last time, ") && why.contains("far away"), "{why}");
    let there = there.patience(PATIENCE);
    far.cut(false);
    there.flush().unwrap();
    assert_eq!(there.writer().pending(), 0);
    let settled = there.produce(|doc| list(doc, "ids").push(8)).unwrap();
    here.wait_for(settled.version).unwrap();
    let state = all_equal(&order, &[here, there]);
    let ids: BTreeSet<u64> = state["ids"].as_list().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(ids, BTreeSet::from([1, 7, 8]));
}

#[test]
fn a_node_that_begins_from_nothing_has_all_and_one_that_begins_again_asks_for_what_is_new() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let first = node_of::<Value>(&disk, "first", order.clone()).unwrap();
    begun(&first);
    for n in 0..50 {
        first.produce(|doc| list(doc, "ids").push(n)).unwrap();
    }
    let state = first.state().unwrap();
    first.close().unwrap();
    let fresh = node_of::<Value>(&disk, "fresh", order.clone()).unwrap();
    assert_eq!(fresh.wait_for(order.status().unwrap().head).unwrap(), state);
    fresh.produce(|doc| list(doc, "ids").push(50)).unwrap();
    let again = node_of::<Value>(&disk, "first", order.clone()).unwrap();
    assert!(again.store().opened().replayed <= 52);
    all_equal(&order, &[fresh, again]);
}

#[test]
fn an_order_that_lost_what_a_node_has_is_refused_and_the_node_keeps_all() {
    let disk = MemoryDisk::new();
    let (whole, shorter) = (order(&disk, "/order"), order(&disk, "/other"));
    let far = Far::of(&whole, 0, 1);
    let node = node_of::<Value>(&disk, "node", Arc::new(Way(Arc::clone(&far)))).unwrap();
    begun(&node);
    *far.order.lock().unwrap() = shorter;
    far.cut(true);
    thread::sleep(Duration::from_millis(50));
    far.cut(false);
    let refused = node.produce(|doc| doc["last"] = 1.into()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Diverged, "{refused}");
    assert!(matches!(refused, Error::Ended { .. }), "{refused:?}");
    assert!(node.ended_by().is_some());
    assert_eq!(node.state().unwrap()["last"].as_u64(), Some(1), "it goes on showing what waits");
    assert_eq!(node.store().state()["last"].as_u64(), Some(0));
}

#[test]
fn a_recipe_that_is_known_runs_again_on_what_was_faster() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let nodes: Vec<Node<Value>> =
        ["a", "bb"].map(|name| node_of(&disk, name, order.clone() as Arc<dyn Order>).unwrap()).into();
    nodes[0].set_rules(Rules::new().with("/x".parse().unwrap(), Policy::Rebase)).unwrap();
    nodes[0].produce(|doc| doc["x"] = 1.into()).unwrap();
    nodes[1].wait_for(order.status().unwrap().head).unwrap();
    for node in &nodes {
        node.recipe("double and one", |doc: &mut Value, _: &Value| {
            doc["x"] = (doc["x"].as_i64().unwrap_or(0) * 2 % 1009 + 1).into();
            Ok::<(), std::convert::Infallible>(())
        });
    }
    thread::scope(|scope| {
        for node in &nodes {
            scope.spawn(move || {
                for _ in 0..20 {
                    let settled = node.run("double and one", Value::Null).unwrap();
                    assert!(!matches!(settled.outcome, Outcome::Rejected { .. }), "{settled:?}");
                }
            });
        }
    });
    let expected = (0..40).fold(1, |x, _| x * 2 % 1009 + 1);
    let head = order.status().unwrap().head;
    assert_eq!(nodes[0].wait_for(head).unwrap()["x"].as_i64(), Some(expected));
    assert_eq!(nodes[1].wait_for(head).unwrap()["x"].as_i64(), Some(expected));
}

#[test]
fn one_thread_can_have_many_changes_under_way() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let node = node_of::<Value>(&disk, "node", order).unwrap();
    begun(&node);
    let awaited: Vec<_> = (0..1000).map(|n| node.submit(|doc| list(doc, "ids").push(n)).unwrap()).collect();
    let mut last = 0;
    for awaited in &awaited {
        let settled = node.wait(awaited).unwrap();
        assert!(settled.version > last, "in the order in which they were made");
        last = settled.version;
    }
    let nothing = node.submit(|_| ()).unwrap();
    assert_eq!((nothing.sequence(), node.wait(&nothing).unwrap().sequence), (None, 0));
    assert_eq!(node.state().unwrap()["ids"].as_list().unwrap().len(), 1000);
}

#[test]
fn what_came_is_shown_also_where_it_is_the_first_part_of_what_was_proposed_since() {
    let (far_disk, disk) = (MemoryDisk::new(), MemoryDisk::new());
    let order = order(&far_disk, "/order");
    begun(&node_of::<Value>(&far_disk, "first", order.clone()).unwrap());
    let late = Late(Arc::clone(&order), Arc::default());
    let env = Env { clock: Arc::new(Stopped), ..Env::simulated(disk, seed(3)) };
    let options = Options::new().env(env).segment_bytes(1 << 14).index(false);
    let node: Node<Value> = options.open_node(Arc::new(late.clone()), "/node").unwrap().patience(PATIENCE);

    let one = node.submit(|doc| list(doc, "ids").push(1)).unwrap();
    late.wait_for(ASKED);
    let two = node.submit(|doc| list(doc, "ids").push(2)).unwrap();
    late.reach(MAY_GO_ON);
    assert_eq!([&one, &two].map(|awaited| node.wait(awaited).unwrap().sequence), [1, 2]);
    assert_eq!(all_equal(&order, &[node])["ids"], value!([1, 2]));
}

#[test]
fn a_number_that_the_order_has_seen_is_not_given_again_after_a_power_cut_that_the_node_does_not_hear_of() {
    let (far_disk, disk) = (MemoryDisk::new(), MemoryDisk::new());
    let order = order(&far_disk, "/order");
    begun(&node_of::<Value>(&far_disk, "first", order.clone()).unwrap());
    // The machine that is lost had begun before.
    node_of::<Value>(&disk, "node", order.clone()).unwrap().close().unwrap();

    let far = Far::fatal(&order, &disk);
    let node = node_of::<Value>(&disk, "node", Arc::new(Way(Arc::clone(&far)))).unwrap();
    let awaited: Vec<_> = (0..5).map(|n| node.submit(|doc| list(doc, "ids").push(n)).unwrap()).collect();
    awaited.iter().for_each(|awaited| drop(node.wait(awaited).unwrap()));
    drop(node);

    let image = far.image.lock().unwrap().take().unwrap();
    far.cut(true);
    let again = node_of::<Value>(&image, "node", Arc::new(Way(Arc::clone(&far)))).unwrap();
    let made = again.submit(|doc| list(doc, "ids").push(99)).unwrap();
    far.cut(false);
    again.wait(&made).unwrap();
    let state = all_equal(&order, &[again]);
    let ids: Vec<u64> = state["ids"].as_list().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 99]);
}

#[test]
fn a_node_of_a_newer_schema_migrates_for_all_and_an_older_program_writes_no_more() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let older = node_of::<First>(&disk, "older", order.clone()).unwrap();
    older.produce(|board| board.title = "plan".into()).unwrap();
    let newer = node_of::<Third>(&disk, "newer", order.clone()).unwrap();
    assert_eq!(newer.state().unwrap().name, "plan");
    newer.produce(|board| board.name = "ship".into()).unwrap();
    assert_eq!(newer.state().unwrap().name, "ship");
    let changes: Vec<_> = newer.store().changes(1..).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        changes.iter().filter(|change| change.schema == Some(3)).count(),
        1,
        "once, and before anything else"
    );

    let refused =
        older.patience(Duration::from_secs(5)).produce(|board| board.title = "late".into()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NewerSchema, "{refused}");
    assert_eq!(order.status().unwrap().head, newer.store().version(), "nothing of it was appended");
}

#[test]
fn more_at_once_than_is_remembered_for_merging_is_in_the_order_once() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let node = |name: &str, number: u64| {
        let options = Options::new().env(Env::simulated(disk.clone(), number)).segment_bytes(1 << 14);
        options.merge_window(4).open_node::<Value>(order.clone(), Path::new("/").join(name)).unwrap()
    };
    let nodes = [node("a", 1), node("b", 2)];
    begun(&nodes[0]);
    let mut acknowledged = BTreeSet::new();
    for round in 0..4 {
        for (at, node) in (0u64..).zip(&nodes) {
            node.wait_for(order.status().unwrap().head).unwrap();
            let ids = (0..100).map(|n| (round * 2 + at) * 1000 + n);
            let add = |id: u64| {
                acknowledged.insert(id);
                let count = |doc: &mut Value| {
                    doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into();
                    list(doc, "ids").push(id);
                };
                node.submit(count).unwrap()
            };
            let awaited: Vec<_> = ids.map(add).collect();
            awaited.iter().for_each(|change| drop(node.wait(change).unwrap()));
        }
    }
    holds(&all_equal(&order, &nodes), &acknowledged);
}
