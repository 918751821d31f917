//! An embeddable, event-sourced state store.
//!
//! A program changes its state by *drafting*: a closure edits a draft, redraft finds out what changed, appends it as
//! patches to a durable log, and publishes the new immutable state. From the log follows everything else: any version
//! again, undo, restore, replicas.
//!
//! ```text
//! recipe -> draft -> patches -> record -> segment -> { snapshot, replica }
//! ```
//!
//! # A first store
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("board.redraft");
//! use redraft::{Store, Value};
//!
//! let store = Store::<Value>::open(&path)?;
//! let commit = store.produce(|board| board["title"] = "Launch".into())?; // Ok means durable
//! assert_eq!(commit.patch().len(), 1);
//!
//! let now = store.state(); // immutable, O(1), never waits
//! let before = store.at(commit.version() - 1)?; // any version that is kept
//! assert_ne!(now, before);
//!
//! store.undo(commit.version())?; // a new change, the inverse of that one
//! assert_eq!(store.state(), before);
//! assert_eq!(store.changes(..)?.count(), 2);
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! * **Durability.** A change that returned `Ok` has been synced: it survives the death of the process, of the operating
//!   system, and a power cut. (A store can be opened with a [`Durability`] that promises less.)
//! * **Order.** The changes of a store have one order, the version. Readers see states in that order, durable ones only.
//! * **All or nothing.** A recipe that fails or panics, or a patch that does not fit, changes nothing.
//! * **Never a wrong state.** Every record is verified whenever it is read. What is damaged is an [`Error`] that names the
//!   place and what is still good.
//!
//! # Where to go from here
//!
//! | to | see |
//! |---|---|
//! | keep a state | [`Store`], [`Options`] |
//! | read it from another process | [`Reader`] |
//! | keep many changes in flight, or await them | [`Store::submit`] |
//! | hear of every change | [`Store::listen`] |
//! | see who changed what and when | [`Store::changes`], [`Change`], [`Meta`] |
//! | keep a copy that follows | [`Replica`] |
//! | trade durability for speed | [`Durability`], [`Options::durability`] |
//! | have only the log, for records of your own | [`log`] |
//! | check a store | [`verify`] |
//! | mend a damaged one, and know first what that loses | [`Repair`] |
//! | know what to do about an error | [`Error::kind`] |
//! | work with patches, without a disk | [`draft`], [`Draft`], [`producer`], [`apply`], [`Patch`], [`patch`] |
//! | make a Rust type the state | [`State`], `#[derive(State)]` |
//! | build values | [`Value`], [`value!`], [`value`](mod@value) |
//! | test crashes of your own program | [`io`], feature `faults` |
//!
//! # Features
//!
//! * `derive` (default): `#[derive(State)]` and `#[derive(MapKey)]`.
//! * `json` (default): values and patches as JSON text.
//! * `faults`: disks in memory that lose power and fail on purpose, for crash tests.

// In the order the data flows; what stands lower uses what stands higher, never the other way.
mod error;
pub mod io;

pub mod collections;
pub mod value;

pub mod patch;
pub mod state;

mod draft;
mod record;
mod segment;

pub mod log;
mod snapshot;

mod store;

mod check;
pub mod repair;
mod replica;

pub use check::{Report, verify};
pub use draft::{Draft, DraftError, Drafted, Outcome, diff, draft, producer};
pub use error::{Damage, Defect, Error, ErrorKind, Occupant, Result, Role, UndoRefusal};
pub use log::{Durability, RECORD_BYTES_MAX, StoreId};
pub use patch::{Patch, apply, compose, invert, squash};
pub use record::{Change, DecodeError, Meta, Stamp, WriterId};
pub use repair::{Repair, Repaired};
pub use replica::{Progress, Replica};
pub use segment::recovery::Cut;
pub use state::State;
pub use store::{Changes, Commit, Listening, Opened, Options, Reader, Store, Ticket};
pub use value::Value;

/// Compiles and runs the README's example.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;
