//! A node that is served: what is submitted to it goes into the order, as what its own program makes, and shows at all nodes; whoever
//! asks again, at whichever node, learns that it was done.

use crate::replicas::url;
use crate::server::Running;
use redraft::http::{Access, Remote, Served, Server};
use redraft::merge::{Policy, Rules};
use redraft::replica::{Beginning, LocalOrder, Node, Order, Place, Source, Status, Writer};
use redraft::{Error, Options, Replica, Result, Value, value};
use serde_json::{Value as Json, json};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// An order that can be out of reach for who wants to append, or not answer; and keep from the first node what comes.
#[derive(Debug)]
struct Far {
    order: LocalOrder,
    is_away: AtomicBool,
    is_silent: AtomicBool,
    /// How often it was asked while it was either.
    asked: AtomicU64,
    is_held: AtomicBool,
}

const BREATH: Duration = Duration::from_millis(5);
/// Long enough for what was begun to get into line.
const A_MOMENT: Duration = Duration::from_millis(300);

fn while_so(flag: &AtomicBool) {
    while flag.load(Ordering::SeqCst) {
        thread::sleep(BREATH);
    }
}

/// The way of one node to it.
#[derive(Clone, Debug)]
struct Way {
    far: Arc<Far>,
    is_first: bool,
}

/// What comes, once it is no longer held back.
struct Held(Box<dyn Read + Send>, Way);

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        if self.1.is_first {
            while_so(&self.1.far.is_held);
        }
        Ok(count)
    }
}

impl Source for Way {
    fn name(&self) -> String {
        "far away".into()
    }
    fn status(&self) -> Result<Status> {
        self.far.order.status()
    }
    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.far.order.chain_at(offset)
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.far.order.snapshots()
    }
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.far.order.snapshot(version)
    }
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Held(self.far.order.feed(from, lives)?, self.clone())))
    }
}

impl Order for Way {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        if is(&self.far.is_away) || is(&self.far.is_silent) {
            self.far.asked.fetch_add(1, Ordering::SeqCst);
        }
        while_so(&self.far.is_silent);
        if is(&self.far.is_away) {
            thread::sleep(A_MOMENT);
            let source = std::io::ErrorKind::ConnectionReset.into();
            return Err(Error::Unreachable { from: self.name(), operation: "append", source });
        }
        self.far.order.append(place, records)
    }
    fn batch_bytes(&self) -> usize {
        self.far.order.batch_bytes()
    }
}

/// Two nodes of one order, each served.
struct Nodes {
    nodes: [Arc<Node<Value>>; 2],
    running: [Running; 2],
    far: Arc<Far>,
    dir: TempDir,
}

impl Nodes {
    fn new(access: &Access) -> Nodes {
        let dir = tempfile::tempdir().unwrap();
        let order = LocalOrder::open(dir.path().join("order")).unwrap();
        let far = Arc::new(Far {
            order,
            is_away: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            is_held: AtomicBool::new(false),
        });
        let nodes = ["a", "b"].map(|name| {
            let way = Way { far: Arc::clone(&far), is_first: name == "a" };
            Arc::new(Options::new().open_node(Arc::new(way), dir.path().join(name)).unwrap())
        });
        let served = |node: &Arc<Node<Value>>| Server::new(Served::from(Arc::clone(node)));
        let running = [0, 1].map(|at: usize| Running::new(served(&nodes[at]).access(access.clone())));
        let all = Nodes { nodes, running, far, dir };
        all.nodes[0].set_rules(Rules::new().with("/votes".parse().unwrap(), Policy::Counter)).unwrap();
        all.nodes[0].produce(|doc| *doc = value!({ "votes": 0, "ids": [] })).unwrap();
        all.agree();
        all
    }

    /// The newest version, which both show.
    fn agree(&self) -> u64 {
        let head = self.far.order.status().unwrap().head;
        let states = [0, 1].map(|at: usize| self.nodes[at].wait_for(head).unwrap());
        assert_eq!(states[0], states[1]);
        head
    }

    /// Submits to the node that is kept from what was done before, which gets to know it only once it wants to append.
    fn submit_behind(&self, body: &Json) -> crate::client::Answer {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(A_MOMENT);
                self.far.is_held.store(false, Ordering::SeqCst);
            });
            self.submit(0, body)
        })
    }

    fn submit(&self, at: usize, body: &Json) -> crate::client::Answer {
        self.running[at].client().post("/v1/changes", &body.to_string())
    }
}

fn vote(base: u64) -> Json {
    json!({ "base": base, "patch": [{ "op": "inc", "path": ["votes"], "by": 1 }] })
}

