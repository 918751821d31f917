//! The documents that are measured.

#[cfg(feature = "others")]
mod automerge;
#[cfg(feature = "others")]
mod loro;
mod redraft;

use anyhow::Result;
use clap::ValueEnum;

use crate::exchange::Step;
use crate::measure::Figures;
use crate::trace::Trace;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    Automerge,
    Loro,
    Redraft,
}

impl Name {
    pub(crate) const ALL: [Name; 3] = [Name::Automerge, Name::Loro, Name::Redraft];

    pub(crate) fn key(self) -> &'static str {
        match self {
            Name::Automerge => "automerge",
            Name::Loro => "loro",
            Name::Redraft => "redraft",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Name::Automerge => "Automerge 0.12",
            Name::Loro => "Loro 1.17",
            Name::Redraft => "**redraft**, with a sequencer",
        }
    }

    /// Nothing if there is nobody to be measured yet.
    pub(crate) fn measure(self, trace: &Trace, steps: &[Step<'_>]) -> Result<Option<Figures>> {
        match self {
            #[cfg(feature = "others")]
            Name::Automerge => crate::measure::measure::<automerge::Automerge>(trace, steps).map(Some),
            #[cfg(feature = "others")]
            Name::Loro => crate::measure::measure::<loro::Loro>(trace, steps).map(Some),
            #[cfg(not(feature = "others"))]
            Name::Automerge | Name::Loro => Ok(None),
            Name::Redraft => redraft::measured(trace, steps),
        }
    }
}
