//! A bank's ledger: money moves between accounts and is never made or lost, whoever moves it at the same time, whatever
//! is taken back later, and in every version there ever was.
//!
//! ```text
//! cargo run --example ledger            a day at the bank, in a temporary directory
//! cargo run --example ledger -- PATH    the same, in the directory PATH; the next run goes on from there
//! ```
//!
//! Tellers in several threads transfer money; transfers are taken back, with and without others in the way; an auditor
//! reads who did what; and the books are brought to a second bank, which goes on by itself.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use redraft::collections::{Counter, Map};
use redraft::{Change, Commit, DraftError, ErrorKind, Meta, State, Store, apply, invert};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type Made = redraft::Result<Commit<Bank>>;

#[derive(Clone, Debug, Default, PartialEq, Eq, State)]
struct Bank {
    accounts: Map<String, Account>,
}

#[derive(Clone, Debug, PartialEq, Eq, State)]
struct Account {
    owner: String,
    /// A counter says by how much it changed, not what it came to: transfers of one account can be undone in any order.
    balance: Counter,
}

const OPENING: i64 = 1000;
const OWNERS: [(&str, &str); 4] =
    [("ann", "Ann Lee"), ("ben", "Ben Oz"), ("cem", "Cem Ak"), ("dot", "Dot Ray")];
const TOTAL: i64 = OPENING * OWNERS.len() as i64;

/// A rule of the house that a request would break.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Rule(String);

impl Bank {
    /// The payer has paid already when the payee turns out to be unknown. That is no harm: a recipe that returns an error
    /// has changed nothing.
    fn transfer(&mut self, from: &str, to: &str, amount: i64) -> Result {
        let payer = self.account(from)?;
        let holds = payer.balance.get();
        if !(1..=holds).contains(&amount) {
            return Err(Rule(format!("{from} holds {holds} and cannot pay {amount}")).into());
        }
        payer.balance -= amount;
        self.account(to)?.balance += amount;
        Ok(())
    }

    /// Does nothing if there is such an account.
    fn open(&mut self, name: &str, owner: &str, balance: i64) {
        let account = || Account { owner: owner.into(), balance: balance.into() };
        self.accounts.entry(name.into()).or_insert_with(account);
    }

    /// Pays out to another account, and takes this one off the books.
    fn close(&mut self, name: &str, heir: &str) -> Result {
        let rest = self.account(name)?.balance.get();
        self.accounts.remove(name);
        self.account(heir)?.balance += rest;
        Ok(())
    }

    fn account(&mut self, name: &str) -> Result<&mut Account> {
        self.accounts.get_mut(name).ok_or_else(|| Rule(format!("there is no account {name}")).into())
    }

    fn total(&self) -> i64 {
        self.accounts.values().map(|account| account.balance.get()).sum()
    }