#[test]
fn what_is_submitted_to_one_node_shows_at_the_other() {
    let all = Nodes::new(&Access::new());
    let told = all.running[0].client().get("/v1/store").with(200);
    assert_eq!((&told["writable"], &told["version"]), (&json!(true), &json!(2)));
    let answer = all.submit(0, &vote(2)).with(201);
    assert_eq!(answer, json!({ "version": 3, "changed": true, "outcome": "clean", "notes": [] }));
    assert_eq!(all.agree(), 3);
    // One for an older version is led past what came since, or refused if that is wanted.
    let late = all.submit(1, &vote(2)).with(201);
    assert_eq!((&late["version"], &late["changes"].as_array().unwrap().len()), (&json!(4), &2));
    let mut exact = vote(3);
    exact["stale"] = "refuse".into();
    let conflict = all.submit(0, &exact).problem(409);
    assert_eq!((&conflict["kind"], &conflict["head"]), (&json!("stale"), &json!(4)));
    exact["base"] = 4.into();
    all.submit(0, &exact).with(201);
    assert_eq!(all.agree(), 5);
    assert_eq!(all.nodes[1].state().unwrap()["votes"].as_u64(), Some(3));
    // What does not fit is refused with the operation that does not, and nothing is recorded.
    let unfit = json!({ "base": 5, "patch": [{ "op": "inc", "path": ["ids"], "by": 1 }] });
    assert_eq!(all.submit(0, &unfit).problem(422)["op_index"], 0);
    assert_eq!(all.agree(), 5);
}

