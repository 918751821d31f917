//! What a repair does to one file, why, and what all of it costs: facts as fields, and how they read.
//!
//! Made by `plan`, carried out by `act`. Decides nothing.

use crate::error::Defect;
use crate::segment::copy::Piecework;
use crate::segment::format::Header;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// How many changes a repair gives up, as far as what is left tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// So many are known to have been there behind the newest version that is kept.
    pub at_least: u64,
    /// There were not more than so many. Nothing where a whole file may be missing, which could have held any number.
    pub at_most: Option<u64>,
    /// So many at the beginning, before the oldest version there will be, can no longer be reached.
    pub earlier: u64,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (least, Some(most)) if least == most => write!(f, "{least} changes")?,
            (least, Some(most)) => write!(f, "{least} to {most} changes")?,
            (least, None) => write!(f, "{least} changes, and what missing files held")?,
        }
        match self.earlier {
            0 => Ok(()),
            earlier => write!(f, ", and the first {earlier} that were kept"),
        }
    }
}

/// What happens to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub path: PathBuf,
    /// What is done to it.
    pub mending: Mending,
    /// Why.
    pub why: Why,
    pub(super) work: Work,
}

/// A way to mend a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mending {
    /// It gets the name that its content says.
    Moved {
        /// The new path.
        to: PathBuf,
    },
    /// Its good records are written anew, between a header and an ending that fit them.
    Rewritten {
        /// The file they are taken from: this one, or the one that a later beginning lies in.
        from: PathBuf,
        /// The bytes of that file that these records are.
        kept: Range<u64>,
        /// How long that file is.
        bytes: u64,
    },
    /// A segment without records takes its place.
    Made,
    /// It is a packed segment, and gets a table of its blocks that fits them.
    TableMade,
    /// It goes.
    Removed {
        /// How long it is.
        bytes: u64,
    },
}

/// Why something happens to a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It is damaged.
    #[error("{0}")]
    Damaged(Defect),
    /// What it holds comes after the end of what is good.
    #[error("it lies behind version {head}, where what is good ends")]
    Behind {
        /// The newest version kept.
        head: u64,
    },
    /// What it holds comes before the beginning of what can be kept.
    #[error("it lies before version {oldest}, where what can be kept begins")]
    Before {
        /// The oldest version kept.
        oldest: u64,
    },
    /// What came before is lost.
    #[error("the log begins at version {oldest} from now on")]
    BeginsHere {
        /// The oldest version kept.
        oldest: u64,
    },
    /// It must end here, because what followed is not good.
    #[error("what is good ends with it, at version {head}")]
    EndsHere {
        /// The newest version kept.
        head: u64,
    },
    /// Files were being exchanged: it belongs to the history that was made anew, or gives way to that.
    #[error(
        "the history that was made anew is whole, up to version {head}, and takes the place of the old one"
    )]
    MadeAnew {
        /// The newest version of it.
        head: u64,
    },
    /// Files were being exchanged: it belongs to a history that was being made anew and is not whole.
    #[error("the history that was being made anew is not whole; the old one is, up to version {head}")]
    GivenUp {
        /// The newest version of the old one.
        head: u64,
    },
    /// It belongs to another history of this store, or is there twice.
    #[error("nothing that is kept leads to it")]
    OutOfPlace,
}

/// What the machine has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Move { from: PathBuf, to: PathBuf },
    Write(Box<Piecework>),
    Make(Header),
    Table(PathBuf),
    Remove(PathBuf),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, why) = (self.path.display(), &self.why);
        match &self.mending {
            Mending::Moved { to } => write!(f, "move {path} to {}: {why}", to.display()),
            Mending::Rewritten { from, kept, bytes } => {
                let Range { start, end } = kept;
                write!(f, "rewrite {path}, keeping bytes {start} to {end} of {bytes}")?;
                match *from == self.path {
                    true => write!(f, ": {why}"),
                    false => write!(f, " of {}: {why}", from.display()),
                }
            }
            Mending::Made => write!(f, "make {path}, without records: {why}"),
            Mending::TableMade => write!(f, "make the table of blocks of {path} anew: {why}"),
            Mending::Removed { bytes } => write!(f, "remove {path}, {bytes} bytes: {why}"),
        }
    }
}
