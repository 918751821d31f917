//! redraft: an embeddable, event-sourced state store.

pub mod value;

mod draft;
pub mod patch;
pub mod state;

pub use draft::{DraftError, Drafted, Outcome, diff, draft};
pub use patch::{Patch, apply};
pub use state::State;
pub use value::Value;
