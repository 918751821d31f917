//! Three servers that are one cluster, each on its machine with its own directory.

use crate::machines::{Machine, Network};
use std::path::PathBuf;
use std::process::{Child, Command};

pub(crate) const SERVERS: usize = 3;

/// The cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    servers: Vec<Option<Child>>,
    dir: PathBuf,
}

/// What clients are to connect to.
pub(crate) fn urls() -> Vec<String> {
    (0..SERVERS).map(|number| format!("nats://{}:4222", Machine::Server(number).address())).collect()
}

impl Cluster {
    pub(crate) fn start(network: &Network, dir: PathBuf) -> Cluster {
        let mut cluster = Cluster { servers: (0..SERVERS).map(|_| None).collect(), dir };
        for number in 0..SERVERS {
            std::fs::write(cluster.config(number), cluster.configuration(number)).unwrap();
            cluster.run(network, number);
        }
        cluster
    }

    fn config(&self, number: usize) -> PathBuf {
        self.dir.join(format!("server{number}.conf"))
    }

    /// A connection on which nothing is heard any longer is given up within seconds, not minutes.
    fn configuration(&self, number: usize) -> String {
        let (address, store) = (Machine::Server(number).address(), self.dir.join(format!("server{number}")));
        let routes: Vec<String> =
            (0..SERVERS).map(|other| format!("nats://{}:6222", Machine::Server(other).address())).collect();
        format!(
            "server_name: server{number}\nlisten: \"{address}:4222\"\nping_interval: \"2s\"\nping_max: 2\n\
             jetstream {{ store_dir: \"{}\", max_memory_store: 67108864, max_file_store: 1073741824 }}\n\
             cluster {{ name: test, listen: \"{address}:6222\", routes: [ {} ] }}\n",
            store.display(),
            routes.join(", ")
        )
    }

    /// Starts one that does not run.
    pub(crate) fn run(&mut self, network: &Network, number: usize) {
        if self.servers[number].is_none() {
            let mut command = network.run(Machine::Server(number), "nats-server");
            command.arg("-c").arg(self.config(number));
            command.arg("-l").arg(self.dir.join(format!("server{number}.log")));
            self.servers[number] = Some(command.spawn().unwrap());
        }
    }

    /// Ends it as a crash of the process would.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut server) = self.servers[number].take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    pub(crate) fn signal(&self, number: usize, name: &str) {
        let Some(server) = &self.servers[number] else { return };
        let sent = Command::new("kill").args([name, &server.id().to_string()]).status().unwrap();
        assert!(sent.success(), "server {number} has ended by itself");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..SERVERS).for_each(|number| self.kill(number));
    }
}
