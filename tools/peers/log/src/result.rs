//! What came out of all rounds.

use std::collections::BTreeMap;

use crate::engines::Name;
use crate::task::{Answer, Figures};
use crate::work::Work;

/// Whose result it is: the work, how long the records were, and the engine.
type Key = (Work, u64, Name);

#[derive(Debug, Default)]
pub(crate) struct Results {
    answers: BTreeMap<Key, Vec<Answer>>,
}

/// What an engine achieved in all rounds.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Medians.
    Figures(Figures),
    Lacks(String),
    Failed(String),
}

impl Results {
    pub(crate) fn add(&mut self, work: Work, bytes: u64, engine: Name, answer: Answer) {
        self.answers.entry((work, bytes, engine)).or_default().push(answer);
    }

    /// None of what was not asked for.
    pub(crate) fn outcome(&self, work: Work, bytes: u64, engine: Name) -> Option<Outcome> {
        self.answers.get(&(work, bytes, engine)).map(|answers| outcome(answers))
    }

    /// NaN of what was not measured.
    pub(crate) fn figure(&self, work: Work, bytes: u64, engine: Name, figure: &str) -> f64 {
        match self.outcome(work, bytes, engine) {
            Some(Outcome::Figures(figures)) => figures.get(figure).copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    pub(crate) fn main_figure(&self, work: Work, bytes: u64, engine: Name) -> f64 {
        self.figure(work, bytes, engine, work.main_figure())
    }
}

/// One round that failed is enough.
fn outcome(answers: &[Answer]) -> Outcome {
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for answer in answers {
        match answer {
            Answer::Lacks(what) => return Outcome::Lacks(what.clone()),
            Answer::Failed(what) => return Outcome::Failed(what.clone()),
            Answer::Figures(figures) => {
                figures.iter().for_each(|(name, figure)| all.entry(name).or_default().push(*figure));
            }
        }
    }
    Outcome::Figures(all.into_iter().map(|(name, rounds)| (name.to_owned(), median(rounds))).collect())
}

/// The middle one; of an even number the lower of the two. NaN of none.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
