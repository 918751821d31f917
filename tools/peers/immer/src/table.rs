//! The outcome as Markdown.

use crate::peer::{Library, Peer};
use crate::result::{Outcome, reaches};

const HEAD: &str = "\
| changes a second | Immer as it comes | Immer, best setting | Mutative, best setting | fastest of all \
| redraft `Value` | redraft typed | times Immer as it comes | times the fastest |
|---|---:|---:|---:|---|---:|---:|---:|---:|";

pub(crate) fn markdown(outcomes: &[Outcome]) -> String {
    let rows = outcomes.iter().map(row);
    std::iter::once(HEAD.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

fn row(outcome: &Outcome) -> String {
    let goal = outcome.scenario.goal();
    let best = |library| outcome.best(library).map_or(f64::NAN, |(_, rate)| *rate);
    let cells = [
        outcome.scenario.title().to_owned(),
        grouped(outcome.as_it_comes()),
        grouped(best(Library::Immer)),
        grouped(best(Library::Mutative)),
        outcome.fastest().map(|(peer, _)| Peer::to_string(peer)).unwrap_or_default(),
        grouped(outcome.dynamic),
        grouped(outcome.typed),
        ratios(outcome, outcome.as_it_comes(), goal.map(|goal| goal.as_it_comes)),
        ratios(outcome, outcome.fastest_rate(), goal.map(|goal| goal.fastest)),
    ];
    format!("| {} |", cells.join(" | "))
}

/// Of both sides, the dynamic one first.
fn ratios(outcome: &Outcome, peer: f64, least: Option<f64>) -> String {
    [outcome.dynamic, outcome.typed].map(|rate| ratio(rate / peer, least)).join(" / ")
}

fn ratio(ratio: f64, least: Option<f64>) -> String {
    let digits = if ratio < 20.0 { 1 } else { 0 };
    let missed = least.is_some_and(|least| !reaches(ratio, least));
    format!("{ratio:.digits$}{}", if missed { " **missed**" } else { "" })
}

/// A rate with its thousands set apart.
fn grouped(rate: f64) -> String {
    let digits = format!("{rate:.0}");
    let group = |(index, digit): (usize, char)| {
        let apart = index > 0 && (digits.len() - index).is_multiple_of(3);
        apart.then_some(',').into_iter().chain(Some(digit))
    };
    digits.chars().enumerate().flat_map(group).collect()
}
