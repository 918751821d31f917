//! Machines at a switch, made of network namespaces. They need root, and go with the value that stands for them.
//!
//! Always: addresses and interfaces are in the namespaces only, whose names hold the process's id; the machine's own network is neither
//! used nor changed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// One machine, by what it is for and its number among those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Server(usize),
    Node(usize),
}

impl Machine {
    pub(crate) fn address(self) -> String {
        match self {
            Machine::Server(number) => format!("10.78.0.{}", 1 + number),
            Machine::Node(number) => format!("10.78.0.{}", 101 + number),
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Machine::Server(number) => format!("server{number}"),
            Machine::Node(number) => format!("node{number}"),
        }
    }
}

/// The switch, and what is plugged into it.
#[derive(Debug)]
pub(crate) struct Network {
    name: String,
    machines: Vec<Machine>,
}

impl Network {
    /// Machines that reach each other and nothing else. Says so if they cannot be had.
    pub(crate) fn of(machines: Vec<Machine>) -> Option<Network> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        for (name, version) in [("nats-server", "--version"), ("ip", "-V"), ("iptables", "--version")] {
            if let Err(why) = tool(name, &[version]) {
                eprintln!("SKIPPED: there is no cluster on machines of its own here ({name}: {why})");
                return None;
            }
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let network = Network { name: format!("redraft-{}-{count}", std::process::id()), machines };
        match network.lay() {
            Ok(()) => Some(network),
            Err(why) => {
                eprintln!("SKIPPED: no network namespaces can be made here ({why})");
                None
            }
        }
    }

    fn lay(&self) -> Result<(), String> {
        let switch = self.namespace("switch");
        tool("ip", &["netns", "add", &switch])?;
        tool("ip", &["-n", &switch, "link", "add", "bridge", "type", "bridge"])?;
        tool("ip", &["-n", &switch, "link", "set", "bridge", "up"])?;
        for machine in &self.machines {
            self.plug(*machine)?;
        }
        // Whether traffic can be dropped is known before anything depends on it.
        self.tables(self.machines[0], &["-A", "INPUT", "-s", "10.79.0.1", "-j", "DROP"])?;
        self.tables(self.machines[0], &["-F"])
    }

    fn plug(&self, machine: Machine) -> Result<(), String> {
        let (switch, name, own) = (self.namespace("switch"), machine.name(), self.namespace(&machine.name()));
        tool("ip", &["netns", "add", &own])?;
        let cable = ["link", "add", &name, "type", "veth", "peer", "name", "eth0", "netns", &own];
        tool("ip", &[&["-n", &switch], &cable[..]].concat())?;
        tool("ip", &["-n", &switch, "link", "set", &name, "master", "bridge", "up"])?;
        tool("ip", &["-n", &own, "link", "set", "lo", "up"])?;
        tool("ip", &["-n", &own, "link", "set", "eth0", "up"])?;
        tool("ip", &["-n", &own, "address", "add", &format!("{}/24", machine.address()), "dev", "eth0"])
    }

    fn namespace(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    fn tables(&self, machine: Machine, what: &[&str]) -> Result<(), String> {
        let own = self.namespace(&machine.name());
        tool("ip", &[&["netns", "exec", &own, "iptables", "-w"], what].concat())
    }

    /// A program there. What it reads is nothing; what it says is nobody's.
    pub(crate) fn run(&self, machine: Machine, program: impl AsRef<Path>) -> Command {
        let mut there = Command::new("ip");
        there.args(["netns", "exec", &self.namespace(&machine.name())]).arg(program.as_ref());
        there.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        there
    }

    /// From now on everything between a machine and others is lost, in both directions, and nobody is told.
    pub(crate) fn cut(&self, machine: Machine, others: &[Machine]) {
        for address in others.iter().filter(|other| **other != machine).map(|other| other.address()) {
            self.tables(machine, &["-A", "INPUT", "-s", &address, "-j", "DROP"]).unwrap();
            self.tables(machine, &["-A", "OUTPUT", "-d", &address, "-j", "DROP"]).unwrap();
        }
    }

    /// Nothing that was cut at this machine is cut any longer.
    pub(crate) fn heal(&self, machine: Machine) {
        self.tables(machine, &["-F"]).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let roles = self.machines.iter().map(|machine| machine.name()).chain(["switch".into()]);
        for role in roles {
            drop(tool("ip", &["netns", "delete", &self.namespace(&role)]));
        }
    }
}

fn tool(name: &str, args: &[&str]) -> Result<(), String> {
    let output =
        Command::new(name).args(args).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().into()) }
}
