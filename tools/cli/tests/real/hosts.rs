//! Two machines and a switch between them, made of network namespaces. They need root, and go with the value that stands for
//! them.
//!
//! Always: addresses and interfaces are in the namespaces only, whose names hold the process's id; the machine's own network is
//! neither used nor changed.

use super::mounts::tool;
use super::skipped;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the primary is, at first and after it has moved.
pub(crate) const PRIMARY: &str = "10.77.0.1";
pub(crate) const MOVED: &str = "10.77.0.3";
const REPLICA: &str = "10.77.0.2";

/// The machine that a process runs on: one of a [`Network`], or this one.
#[derive(Clone, Debug)]
pub(crate) struct Host(Option<String>);

impl Host {
    /// This machine, for what needs no network but its own.
    pub(crate) fn here() -> Host {
        Host(None)
    }

    /// The same command there. What it reads is nothing.
    pub(crate) fn run(&self, command: Command) -> Command {
        let Some(namespace) = &self.0 else { return command };
        let mut there = Command::new("ip");
        there.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
        there.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        there.stdin(Stdio::null());
        there
    }
}

/// The machines.
#[derive(Debug)]
pub(crate) struct Network(String);

impl Network {
    /// A primary and a replica that reach each other and nothing else. Says so if they cannot be had.
    pub(crate) fn new() -> Option<Network> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        for (name, version) in [("ip", "-V"), ("iptables", "--version"), ("curl", "--version")] {
            if let Err(why) = tool(name, &[version]) {
                skipped(&format!("there are no machines in a network here ({name}: {why})"));
                return None;
            }
        }
        let network =
            Network(format!("redraft-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        match network.lay() {
            Ok(()) => Some(network),
            Err(why) => {
                skipped(&format!("no network namespaces can be made here ({why})"));
                None
            }
        }
    }

    fn namespace(&self, role: &str) -> String {
        format!("{}-{role}", self.0)
    }

    fn lay(&self) -> Result<(), String> {
        let switch = self.namespace("switch");
        tool("ip", &["netns", "add", &switch])?;
        tool("ip", &["-n", &switch, "link", "add", "bridge", "type", "bridge"])?;
        tool("ip", &["-n", &switch, "link", "set", "bridge", "up"])?;
        self.plug("primary", PRIMARY, 1)?;
        self.plug("replica", REPLICA, 2)?;
        // Whether traffic can be dropped is known before anything depends on it.
        self.drop_all("-A").and_then(|()| self.drop_all("-D"))
    }

    /// A new machine at the switch. Its hardware keeps its address, as that of a machine does.
    fn plug(&self, role: &str, address: &str, hardware: u8) -> Result<(), String> {
        let (switch, own) = (self.namespace("switch"), self.namespace(role));
        let hardware = format!("02:00:00:00:00:{hardware:02x}");
        tool("ip", &["netns", "add", &own])?;
        let cable = ["link", "add", role, "type", "veth", "peer", "name", "eth0"];
        tool("ip", &[&["-n", &switch], &cable[..], &["address", &hardware, "netns", &own]].concat())?;
        tool("ip", &["-n", &switch, "link", "set", role, "master", "bridge", "up"])?;
        tool("ip", &["-n", &own, "link", "set", "lo", "up"])?;
        tool("ip", &["-n", &own, "link", "set", "eth0", "up"])?;
        tool("ip", &["-n", &own, "address", "add", &format!("{address}/24"), "dev", "eth0"])
    }

    pub(crate) fn primary(&self) -> Host {
        Host(Some(self.namespace("primary")))
    }

    pub(crate) fn replica(&self) -> Host {
        Host(Some(self.namespace("replica")))
    }

    fn drop_all(&self, change: &str) -> Result<(), String> {
        let own = self.namespace("replica");
        for chain in ["INPUT", "OUTPUT"] {
            tool("ip", &["netns", "exec", &own, "iptables", "-w", change, chain, "-j", "DROP"])?;
        }
        Ok(())
    }

    /// From now on everything between the machines is lost, in both directions, and neither is told.
    pub(crate) fn cut(&self) {
        self.drop_all("-A").unwrap();
    }

    pub(crate) fn heal(&self) {
        self.drop_all("-D").unwrap();
    }

    /// The primary's machine is without power for a moment: all that its kernel knew of connections is gone, and nobody was
    /// told. What ran there must have been killed, and the network must be cut, or its last words come through.
    pub(crate) fn power_cut_of_the_primary(&self) {
        tool("ip", &["-n", &self.namespace("switch"), "link", "delete", "primary"]).unwrap();
        tool("ip", &["netns", "delete", &self.namespace("primary")]).unwrap();
        self.plug("primary", PRIMARY, 1).unwrap();
    }

    /// The primary gets another address. What its old connections send is lost.
    pub(crate) fn move_the_primary(&self) {
        let own = self.namespace("primary");
        tool("ip", &["-n", &own, "address", "delete", &format!("{PRIMARY}/24"), "dev", "eth0"]).unwrap();
        tool("ip", &["-n", &own, "address", "add", &format!("{MOVED}/24"), "dev", "eth0"]).unwrap();
    }

    fn names(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(self.namespace("replica"))
    }

    /// Lets the replica's machine know the primary by a name. What runs there already learns of it if it knew one before.
    pub(crate) fn name_the_primary(&self, name: &str, address: &str) {
        std::fs::create_dir_all(self.names()).unwrap();
        // Written in place: a process sees the file that was there when it began.
        std::fs::write(self.names().join("hosts"), format!("{address} {name}\n")).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for role in ["primary", "replica", "switch"] {
            drop(tool("ip", &["netns", "delete", &self.namespace(role)]));
        }
        drop(std::fs::remove_dir_all(self.names()));
        // If others have names there, it stays.
        drop(std::fs::remove_dir("/etc/netns"));
    }
}
