//! Nodes write into a cluster whose machines fail, one way after the other; in the end all is as if nothing had been.
//!
//! Four nodes make changes that conflict. Faults are drawn from a seed, each kind before any comes a second time; the moments are up to
//! the machine. One fault in four lasts longer than a cluster needs to find another leader, where the run is long enough.

use crate::common::{counted, seed, setting};
use crate::judge::{Fate, judge};
use crate::machines::{Machine, Network};
use crate::nodes::{LONG, NodeProcess};
use crate::servers::{Cluster, SERVERS};
use redraft::io::SeededEntropy;
use std::time::{Duration, Instant};

const NODES: usize = 4;
/// How long a cluster needs at most to be whole again.
const RECOVERY: Duration = Duration::from_secs(120);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A server's process is killed, and started again.
    ServerKilled,
    /// The one that leads, if that can be told.
    LeaderKilled,
    /// A server does nothing for a while.
    ServerStopped,
    /// The stream gets another leader.
    LeaderMoved,
    /// A server does not reach the others; nodes reach all of them.
    ServerCutOff,
    LeaderCutOff,
    /// No node reaches one of the servers.
    ServerUnheard,
    /// A node reaches no server.
    NodeCutOff,
    NodeKilled,
    NodeClosed,
    /// In the same process, with the same connection.
    NodeOpenedAgain,
    /// A node is killed, and its directory is lost.
    NodeFromNothing,
}

const FAULTS: [Fault; 12] = [
    Fault::LeaderMoved,
    Fault::NodeKilled,
    Fault::ServerKilled,
    Fault::NodeCutOff,
    Fault::ServerUnheard,
    Fault::NodeOpenedAgain,
    Fault::ServerStopped,
    Fault::NodeFromNothing,
    Fault::ServerCutOff,
    Fault::NodeClosed,
    Fault::LeaderKilled,
    Fault::LeaderCutOff,
];

impl Fault {
    /// Whether it is one that three servers make good only one at a time.
    fn is_of_servers(self) -> bool {
        use Fault::{LeaderCutOff, LeaderKilled, ServerCutOff, ServerKilled, ServerStopped};
        matches!(self, ServerKilled | LeaderKilled | ServerStopped | ServerCutOff | LeaderCutOff)
    }
}

struct World {
    nodes: Vec<NodeProcess>,
    cluster: Cluster,
    dice: SeededEntropy,
    dir: tempfile::TempDir,
    // The last to go.
    network: Network,
}

impl World {
    fn new(seed: u64) -> Option<World> {
        let machines = (0..SERVERS).map(Machine::Server).chain((0..=NODES).map(Machine::Node));
        let network = Network::of(machines.collect())?;
        let dir = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(&network, dir.path().to_owned());
        let start = |number| NodeProcess::start(&network, dir.path(), number, 2, 20);
        let mut nodes = vec![start(0)];
        nodes[0].ask("rules", "ruled");
        nodes.extend((1..NODES).map(start));
        nodes[1..].iter_mut().for_each(|node| drop(node.hear("open", LONG)));
        Some(World { nodes, cluster, dice: SeededEntropy::new(seed), dir, network })
    }

    /// Faults, one after the other, for so long; how many there were.
    fn suffer(&mut self, long: Duration) -> u64 {
        let begun = Instant::now();
        let mut left: Vec<Fault> = Vec::new();
        let mut count = 0;
        while begun.elapsed() < long {
            if left.is_empty() {
                left = FAULTS.to_vec();
            }
            let fault = left.swap_remove(self.dice.below(left.len()));
            let lasts = self.lasts(long.saturating_sub(begun.elapsed()));
            eprintln!("{:?}: {fault:?} for {lasts:?}, {} changes", begun.elapsed(), self.done());
            self.have(fault, lasts);
            count += 1;
            std::thread::sleep(Duration::from_millis(self.dice.below(600) as u64));
        }
        count
    }

