//! A node that was cut off for long decides by the rules all the same: it has the history beside it.

use crate::common::seed;
use crate::nodes::{Far, Way, all_equal, order};
use redraft::io::{Env, MemoryDisk};
use redraft::merge::{Policy, Rules};
use redraft::replica::{Node, Order, Source};
use redraft::{Options, Value, value};
use std::path::Path;
use std::sync::Arc;

#[test]
fn what_was_made_while_it_was_cut_off_is_decided_by_the_rules_long_after_others_have_forgotten() {
    let disk = MemoryDisk::new();
    let order = order(&disk, "/order");
    let far = Far::of(&order, 0, 1);
    let node = |name: &str, order: Arc<dyn Order>, number: u64| -> Node<Value> {
        let env = Env::simulated(disk.clone(), seed(number));
        let options = Options::new().env(env).segment_bytes(1 << 14).merge_window(16);
        options.open_node(order, Path::new("/").join(name)).unwrap()
    };
    let others = node("others", order.clone(), 1);
    let late = node("late", Arc::new(Way(Arc::clone(&far))), 2);
    others.set_rules(Rules::new().with("/votes".parse().unwrap(), Policy::Counter)).unwrap();
    others.produce(|doc| *doc = value!({ "votes": 0 })).unwrap();
    late.wait_for(order.status().unwrap().head).unwrap();
    let vote = |doc: &mut Value| doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into();

    far.cut(true);
    (0..3).for_each(|_| drop(late.submit(vote).unwrap()));
    (0..100).for_each(|_| drop(others.produce(vote).unwrap()));
    far.cut(false);
    late.flush().unwrap();
    let state = all_equal(&order, &[others, late]);
    assert_eq!(state["votes"].as_i64(), Some(103));
}