#[test]
fn who_asks_again_at_the_other_node_learns_that_it_was_done() {
    let all = Nodes::new(&Access::new());
    let named = |more: Json| {
        let mut body = vote(2);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for body in [named(json!({ "id": "once" })), named(json!({ "writer": "4d2", "sequence": 1 }))] {
        let first = all.submit(0, &body).with(201);
        all.agree();
        let again = all.submit(1, &body).with(200);
        assert_eq!((&again["version"], &again["changed"]), (&first["version"], &json!(false)));
    }
    assert_eq!(all.agree(), 4);
}

#[test]
fn many_clients_of_two_nodes_and_the_nodes_themselves_lose_nothing() {
    let all = Nodes::new(&Access::new());
    let (clients, each) = (6_u64, 20_u64);
    thread::scope(|scope| {
        for number in 0..clients {
            let all = &all;
            scope.spawn(move || {
                let mut client = all.running[number as usize % 2].client();
                for n in 0..each {
                    let head = client.get("/v1/store").with(200)["version"].as_u64().unwrap();
                    let id = number * 1_000 + n;
                    let mut body = json!({ "base": head, "format": "json-patch", "patch": [{ "op": "add", "path": "/ids/0", "value": id }] });
                    if n % 2 == 0 {
                        body["id"] = id.to_string().into();
                    }
                    let answer = client.post("/v1/changes", &body.to_string());
                    assert_eq!(answer.status, 201, "{}", answer.text());
                }
            });
        }
        for node in &all.nodes {
            scope.spawn(|| {
                for _ in 0..each {
                    node.produce(|doc| doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into()).unwrap();
                }
            });
        }
    });
    all.agree();
    let state = all.nodes[0].state().unwrap();
    let mut ids: Vec<u64> = state["ids"].as_list().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    ids.sort_unstable();
    let made: Vec<u64> = (0..clients).flat_map(|number| (0..each).map(move |n| number * 1_000 + n)).collect();
    assert_eq!(ids, made);
    assert_eq!(state["votes"].as_u64(), Some(2 * each));
}

fn writer(running: &Running, dir: &Path) -> Writer<Value> {
    let remote = Arc::new(Remote::open(&url(running)).unwrap());
    let replica: Replica<Value> =
        Options::new().replica_of(Arc::clone(&remote) as _, dir, Beginning::Oldest).unwrap();
    let writer = replica.write_through(remote).unwrap();
    writer.replica().catch_up().unwrap();
    writer
}

#[test]
fn replicas_write_through_a_node_and_end_as_all_nodes_do() {
    let all = Nodes::new(&Access::new());
    let writers = [0, 1].map(|at: usize| writer(&all.running[at], &all.dir.path().join(format!("w{at}"))));
    for n in 0..10 {
        for writer in &writers {
            writer.produce(|doc| doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into()).unwrap();
        }
        all.nodes[n % 2].apply(&redraft::diff(&value!({}), &value!({ "n": n as u64 })).unwrap().0).unwrap();
        writers.iter().try_for_each(|writer| writer.exchange().map(|_| ())).unwrap();
    }
    all.agree();
    writers.iter().try_for_each(|writer| writer.exchange().map(|_| ())).unwrap();
    let state = all.nodes[0].state().unwrap();
    assert_eq!(state["votes"].as_u64(), Some(20));
    for writer in &writers {
        assert_eq!((writer.pending(), writer.view().unwrap()), (0, Arc::clone(&state)));
    }
}

#[test]
fn an_order_that_is_away_is_said_and_what_is_submitted_again_counts_once() {
    let all = Nodes::new(&Access::new());
    all.far.is_away.store(true, Ordering::SeqCst);
    let mut body = vote(2);
    body["writer"] = "4d2".into();
    body["sequence"] = 1.into();
    let away = all.submit(0, &body).problem(503);
    assert_eq!(away["kind"], "unreachable");
    assert_eq!(all.submit(0, &vote(2)).problem(503)["kind"], "unreachable");
    // Reading goes on.
    all.running[0].client().get("/v1/state").with(200);
    all.far.is_away.store(false, Ordering::SeqCst);
    all.submit(0, &body).with(201);
    assert_eq!(all.agree(), 3);
}

#[test]
fn a_node_that_is_only_read_takes_nothing() {
    let all = Nodes::new(&Access::new().read_only(true));
    all.submit(0, &vote(2)).problem(403);
    assert_eq!(all.agree(), 2);
}

/// A node that does not know yet what was done decides on what it knows, is overtaken, and finds out.
#[test]
fn a_node_that_is_behind_answers_as_one_that_is_not() {
    let all = Nodes::new(&Access::new());
    let body = |more: Json| {
        let mut body = json!({ "base": 2, "patch": [{ "op": "remove", "path": ["ids"] }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    // The answer was lost, and it is asked for again elsewhere; by then it neither fits nor may be done.
    let named = body(json!({ "id": "once", "guards": [{ "test": "/votes", "value": 0 }] }));
    all.far.is_held.store(true, Ordering::SeqCst);
    let first = all.submit(1, &named).with(201);
    all.submit(1, &vote(3)).with(201);
    let again = all.submit_behind(&named).with(200);
    assert_eq!((&again["version"], &again["outcome"]), (&first["version"], &json!("clean")));
    assert_eq!(all.agree(), 4);
    // Nobody's that somebody else was faster with is too late, or led past that, and no mistake of who sent it.
    for (more, status) in [(json!({ "stale": "refuse" }), 409), (json!({}), 200)] {
        all.submit(1, &json!({ "base": all.agree(), "format": "json-patch", "patch": [{ "op": "add", "path": "/ids", "value": [] }] })).with(201);
        let mut late = body(more);
        late["base"] = all.agree().into();
        all.far.is_held.store(true, Ordering::SeqCst);
        all.submit(1, &late).with(201);
        let answer = all.submit_behind(&late);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[test]
fn a_version_that_a_client_saw_elsewhere_is_waited_for() {
    let all = Nodes::new(&Access::new());
    all.far.is_held.store(true, Ordering::SeqCst);
    all.submit(1, &vote(2)).with(201);
    assert_eq!(all.submit_behind(&vote(3)).with(201)["version"], 4);
    assert_eq!(all.agree(), 4);
}

#[test]
fn who_stands_in_line_when_the_order_goes_away_need_not_find_out_for_themselves() {
    let all = Nodes::new(&Access::new());
    all.far.is_away.store(true, Ordering::SeqCst);
    let clients = 16;
    thread::scope(|scope| {
        for number in 0..clients {
            let (all, mut body) = (&all, vote(2));
            if number % 2 == 0 {
                body["id"] = number.to_string().into();
            }
            scope.spawn(move || assert_eq!(all.submit(0, &body).problem(503)["kind"], "unreachable"));
        }
    });
    let asked = all.far.asked.load(Ordering::SeqCst);
    assert!((1..clients).contains(&asked), "asked {asked} times for {clients}");
}

#[test]
fn reading_goes_on_though_more_want_to_write_than_there_are_turns() {
    let all = Nodes::new(&Access::new());
    all.far.is_silent.store(true, Ordering::SeqCst);
    let clients = 70_u64;
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| all.submit(0, &vote(2)).with(201));
        }
        while all.far.asked.load(Ordering::SeqCst) == 0 {
            thread::sleep(BREATH);
        }
        thread::sleep(A_MOMENT);
        let state = scope.spawn(|| all.running[0].client().get("/v1/state").with(200)).join();
        all.far.is_silent.store(false, Ordering::SeqCst);
        assert_eq!(state.unwrap()["votes"], 0);
    });
    all.agree();
    assert_eq!(all.nodes[0].state().unwrap()["votes"].as_u64(), Some(clients));
}
