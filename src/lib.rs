//! redraft: an embeddable, event-sourced state store.

pub mod value;
