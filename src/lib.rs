//! redraft: an embeddable, event-sourced state store.

// In the order the data flows; dependencies point upwards in this list.
pub mod io;
pub mod value;

pub mod patch;
pub mod state;

mod draft;
mod error;
mod record;
mod segment;

mod log;
mod snapshot;

mod store;

mod check;
mod replica;

pub use check::{Report, verify};
pub use draft::{DraftError, Drafted, Outcome, diff, draft};
pub use error::{Damage, Defect, Error, ErrorKind, Result};
pub use patch::{Patch, apply};
pub use record::{Change, Meta, Stamp, WriterId};
pub use replica::{Progress, Replica};
pub use segment::format::{RECORD_BYTES_MAX, StoreId};
pub use segment::recovery::Cut;
pub use state::State;
pub use store::{Changes, Commit, Opened, Options, Reader, Store};
pub use value::Value;
