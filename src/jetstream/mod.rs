//! The log on NATS JetStream: one stream per log, for a state that outgrows one machine (feature `jetstream`).
//!
//! [`JetStream`] says where the stream is, [`Stream`] is it: a [`Source`](crate::replica::Source) that every machine follows, and an
//! [`Order`](crate::replica::Order) that any of them appends to. What a change is, and what becomes of one that was overtaken, is left to
//! who does that. Messages are laid out in FORMAT.md.
//!
//! Always: every message is verified from its first byte to its last, and against the one before it, by whoever reads it; what does not
//! follow is an error, and nothing here is changed for it.
//!
//! ```no_run
//! use redraft::jetstream::JetStream;
//! use redraft::{Options, Replica, Value, replica::Beginning};
//! use std::sync::Arc;
//!
//! let stream = JetStream::from_url("nats://127.0.0.1:4222?stream=board")?.open()?;
//! let replica: Replica<Value> = Options::new().replica_of(Arc::new(stream), "copy", Beginning::Oldest)?;
//! let following = replica.follow()?;
//! # drop(following);
//! # Ok::<(), redraft::Error>(())
//! ```

mod append;
mod feed;
mod line;
mod look;
mod message;
#[cfg(feature = "http")]
mod monitor;
mod moving;
mod objects;
mod promise;
mod refusals;
mod settings;
mod shape;
mod snapshots;
mod stream;
#[cfg(test)]
mod tests;

pub use promise::{Promise, Syncs};
pub use settings::JetStream;
pub use stream::Stream;
