//! The other side: a library in a configuration, run by node in a process of its own for each question.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use redraft::Value;

use crate::scenario::Scenario;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peer.mjs");

/// Which library it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    Immer,
    Mutative,
}

/// A library, how it is set, and what it keeps the document in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) library: Library,
    /// What `libraries.mjs` calls it.
    name: &'static str,
    /// What readers are told about the setting.
    setting: &'static str,
    shape: &'static str,
    /// Whether nothing was set, and the document is what a program would keep without thinking of speed.
    pub(crate) as_it_comes: bool,
}

/// Library, name, setting. The first of each library is how it comes.
const SETTINGS: [(Library, &str, &str); 5] = [
    (Library::Immer, "immer", "as it comes"),
    (Library::Immer, "immer-unfrozen", "no freezing"),
    (Library::Immer, "immer-tuned", "no freezing, loose iteration, array methods"),
    (Library::Mutative, "mutative", "as it comes"),
    (Library::Mutative, "mutative-frozen", "freezing"),
];

impl Peer {
    /// All there are for a scenario.
    pub(crate) fn all(scenario: Scenario) -> Vec<Self> {
        let shapes = scenario.shapes().iter().enumerate();
        let peer = |(rank, shape): (usize, &&'static str)| {
            SETTINGS.map(|(library, name, setting)| Self {
                library,
                name,
                setting,
                shape,
                as_it_comes: rank == 0 && setting == "as it comes",
            })
        };
        shapes.flat_map(peer).collect()
    }

    pub(crate) fn document(&self, scenario: Scenario, ops: usize) -> Result<Value> {
        let text = self.ask(&["document", self.name, scenario.name(), self.shape, &ops.to_string()])?;
        Value::from_json(&text).context("the document of a library is no JSON")
    }

    /// Changes a second; see [`Engine::rate`](crate::engine::Engine::rate).
    pub(crate) fn rate(&self, scenario: Scenario, reset: usize, time: Duration) -> Result<f64> {
        let (reset, seconds) = (reset.to_string(), time.as_secs_f64().to_string());
        let text = self.ask(&["measure", self.name, scenario.name(), self.shape, &reset, &seconds])?;
        String::from_utf8(text)?.trim().parse().context("the rate of a library is no number")
    }

    fn ask(&self, question: &[&str]) -> Result<Vec<u8>> {
        let mut node = Command::new("node");
        node.arg(SCRIPT).args(question).env("NODE_ENV", "production").stderr(Stdio::inherit());
        let answer = node.output().context("cannot start node")?;
        ensure!(answer.status.success(), "node failed at: {}", question.join(" "));
        Ok(answer.stdout)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {}", self.library, self.setting)?;
        if self.shape == "map" { write!(f, ", JS Map") } else { Ok(()) }
    }
}
