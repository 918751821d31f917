//! What came out of a scenario, and whether that is what we promise.

use crate::peer::{Library, Peer};
use crate::scenario::{Goal, Scenario};

/// Medians of changes a second.
pub(crate) struct Outcome {
    pub(crate) scenario: Scenario,
    pub(crate) peers: Vec<(Peer, f64)>,
    pub(crate) dynamic: f64,
    pub(crate) typed: f64,
}

impl Outcome {
    pub(crate) fn as_it_comes(&self) -> f64 {
        let is_it = |(peer, _): &&(Peer, f64)| peer.library == Library::Immer && peer.as_it_comes;
        self.peers.iter().find(is_it).map_or(f64::NAN, |(_, rate)| *rate)
    }

    /// The fastest configuration of one library.
    pub(crate) fn best(&self, library: Library) -> Option<&(Peer, f64)> {
        let of_it = self.peers.iter().filter(|(peer, _)| peer.library == library);
        of_it.max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// The fastest configuration of any library.
    pub(crate) fn fastest(&self) -> Option<&(Peer, f64)> {
        self.peers.iter().max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    pub(crate) fn fastest_rate(&self) -> f64 {
        self.fastest().map_or(f64::NAN, |(_, rate)| *rate)
    }

    /// Every goal that one of redraft's sides missed, in a sentence.
    pub(crate) fn misses(&self) -> Vec<String> {
        let Some(goal) = self.scenario.goal() else { return Vec::new() };
        let sides = [("Value", self.dynamic), ("typed", self.typed)];
        sides.into_iter().flat_map(|(side, rate)| self.misses_of(side, rate, goal)).collect()
    }

    fn misses_of(&self, side: &str, rate: f64, goal: Goal) -> Vec<String> {
        let against = [
            ("Immer as it comes", rate / self.as_it_comes(), goal.as_it_comes),
            ("the fastest", rate / self.fastest_rate(), goal.fastest),
        ];
        let title = self.scenario.title();
        let missed = against.into_iter().filter(|(_, ratio, least)| !reaches(*ratio, *least));
        missed
            .map(|(whom, ratio, least)| format!("{title}: {side} is {ratio:.1} times {whom}, not {least}"))
            .collect()
    }
}

/// Whether a ratio is what was promised. One that is no number is not.
pub(crate) fn reaches(ratio: f64, least: f64) -> bool {
    ratio >= least
}

/// The middle one; of an even number the lower of the two. NaN of none.
pub(crate) fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
