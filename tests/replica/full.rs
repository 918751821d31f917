//! A node takes changes as long as what it keeps for those that wait is not too much; what nobody waits for any longer is not in the way.

use crate::common::{env, seed};
use crate::nodes::{node_of, order};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::replica::{Beginning, LocalOrder, Node};
use redraft::{Options, Replica, Value, value};
use std::sync::Arc;
use std::time::Duration;

/// A node takes no more than so many bytes while its order is heard.
const KEPT_BYTES: usize = 64 << 20;

#[test]
fn what_was_settled_while_nobody_looked_keeps_nobody_from_writing() {
    let disk = MemoryDisk::new();
    let order: Arc<LocalOrder> = order(&disk, "/order");
    let other: Arc<Node<Value>> = Arc::new(node_of(&disk, "other", order.clone()).unwrap());
    other.produce(|doc| *doc = value!({})).unwrap();
    let env = Env { entropy: Arc::new(SeededEntropy::new(seed(77))), ..env(&disk) };
    let options = Options::new().env(env).segment_bytes(1 << 14).index(false);
    let replica: Replica = options.replica_of(order.clone(), "/full", Beginning::Oldest).unwrap();
    let writer = replica.write_through(Arc::clone(&other)).unwrap();
    writer.replica().catch_up().unwrap();
    for letter in (b'a'..=b'z').cycle().take((KEPT_BYTES >> 20) + 1) {
        // Nothing of one is left in the next.
        let text = char::from(letter).to_string().repeat(1 << 20);
        writer.produce(|doc| doc["text"] = text.as_str().into()).unwrap();
    }
    writer.push().unwrap();
    // It dies before it has heard of that.
    drop(writer);
    let node: Node<Value> = node_of(&disk, "full", order).unwrap().patience(Duration::from_secs(10));
    while !node.writer().replica().lag().connected {
        std::thread::sleep(Duration::from_millis(1));
    }
    node.produce(|doc| doc["n"] = 1.into()).unwrap();
    assert_eq!(node.state().unwrap()["n"].as_i64(), Some(1));
}
