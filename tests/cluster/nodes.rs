//! Who starts the processes of nodes, tells them what to do, ends them, and listens to what they did.

use crate::judge::Fates;
use crate::machines::{Machine, Network};
use crate::node::{DIR, FIRST, NODE, PATIENCE, WRITERS};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Far longer than a cluster takes to agree on anything.
pub(crate) const LONG: Duration = Duration::from_secs(240);

/// A node, and what is known of its changes, also by processes that are gone.
#[derive(Debug)]
pub(crate) struct NodeProcess {
    number: usize,
    writers: u64,
    patience: u64,
    dir: PathBuf,
    /// How often it has begun from nothing.
    lives: u64,
    running: Option<(Child, ChildStdin, Receiver<String>)>,
    pub(crate) fates: Fates,
}

impl NodeProcess {
    /// One whose `writers` wait for `patience` seconds; started.
    pub(crate) fn start(
        network: &Network,
        dir: &Path,
        number: usize,
        writers: u64,
        patience: u64,
    ) -> NodeProcess {
        let (dir, fates) = (dir.join(format!("node{number}")), Fates::default());
        let mut node = NodeProcess { number, writers, patience, dir, lives: 0, running: None, fates };
        node.run(network);
        node
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine::Node(self.number)
    }

    /// Where its replica is.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.join(self.lives.to_string())
    }

    /// Starts a process for it, which goes on with what its directory holds.
    pub(crate) fn run(&mut self, network: &Network) {
        std::fs::create_dir_all(&self.dir).unwrap();
        let mut command = network.run(self.machine(), std::env::current_exe().unwrap());
        command.args(["node::the_node", "--exact", "--ignored", "--nocapture"]);
        command.env(DIR, self.dir()).env(NODE, self.number.to_string());
        command.env(FIRST, self.fates.next().to_string());
        command.env(WRITERS, self.writers.to_string()).env(PATIENCE, self.patience.to_string());
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (give, lines) = channel();
        std::thread::spawn(move || {
            // The last line of a process that was killed is whole or none.
            said.lines().map_while(Result::ok).try_for_each(|line| give.send(line))
        });
        let input = child.stdin.take().unwrap();
        self.running = Some((child, input, lines));
    }

    /// Has it do something, without waiting for that.
    pub(crate) fn tell(&mut self, what: &str) {
        let (_, input, _) = self.running.as_mut().expect("it runs");
        input.write_all(format!("{what}\n").as_bytes()).unwrap();
    }

    /// Has it do something, and waits for what it answers: the rest of a line that begins with this word.
    pub(crate) fn ask(&mut self, what: &str, answer: &str) -> String {
        self.tell(what);
        self.hear(answer, LONG)
    }

    /// The rest of the next line that begins with this word.
    pub(crate) fn hear(&mut self, wanted: &str, patience: Duration) -> String {
        let begun = Instant::now();
        loop {
            let (_, _, lines) = self.running.as_ref().expect("it runs");
            let left = patience.saturating_sub(begun.elapsed());
            match lines.recv_timeout(left) {
                Ok(line) => {
                    self.fates.take(&line);
                    if let Some(rest) = line.strip_prefix(wanted) {
                        return rest.trim().to_owned();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("node {} did not say {wanted:?} in {patience:?}", self.number)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("node {} has ended without {wanted:?}:\n{}", self.number, self.fates.last_words())
                }
            }
        }
    }

    /// Takes in what it said meanwhile.
    pub(crate) fn listen(&mut self) {
        let Some((_, _, lines)) = &self.running else { return };
        while let Ok(line) = lines.try_recv() {
            self.fates.take(&line);
        }
    }

    /// Ends it as a crash of the process would.
    pub(crate) fn kill(&mut self) {
        if let Some((mut child, input, lines)) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            drop(input);
            lines.iter().for_each(|line| self.fates.take(&line));
        }
    }

    /// Has it close what it has, and waits until it is gone.
    pub(crate) fn close(&mut self) {
        if let Some((mut child, input, lines)) = self.running.take() {
            drop(input);
            lines.iter().for_each(|line| self.fates.take(&line));
            let status = child.wait().unwrap();
            assert!(status.success(), "node {}: {status}\n{}", self.number, self.fates.last_words());
        }
    }

    /// What it has is gone; the next process begins from nothing.
    pub(crate) fn forget(&mut self) {
        assert!(self.running.is_none(), "it runs");
        std::fs::remove_dir_all(self.dir()).unwrap();
        self.lives += 1;
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // What it said last is heard by nobody: the test is over.
        if let Some((mut child, ..)) = self.running.take() {
            drop((child.kill(), child.wait()));
        }
    }
}