    /// Returns once the servers have recovered from what happened to one of them, as far as that is to be had: three of them answer for one
    /// that fails, and not for a second one that fails before the first has all that it missed.
    fn recovers(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < RECOVERY {
            let which = self.dice.below(NODES);
            if self.nodes[which].ask("whole", "whole") == "yes" {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("the servers did not recover in {RECOVERY:?}");
    }

    /// How long the next fault lasts.
    fn lasts(&self, left: Duration) -> Duration {
        let (short, is_long) = (300 + self.dice.below(1000) as u64, self.dice.below(4) == 0);
        let long = 5000 + self.dice.below(15_000) as u64;
        if is_long && left > Duration::from_secs(30) {
            Duration::from_millis(long)
        } else {
            Duration::from_millis(short)
        }
    }

    fn done(&mut self) -> usize {
        self.nodes.iter_mut().for_each(NodeProcess::listen);
        self.nodes.iter().map(|node| node.fates.done()).sum()
    }

    /// The number of a server: of the one that leads, or of any.
    fn server(&mut self, leads: bool) -> usize {
        let any = self.dice.below(SERVERS);
        if !leads {
            return any;
        }
        let which = self.dice.below(NODES);
        let name = self.nodes[which].ask("leader", "leader");
        name.strip_prefix("server").and_then(|number| number.parse().ok()).unwrap_or(any)
    }

    fn have(&mut self, fault: Fault, lasts: Duration) {
        if fault.is_of_servers() {
            self.recovers();
        }
        let which = self.dice.below(NODES);
        let pause = || std::thread::sleep(lasts);
        match fault {
            Fault::ServerKilled | Fault::LeaderKilled => {
                let server = self.server(fault == Fault::LeaderKilled);
                self.cluster.kill(server);
                pause();
                self.cluster.run(&self.network, server);
            }
            Fault::ServerStopped => {
                let server = self.server(false);
                self.cluster.signal(server, "-STOP");
                pause();
                self.cluster.signal(server, "-CONT");
            }
            Fault::LeaderMoved => self.nodes[which].tell("move"),
            Fault::ServerCutOff | Fault::LeaderCutOff => {
                let server = self.server(fault == Fault::LeaderCutOff);
                self.cut(Machine::Server(server), (0..SERVERS).map(Machine::Server), lasts);
            }
            Fault::ServerUnheard => {
                let server = self.server(false);
                self.cut(Machine::Server(server), (0..NODES).map(Machine::Node), lasts);
            }
            Fault::NodeCutOff => self.cut(Machine::Node(which), (0..SERVERS).map(Machine::Server), lasts),
            Fault::NodeOpenedAgain => self.nodes[which].tell("again"),
            Fault::NodeKilled | Fault::NodeClosed | Fault::NodeFromNothing => {
                self.end(which, fault);
                pause();
                self.nodes[which].run(&self.network);
            }
        }
    }

    fn cut(&self, machine: Machine, others: impl Iterator<Item = Machine>, lasts: Duration) {
        self.network.cut(machine, &others.collect::<Vec<_>>());
        std::thread::sleep(lasts);
        self.network.heal(machine);
    }

    fn end(&mut self, which: usize, fault: Fault) {
        let node = &mut self.nodes[which];
        match fault {
            Fault::NodeClosed => node.close(),
            _ => node.kill(),
        }
        if fault == Fault::NodeFromNothing {
            node.forget();
        }
    }

    /// Nobody makes changes any longer, and none waits; the end of the order then, which all have.
    fn settles(&mut self) -> u64 {
        self.nodes.iter_mut().for_each(|node| node.tell("settle"));
        self.nodes.iter_mut().for_each(|node| drop(node.hear("settled", LONG)));
        let fresh = NodeProcess::start(&self.network, self.dir.path(), NODES, 0, 20);
        self.nodes.push(fresh);
        let heads = self.nodes.iter_mut().map(|node| node.ask("head", "head").parse().unwrap());
        let heads: Vec<u64> = heads.collect();
        assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
        self.nodes.iter_mut().for_each(NodeProcess::close);
        heads[0]
    }
}

#[test]
fn what_was_acknowledged_is_there_once_whatever_becomes_of_servers_nodes_and_what_is_between_them() {
    let _turn = crate::turn();
    let Some(mut world) = World::new(seed(20)) else { return };
    let long = Duration::from_secs(setting("REDRAFT_CLUSTER_SECONDS", 10));
    let faults = world.suffer(long);
    let begun = Instant::now();
    let head = world.settles();
    eprintln!("all is settled {:?} after that, at version {head}", begun.elapsed());
    let there = judge(&world.nodes, head);
    let unheard: usize = world.nodes.iter().map(|node| node.fates.count(|fate| *fate == Fate::Unknown)).sum();
    let done: usize = world.nodes.iter().map(|node| node.fates.done()).sum();
    assert!(done > 5 * NODES, "{done} changes were acknowledged");
    counted(faults, "faults of a cluster");
    counted(there as u64, "changes through a cluster");
    counted(done as u64, "changes that a cluster acknowledged");
    counted(unheard as u64, "changes of which nothing was heard");
}
