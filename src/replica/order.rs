//! [`Order`]: a source that gives changes their places, wherever that is.
//!
//! Leaves what is appended, and doing so again, to who appends. Always: a place is given once; what is appended is what every feed of
//! it brings from then on, to everybody; whoever hears nothing knows nothing, and has to look.

use super::source::Source;
use crate::error::Result;

/// The end of a history, for all that somebody knows: what comes next is held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The offset of the next record.
    pub offset: u64,
    /// The checksum that identifies the history before it.
    pub chain: u32,
}

/// A log that several machines append to, each of which has to know its end to do so.
///
/// There is no leader among those who do: who was faster has the place, and all others look what it was, and make theirs anew on
/// top of it.
pub trait Order: Source {
    /// Appends records at `place`, all or none, and waits until they are as durable as this order makes anything.
    ///
    /// # Errors
    /// [`Error::Overtaken`](crate::Error::Overtaken) when that is not the end: nothing was appended.
    /// [`Error::Unreachable`](crate::Error::Unreachable) when nothing was heard: they may be there, or not.
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()>;

    /// How many bytes of records are appended at once, at most, each with the 8 bytes around it in a [`Feed`](super::Feed). A record that is larger may be refused as
    /// [`Error::TooLarge`](crate::Error::TooLarge).
    fn batch_bytes(&self) -> usize;
}
