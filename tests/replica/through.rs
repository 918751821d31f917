//! What others hand in at a node: it goes into the order once, whoever was faster and however often the way there fails; and it shows at
//! that node, and at all others.

use crate::common::seed;
use crate::nodes::{Far, Way, all_equal, node_of, order};
use redraft::io::MemoryDisk;
use redraft::merge::{Outcome, Policy, Rules, Submission};
use redraft::replica::{Node, Sequencer, Source};
use redraft::{Error, ErrorKind, Patch, Result, Value, WriterId, diff, value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn votes(by: i64) -> Patch {
    let patch = format!(r#"[{{"op":"inc","path":["votes"],"by":{by}}}]"#);
    Patch::from_native(patch.as_bytes(), &value!({ "votes": 0 })).unwrap()
}

fn adding(name: &str, value: u64) -> Patch {
    diff(&value!({}), &value!({ name: value })).unwrap().0
}

fn client(number: u64) -> WriterId {
    format!("{number:x}").parse().unwrap()
}

fn begun(node: &Node<Value>) {
    node.set_rules(Rules::new().with("/votes".parse().unwrap(), Policy::Counter)).unwrap();
    node.produce(|doc| *doc = value!({ "votes": 0 })).unwrap();
}

/// Asks again for as long as nobody can be asked, as whoever has a number for what they ask may.
fn persistently<T>(ask: impl Fn() -> Result<T>) -> T {
    loop {
        match ask() {
            Err(error) if error.kind() == ErrorKind::Unreachable => {}
            answer => return answer.unwrap(),
        }
    }
}

#[test]
fn what_many_hand_in_at_several_nodes_counts_once_though_calls_and_answers_are_lost() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let nodes: Vec<Node<Value>> = (1..=3)
        .map(|n| node_of(&disk, &"n".repeat(n), Arc::new(Way(Far::of(&order, 2, seed(n as u64))))).unwrap())
        .collect();
    begun(&nodes[0]);
    let base = order.status().unwrap().head;
    nodes.iter().for_each(|node| drop(node.wait_for(base).unwrap()));
    let (clients, each) = (9, 12);
    thread::scope(|scope| {
        for number in 1..=clients {
            let nodes = &nodes;
            scope.spawn(move || {
                for sequence in 1..=each {
                    // Whom it asks is all the same, also where it asks again.
                    let mut at = number + sequence;
                    let submission = Submission::new(base, votes(1)).by(client(number), sequence);
                    let receipt = loop {
                        at += 1;
                        match nodes[at as usize % nodes.len()].merge(&submission) {
                            Err(error) if error.kind() == ErrorKind::Unreachable => {}
                            // What came before it is on its way to that one.
                            Err(Error::SequenceGap { .. } | Error::BeyondHead { .. }) => {}
                            answer => break answer.unwrap(),
                        }
                    };
                    assert!(!matches!(receipt.outcome, Outcome::Rejected { .. }), "{receipt:?}");
                }
            });
        }
        // The programs of the nodes write as well.
        for node in &nodes {
            scope.spawn(|| (0..each).for_each(|_| drop(node.apply(&votes(1)).unwrap())));
        }
    });
    let state = all_equal(&order, &nodes);
    assert_eq!(state["votes"].as_u64(), Some((clients + nodes.len() as u64) * each));
}

#[test]
fn what_is_handed_in_shows_there_at_once_though_the_node_itself_writes() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let node = node_of::<Value>(&disk, "node", order.clone()).unwrap();
    begun(&node);
    let (has_ended, mut unseen) = (AtomicBool::new(false), Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_u64;
            while !has_ended.load(Ordering::SeqCst) {
                n += 1;
                let awaited = node.submit(|doc| doc["own"] = n.into()).unwrap();
                if n.is_multiple_of(50) {
                    node.wait(&awaited).unwrap();
                }
            }
        });
        for number in 1..=100 {
            let base = node.store().version();
            let receipt = node.merge(&Submission::new(base, adding("theirs", number))).unwrap();
            // A recipe of the node's own sees it.
            let mut seen = None;
            let done = node.submit(|doc| {
                seen = doc["theirs"].as_u64();
                doc["seen"] = number.into();
            });
            if seen != Some(number) || node.store().version() < receipt.version || done.is_err() {
                unseen.push(number);
            }
        }
        has_ended.store(true, Ordering::SeqCst);
    });
    assert_eq!(unseen, [0; 0]);
    // What waits goes before it.
    node.produce(|doc| doc["own"] = 0.into()).unwrap();
    all_equal(&order, &[node]);
}

#[test]
fn one_that_fails_holds_up_those_behind_it_and_nobody_else() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let node = node_of::<Value>(&disk, "node", order.clone()).unwrap();
    begun(&node);
    let base = node.store().version();
    let by = |number, sequence| {
        Submission::new(base, adding(&format!("{number}.{sequence}"), 1)).by(client(number), sequence)
    };
    thread::scope(|scope| {
        for number in 1..=8 {
            let (node, by) = (&node, &by);
            scope.spawn(move || {
                // The third one leaves a number out.
                let submissions = [by(number, 1), by(number, 2), by(number, 4), by(number, 3)];
                let failed = Sequencer::submit(node, &submissions).unwrap_err();
                assert!(matches!(failed, Error::SequenceGap { expected: 3, found: 4, .. }), "{failed}");
                let receipts = node.merge_all(&[by(number, 1), by(number, 2), by(number, 3)]).unwrap();
                assert_eq!([false, false, true], [0, 1, 2].map(|at| receipts[at].is_new));
            });
        }
    });
    let state = all_equal(&order, &[node]);
    assert_eq!(state.as_map().unwrap().len(), 1 + 8 * 3);
}

#[test]
fn what_cannot_go_is_refused_by_all_who_wait_and_can_be_handed_in_again() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let far = Far::of(&order, 0, 1);
    let node = node_of::<Value>(&disk, "node", Arc::new(Way(Arc::clone(&far)))).unwrap();
    begun(&node);
    let base = node.store().version();
    let submission = |number| Submission::new(base, votes(1)).by(client(number), 1);
    far.cut(true);
    thread::scope(|scope| {
        for number in 1..=8 {
            let (node, submission) = (&node, &submission);
            scope.spawn(move || {
                let failed = node.merge(&submission(number)).unwrap_err();
                assert_eq!(failed.kind(), ErrorKind::Unreachable, "{failed}");
            });
        }
    });
    assert_eq!(node.store().version(), base);
    far.cut(false);
    for number in 1..=8 {
        persistently(|| node.merge(&submission(number)));
    }
    assert_eq!(all_equal(&order, &[node])["votes"].as_u64(), Some(8));
}

#[test]
fn nobody_hands_in_under_the_name_of_the_node_itself() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let node = node_of::<Value>(&disk, "node", order.clone()).unwrap();
    begun(&node);
    let own = node.writer().id();
    let base = node.store().version();
    let submissions =
        [Submission::new(base, votes(1)).by(client(1), 1), Submission::new(base, votes(1)).by(own, 2)];
    let failed = node.merge_all(&submissions).unwrap_err();
    assert!(matches!(failed, Error::WriterClash { writer, sequence: 2, .. } if writer == own), "{failed}");
    node.apply(&votes(1)).unwrap();
    assert_eq!(all_equal(&order, &[node])["votes"].as_u64(), Some(2));
}