    /// The two rules of the house.
    fn check(&self) -> Result {
        if self.total() != TOTAL {
            return Err(Rule(format!("the accounts hold {} together, not {TOTAL}", self.total())).into());
        }
        match self.accounts.iter().find(|(_, account)| account.balance.get() < 0) {
            Some((name, account)) => {
                Err(Rule(format!("{name} would be left with {}", account.balance)).into())
            }
            None => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    let Err(error) = a_day(std::env::args_os().nth(1).map(PathBuf::from)) else { return ExitCode::SUCCESS };
    eprintln!("ledger: {}", with_causes(&*error));
    ExitCode::FAILURE
}

/// An error says what went wrong, and its source why.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn a_day(path: Option<PathBuf>) -> Result {
    let scratch = tempfile::tempdir()?;
    let store = Store::open(path.unwrap_or_else(|| scratch.path().join("ledger")))?;
    let first = store.version() + 1;
    // On any day but the first this changes nothing, and then nothing is recorded.
    store.produce_with(Meta::label("open the books"), |bank: &mut Bank| {
        OWNERS.iter().for_each(|(name, owner)| bank.open(name, owner, OPENING));
    })?;
    println!("version {}: {}", store.version(), balances(&store.state()));

    let from = richest(&store.state())?;
    let to = if from == "ann" { "ben" } else { "ann" };
    let early = transfer(&store, (&from, to, 100), "counter")?.version();
    println!("\nwhat the bank refuses; nothing happens then:");
    tell(transfer(&store, (&from, to, 1_000_000), "counter"))?;
    tell(transfer(&store, (&from, "zoe", 1), "counter"))?;
    rush_hour(&store)?;

    println!(
        "\nversion {early} is taken back: that both its accounts went on is no hindrance; but not twice:"
    );
    tell(take_back(&store, early, "wrong payee"))?;
    tell(take_back(&store, early, "wrong payee"))?;
    an_account_closes(&store)?;
    audit(&store, first)?;
    second_bank(&store, &scratch.path().join("second bank"))?;
    Ok(store.close()?)
}

/// The one way in which money moves. Who asked, and for what, goes into the history with it.
fn transfer(store: &Store<Bank>, (from, to, amount): (&str, &str, i64), teller: &str) -> Made {
    let meta = Meta::label("transfer").tag("teller", teller).tag("order", format!("{from} -> {to} {amount}"));
    store.produce_with(meta, |bank| bank.transfer(from, to, amount))
}

fn rush_hour(store: &Store<Bank>) -> Result {
    let before = store.version();
    let refused: u64 = thread::scope(|scope| {
        let tellers: Vec<_> = (1..=4).map(|teller| scope.spawn(move || serve(store, teller))).collect();
        tellers.into_iter().map(|teller| teller.join().map_err(|_| "a teller gave up")?).sum::<Result<u64>>()
    })?;
    let (version, state) = store.newest();
    println!("\nfour tellers at the same time: {} transfers, {refused} refused", version - before);
    println!("version {version}: {}", balances(&state));
    Ok(())
}

/// One teller's orders. After each, the books must be right. Returns how many had to be refused.
fn serve(store: &Store<Bank>, teller: u64) -> Result<u64> {
    // A generator of numbers that look drawn: Knuth's linear congruential one.
    let mut dice = store.id().as_bytes()[0] as u64 + teller;
    let mut throw = |below: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % below
    };
    let mut refused = 0;
    for _ in 0..50 {
        let from = throw(OWNERS.len());
        let to = (from + 1 + throw(OWNERS.len() - 1)) % OWNERS.len();
        let order = (OWNERS[from].0, OWNERS[to].0, throw(400) as i64 + 1);
        match transfer(store, order, &teller.to_string()) {
            Ok(commit) => commit.state().check()?,
            Err(error) if error.recipe::<Rule>().is_some() => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused)
}

/// Takes a change back. The store refuses if a later one touched the same place, and names it; whether the rules of the
/// house hold without the change is for the house to say, so it is tried on a copy first.
fn take_back(store: &Store<Bank>, version: u64, reason: &str) -> Made {
    let before = store.at(version.saturating_sub(1))?;
    if let Some(done) = store.changes(version..=version)?.next().transpose()?
        && let Ok(tried) = apply(&*store.state(), &invert(&*before, &done.patch)?)
    {
        tried.state.check().map_err(DraftError::Recipe)?;
    }
    store.undo_with(Meta::label("correction").tag("reason", reason), version)
}

/// Who builds upon a change stands in the way of its undo, until that is undone too.
fn an_account_closes(store: &Store<Bank>) -> Result {
    store.produce_with(Meta::label("open eve"), |bank| bank.open("eve", "Eve Roth", 0))?;
    let payer = richest(&store.state())?;
    let paid = transfer(store, (&payer, "eve", 50), "counter")?.version();
    let closed = store.produce_with(Meta::label("close eve"), |bank| bank.close("eve", "ben"))?.version();
    println!(
        "\nversion {paid} paid eve, {closed} closed her account in favour of ben; {paid} is taken back:"
    );
    tell(take_back(store, paid, "paid by mistake"))?;
    println!("so the one in the way first, and then it goes:");
    tell(take_back(store, closed, "in the way"))?;
    tell(take_back(store, paid, "paid by mistake"))
}

/// Goes through every version there ever was, and through what was done today.
fn audit(store: &Store<Bank>, first: u64) -> Result {
    println!("\nthe auditor's notes on what was done at the counter:");
    let mut elsewhere = 0;
    for change in store.changes(first..)? {
        let Change { version, meta, undoes, .. } = change?;
        if meta.tags.get("teller").is_some_and(|teller| teller != "counter") {
            elsewhere += 1;
            continue;
        }
        let takes_back = undoes.map_or(String::new(), |undone| format!(" takes {undone} back"));
        println!("{version:>5}  {}{takes_back} {:?}", meta.label.unwrap_or_default(), meta.tags);
    }
    println!("       and {elsewhere} transfers of the other tellers");
    for version in store.oldest().max(1)..=store.version() {
        store.at(version)?.check().map_err(|wrong| format!("version {version}: {wrong}"))?;
    }
    println!("in each of {} versions all hold {TOTAL} together, and none less than nothing", store.version());
    Ok(())
}

/// A snapshot makes opening fast; a restore makes a store of its own out of any version.
fn second_bank(store: &Store<Bank>, dir: &Path) -> Result {
    store.restore(store.snapshot()?.version, dir)?;
    let second = Store::<Bank>::open(dir)?;
    if second.state() != store.state() {
        return Err("the second bank has other books than the first".into());
    }
    println!("\nthe second bank begins at version {} with {}", second.version(), balances(&second.state()));
    transfer(&second, (&richest(&second.state())?, "eve", 1), "second bank")?.state().check()?;
    println!("and goes on by itself to {}; the first is still at {}", second.version(), store.version());
    Ok(second.close()?)
}

fn richest(bank: &Bank) -> Result<String> {
    let richest = bank.accounts.iter().max_by_key(|(_, account)| account.balance);
    Ok(richest.ok_or("there are no accounts")?.0.clone())
}

fn balances(bank: &Bank) -> String {
    let each = bank.accounts.iter().map(|(name, account)| format!("{name} {}", account.balance));
    format!("{} = {}", each.collect::<Vec<_>>().join(" + "), bank.total())
}

/// What came of a request. That a rule of the house or a later change stands in its way is no failure; all else is.
fn tell(done: Made) -> Result {
    match done {
        Ok(commit) => println!("  version {}: {}", commit.version(), balances(commit.state())),
        Err(error) if error.recipe::<Rule>().is_some() || error.kind() == ErrorKind::Refused => {
            println!("  refused: {error}");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
