//! From hand-written event sourcing to a store: a file of events is taken in, one change an event, and every version is
//! compared with what the old code makes of the same events. The guide's chapter on migration goes through it.
//!
//! ```text
//! cargo run --example events -- EVENTS.jsonl STORE     again after more events were written: takes the new ones
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![allow(clippy::disallowed_methods, reason = "reads a file that is no store")]

use redraft::collections::Counter;
use redraft::{Meta, State, Store};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A row of the old table, as it was exported.
#[derive(Deserialize)]
struct Row {
    seq: u64,
    at_ms: i64,
    by: String,
    event: Event,
}

/// The events of the old program.
#[derive(Clone, Deserialize)]
#[serde(tag = "type")]
enum Event {
    Opened { account: String },
    Deposited { account: String, amount: i64 },
    Withdrawn { account: String, amount: i64 },
    Closed { account: String },
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Event::Opened { .. } => "opened",
            Event::Deposited { .. } => "deposited",
            Event::Withdrawn { .. } => "withdrawn",
            Event::Closed { .. } => "closed",
        }
    }
}

/// The projection of the old program.
fn old_apply(balances: &mut BTreeMap<String, i64>, event: &Event) {
    match event {
        Event::Opened { account } => drop(balances.insert(account.clone(), 0)),
        Event::Deposited { account, amount } => *balances.entry(account.clone()).or_default() += amount,
        Event::Withdrawn { account, amount } => *balances.entry(account.clone()).or_default() -= amount,
        Event::Closed { account } => drop(balances.remove(account)),
    }
}

/// The state of the new one. How far it has come is part of it, so that it is never ahead of or behind what was taken in.
#[derive(Clone, Debug, Default, State)]
struct Bank {
    accounts: BTreeMap<String, Counter>,
    taken_to: u64,
}

impl Bank {
    fn take(&mut self, row: &Row) {
        match &row.event {
            Event::Opened { account } => drop(self.accounts.insert(account.clone(), Counter::default())),
            Event::Deposited { account, amount } => *self.account(account) += *amount,
            Event::Withdrawn { account, amount } => *self.account(account) -= *amount,
            Event::Closed { account } => drop(self.accounts.remove(account)),
        }
        self.taken_to = row.seq;
    }

    fn account(&mut self, name: &str) -> &mut Counter {
        self.accounts.entry(name.to_owned()).or_default()
    }

    fn balances(&self) -> BTreeMap<String, i64> {
        self.accounts.iter().map(|(name, balance)| (name.clone(), balance.get())).collect()
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [events, store] => migrate(events, store),
        _ => Err("say EVENTS.jsonl STORE".into()),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("events: {error}");
    ExitCode::FAILURE
}

fn migrate(events: &str, store: &str) -> Result {
    let rows = read(events)?;
    let store = Store::<Bank>::open(store)?;
    let taken = take_in(&store, &rows)?;
    let compared = compare(&store, &rows)?;
    println!(
        "{taken} events taken in, version {}; {compared} versions compared, all the same",
        store.version()
    );
    Ok(store.close()?)
}

fn read(events: &str) -> Result<Vec<Row>> {
    std::fs::read_to_string(events)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// One change an event, with its name, time and author. One sync for many: nobody waits for a single one.
fn take_in(store: &Store<Bank>, rows: &[Row]) -> Result<usize> {
    let taken_to = store.state().taken_to;
    let mut tickets = Vec::new();
    for row in rows.iter().filter(|row| row.seq > taken_to) {
        let meta = Meta { at_ms: Some(row.at_ms), ..Meta::label(row.event.name()).tag("by", &row.by) };
        tickets.push(store.submit_with(meta, |bank: &mut Bank| bank.take(row))?);
    }
    let taken = tickets.len();
    tickets.into_iter().try_for_each(|ticket| ticket.wait().map(drop))?;
    Ok(taken)
}

/// Every version must be what the old code makes of the events up to there.
fn compare(store: &Store<Bank>, rows: &[Row]) -> Result<usize> {
    let mut balances = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        old_apply(&mut balances, &row.event);
        let then = store.at(index as u64 + 1)?;
        if (then.taken_to, then.balances()) != (row.seq, balances.clone()) {
            return Err(format!("version {} differs after event {}", index + 1, row.seq).into());
        }
    }
    Ok(rows.len())
}
