//! A cluster that cannot take anything costs patience, and nothing else.

use crate::common::counted;
use crate::judge::{Fate, judge};
use crate::machines::{Machine, Network};
use crate::nodes::NodeProcess;
use crate::servers::{Cluster, SERVERS};
use std::time::{Duration, Instant};

/// How long there is no quorum.
const GONE: Duration = Duration::from_secs(15);

/// What a node shows, what of that is confirmed, and how many changes wait.
fn shown(node: &mut NodeProcess) -> [usize; 3] {
    let said = node.ask("show", "shows");
    let numbers: Vec<usize> = said.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn without_a_quorum_a_node_says_so_in_time_reads_on_and_has_its_changes_taken_later() {
    let _turn = crate::turn();
    let machines = (0..SERVERS).map(Machine::Server).chain([Machine::Node(0)]);
    let Some(network) = Network::of(machines.collect()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(&network, dir.path().to_owned());
    let mut node = NodeProcess::start(&network, dir.path(), 0, 0, 2);
    node.ask("rules", "ruled");
    while node.fates.done() == 0 {
        node.tell("once");
        assert_eq!(shown(&mut node)[0], node.fates.done() + node.fates.count(|fate| *fate == Fate::Unknown));
    }
    let settled = |node: &mut NodeProcess| loop {
        let [shown, confirmed, waits] = shown(node);
        if waits == 0 {
            assert_eq!(shown, confirmed);
            return confirmed;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let before = settled(&mut node);

    (1..SERVERS).for_each(|server| cluster.kill(server));
    let (begun, mut made) = (Instant::now(), 0);
    while begun.elapsed() < GONE {
        node.ask("once", "unheard");
        made += 1;
        assert_eq!(shown(&mut node), [before + made, before, made], "it reads on, and what was made waits");
    }
    (1..SERVERS).for_each(|server| cluster.run(&network, server));
    let begun = Instant::now();
    assert_eq!(settled(&mut node), before + made);
    eprintln!("all is settled {:?} after there is a quorum again", begun.elapsed());
    node.tell("once");
    node.ask("settle", "settled");
    let head = node.ask("head", "head").parse().unwrap();
    node.close();
    judge(&[node], head);
    counted(made as u64, "changes that waited for a quorum");
}
