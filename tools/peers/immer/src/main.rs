//! redraft against Immer and Mutative: the same documents and the same changes, in one run, as a Markdown table.
//!
//! First all engines must come to equal documents and be able to go back; then they are measured in turn, several rounds
//! of all of them, so that what else the machine does hits everyone. `scenario` says what is done, `dynamic` and `typed`
//! do it with redraft, `peer` has node do it with the libraries, `result` and `table` say what came out.

mod dynamic;
mod engine;
mod peer;
mod result;
mod scenario;
mod table;
mod typed;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use redraft::Value;

use crate::engine::Engine;
use crate::peer::Peer;
use crate::result::{Outcome, median};
use crate::scenario::{CHANGES, Scenario};

/// Measures redraft against Immer and Mutative and prints a table.
#[derive(Parser)]
struct Options {
    /// Fail when redraft is not as many times as fast as promised
    #[arg(long)]
    check: bool,
    /// How often everything is measured; the table shows medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long one measurement takes, after half as long to warm up
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
    /// After how many changes the state is the base again: 1 changes the same state over and over
    #[arg(long, default_value_t = CHANGES, value_parser = between_returns)]
    reset: usize,
    /// Only the scenarios whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

fn between_returns(text: &str) -> Result<usize> {
    let reset = text.parse()?;
    ensure!((1..=CHANGES).contains(&reset), "between 1 and {CHANGES}");
    Ok(reset)
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let scenarios: Vec<_> =
        Scenario::ALL.into_iter().filter(|one| one.name().contains(&options.only)).collect();
    let mut contests = scenarios.into_iter().map(Contest::new).collect::<Result<Vec<_>>>()?;
    for contest in &contests {
        contest.check()?;
    }
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        contests.iter_mut().try_for_each(|contest| contest.round(&options))?;
    }
    let outcomes: Vec<Outcome> = contests.into_iter().map(Contest::outcome).collect();
    println!("{}", table::markdown(&outcomes));
    Ok(verdict(&outcomes, options.check))
}

fn verdict(outcomes: &[Outcome], strict: bool) -> ExitCode {
    let misses: Vec<String> = outcomes.iter().flat_map(Outcome::misses).collect();
    misses.iter().for_each(|miss| eprintln!("missed: {miss}"));
    if strict && !misses.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Everyone who takes part in a scenario, and what was measured of them.
struct Contest {
    scenario: Scenario,
    peers: Vec<(Peer, Vec<f64>)>,
    dynamic: Box<dyn Engine>,
    dynamic_rates: Vec<f64>,
    typed: Box<dyn Engine>,
    typed_rates: Vec<f64>,
}

impl Contest {
    fn new(scenario: Scenario) -> Result<Self> {
        Ok(Self {
            scenario,
            peers: Peer::all(scenario).into_iter().map(|peer| (peer, Vec::new())).collect(),
            dynamic: dynamic::engine(scenario)?,
            dynamic_rates: Vec::new(),
            typed: typed::engine(scenario)?,
            typed_rates: Vec::new(),
        })
    }

    /// Everyone must come to the same document. Who is as it comes makes a thousand changes; the other settings make
    /// fewer, because they run the same code and some take milliseconds a change.
    fn check(&self) -> Result<()> {
        let title = self.scenario.title();
        eprintln!("checking: {title}");
        let typed = shown(&*self.typed, CHANGES)?;
        ensure!(typed == shown(&*self.dynamic, CHANGES)?, "{title}: the typed side differs");
        for (peer, _) in &self.peers {
            let ops = if peer.as_it_comes { CHANGES } else { CHANGES / 10 };
            let same = peer.document(self.scenario, ops)? == shown(&*self.dynamic, ops)?;
            ensure!(same, "{title}: after {ops} changes, {peer} has another document than redraft");
        }
        Ok(())
    }

    /// Measures everyone once: the libraries, and right after them redraft.
    fn round(&mut self, options: &Options) -> Result<()> {
        let time = Duration::try_from_secs_f64(options.seconds)?;
        for (peer, rates) in &mut self.peers {
            rates.push(peer.rate(self.scenario, options.reset, time)?);
        }
        self.dynamic_rates.push(self.dynamic.rate(options.reset, time)?);
        self.typed_rates.push(self.typed.rate(options.reset, time)?);
        Ok(())
    }

    fn outcome(self) -> Outcome {
        Outcome {
            scenario: self.scenario,
            peers: self.peers.into_iter().map(|(peer, rates)| (peer, median(rates))).collect(),
            dynamic: median(self.dynamic_rates),
            typed: median(self.typed_rates),
        }
    }
}

/// The document as JSON shows it: there keys are text.
fn shown(engine: &dyn Engine, ops: usize) -> Result<Value> {
    let document = engine.document(ops)?;
    Ok(Value::from_json(document.to_json_string().as_bytes())?)
}
