//! An embeddable, event-sourced state store.
//!
//! A program changes its state by *drafting*: a closure edits a draft, redraft finds out what changed, appends that as a patch
//! to a durable log, and publishes the new immutable state. From the log follows everything else: any version again, undo,
//! restore, replicas.
//!
//! It is for programs that hold their state in memory and want to keep it with all of its history: to go on after a crash, to go
//! back, to see how it came about. It is not a database with queries, not a CRDT (one process writes a store), and no
//! protection against forgery (its checksums find accidents).
//!
//! # Usage
//!
//! redraft is not on crates.io yet, so depend on a checkout: `redraft = { path = "../redraft" }`. It needs Rust 1.89 and a Unix.
//! This is a whole `main.rs`, which may be run again and again:
//!
//! ```
//! # mod program {
//! use redraft::{Store, Value, value};
//!
//! fn main() -> redraft::Result<()> {
//!     let store = Store::<Value>::open("board.redraft")?; // a directory; made if it is not there
//!     let planned = store.produce(|board| {
//!         board["title"] = "Launch".into();
//!         board["cards"] = value!([{ "text": "ship it", "done": false }]);
//!     })?; // Ok means durable: it survives a power cut
//!     let done = store.produce(|board| board["cards"][0]["done"] = true.into())?;
//!     println!("{}", store.state()["cards"][0]); // the newest state: O(1), never waits for a writer
//!     println!("{}", store.at(planned.version())?["cards"][0]); // any version
//!     store.undo(done.version())?; // a new change that takes that one back
//!     for change in store.changes(..)? {
//!         println!("{:?}", change?.patch);
//!     }
//!     store.close()
//! }
//! # pub fn run() -> u64 { main().unwrap(); redraft::Reader::<Value>::open("board.redraft").unwrap().version() } }
//! # let dir = tempfile::tempdir().unwrap(); std::env::set_current_dir(dir.path()).unwrap();
//! # assert_eq!((program::run(), program::run()), (3, 5));
//! ```
//!
//! The second run finds the board as it should be: its first recipe changes nothing, so nothing is recorded for it. A recipe
//! that fails or panics has changed nothing either.
//!
//! # A state of your own
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("board.redraft");
//! use redraft::collections::{Counter, Map, Text};
//! use redraft::{State, Store};
//!
//! #[derive(Clone, Debug, Default, State)]
//! struct Board {
//!     title: String,
//!     cards: Map<u64, Card>,
//!     moves: Counter,
//! }
//!
//! #[derive(Clone, Debug, Default, State)]
//! struct Card { text: Text, done: bool }
//!
//! let store = Store::<Board>::open(&path)?;
//! store.produce(|board| board.title = "Launch".into())?;
//! let added = store.produce(|board| {
//!     board.cards.entry(7).or_default().text.push_str("ship it");
//!     board.moves += 1;
//! })?;
//! let patch = format!("{:?}", added.patch());
//! assert_eq!(patch, r#"[add "/cards/7" {"done": false, "text": "ship it"}, inc "/moves" by 1]"#);
//! # } Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The types decide what a patch says: a [`Counter`](collections::Counter) says `inc`, a [`Text`](collections::Text) or
//! [`List`](collections::List) says `splice`, a plain `i64` says `replace`. A change of the types in [`collections`] costs what
//! it changed; those of the standard library cost their length. The first change of a typed store records all of the state,
//! because a log begins with the empty map. [`State`](trait@State) lists the attributes, [`state`] how each type shows.
//!
//! # A state without a type
//!
//! A [`Value`] is like JSON, with integers, bytes, and keys that need not be text; [`value!`] writes one down. Patches go in
//! and out as JSON Patch, JSON merge patch, Immer's patches and a form of our own, of which the first:
//!
//! ```
//! # #[cfg(feature = "json")] {
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("notes.redraft");
//! use redraft::{Patch, Store, Value, value};
//! let store = Store::<Value>::open(&path)?;
//! let before = store.produce(|doc| *doc = value!({ "title": "plan", "tags": ["new"] }))?;
//! let sent = br#"[{"op":"test","path":"/title","value":"plan"},{"op":"add","path":"/tags/-","value":"red"}]"#;
//! let patch = Patch::from_json_patch(sent, &store.state())?; // here `test` is asked, and `-` becomes a position
//! let commit = store.apply(&patch)?; // all of it or nothing
//! let out = commit.patch().to_json_patch(before.state())?;
//! assert_eq!(out.to_string(), r#"[{"op":"add","path":"/tags/1","value":"red"}]"#);
//! # } Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where other threads write too, read the patch and [`apply()`] it inside a recipe, on one and the same state.
//!
//! # History
//!
//! ```
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("notes.redraft");
//! use redraft::{Change, Error, Meta, Store, Value, value};
//! let store = Store::<Value>::open(&path)?;
//! let meta = Meta::label("a title").tag("by", "ann");
//! let first = store.produce_with(meta, |doc| doc["title"] = "plan".into())?.version();
//! let second = store.produce(|doc| doc["title"] = "launch".into())?.version();
//! let changes: Vec<Change> = store.changes(first..)?.collect::<Result<_, _>>()?; // who, what, when
//! assert_eq!(changes[0].meta.label.as_deref(), Some("a title"));
//! assert_eq!(store.at(first)?["title"], value!("plan"));
//!
//! let refused = store.undo(first); // the second stands on it
//! assert!(matches!(refused, Err(Error::UndoConflict { later, .. }) if later == second));
//! store.undo(second)?;
//! store.undo(first)?; // now it goes
//! assert_eq!(*store.state(), value!({}));
//! store.redo(first)?;
//! assert_eq!(*store.state(), value!({ "title": "plan" }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What happened is asked of the history too:
//!
//! ```
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("shop.redraft");
//! use redraft::{Filter, Meta, Store, Value, value, value::Pointer};
//! let store = Store::<Value>::open(&path)?;
//! store.produce(|shop| *shop = value!({ "stock": 10, "open": true }))?;
//! for left in (0..10).rev() {
//!     store.produce_with(Meta::label("sell"), |shop| shop["stock"] = left.into())?;
//! }
//! let stock = Pointer::parse("/stock")?;
//! let last = store.blame(&stock)?.unwrap(); // who set it, when, from what to what
//! assert_eq!((last.change.version, last.old, last.new), (11, Some(value!(1)), Some(value!(0))));
//! let low = store.bisect(.., |shop| shop["stock"].as_i64().is_some_and(|left| left < 3))?; // looks at few states
//! assert_eq!(low.first, Some(9));
//! let sales = store.changes(..)?.matching(Filter::new().touching(stock).labelled("sell"));
//! assert_eq!(sales.newest_first().take(2).count(), 2);
//! let an_hour_ago = store.version_at(last.change.time_ms() - 3_600_000)?; // what was the newest then
//! assert_eq!(*store.at(an_hour_ago)?, value!({}));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! Questions whose answers come newest first have an index to look in, which follows the log when it is asked; without it, all
//! changes are read, and [`Changes::lookup`] tells which it was. [`Store::set_cursor`] keeps how far somebody who follows has come.
//!
//! [`Redaction`] takes what was ever at a place, or what somebody wrote, out of the whole history: the one thing that changes what was.
//!
//! An undo is a change like any other. It is refused where a later change touched the same place, or moved it in a list or
//! text; other entries of a map, and increments of the same counter, are not in the way. [`Store::restore`] writes any version
//! that is kept into a new store.
//!
//! # When something fails
//!
//! All operations on a store return one [`Error`]. Its variants say what happened; [`Error::kind`] says what to do:
//!
//! | kind | what happened | what to do |
//! |---|---|---|
//! | [`Recipe`](ErrorKind::Recipe) | your recipe returned an error; nothing changed | [`Error::recipe`] gives it back |
//! | [`Refused`](ErrorKind::Refused) | it does not apply here, is too large, or something is there already; nothing changed | correct it and ask again |
//! | [`Stale`](ErrorKind::Stale) | what you began with is not the newest any more; nothing changed | begin anew |
//! | [`Misuse`](ErrorKind::Misuse) | a call that can never work: a recipe that changes its own store, a replica opened as a store | mend the program |
//! | [`Misfit`](ErrorKind::Misfit) | what is recorded is good, but not of this type | open it as the type that wrote it, or as [`Value`] |
//! | [`NotFound`](ErrorKind::NotFound) | no such store, version or record | ask for another |
//! | [`Busy`](ErrorKind::Busy) | another writer has it | wait, or use a [`Reader`] |
//! | [`Environment`](ErrorKind::Environment) | the system said no: permission, space, a failed read | mend that and ask again |
//! | [`NewerSchema`](ErrorKind::NewerSchema) | a newer version of this program migrated the store; nothing was changed | run that one; [`Reader::open_at`] shows what was before |
//! | [`Poisoned`](ErrorKind::Poisoned) | a write or sync failed, now or before: the session is over | open it again; `pending` is the version to look for then |
//! | [`Damage`](ErrorKind::Damage) | bytes are not what was written; nothing was changed | see [Damage](#damage) |
//! | [`Newer`](ErrorKind::Newer) | files of a newer redraft; nothing was changed | use that one |
//! | [`Diverged`](ErrorKind::Diverged) | replica and source have different histories; both were left as they are | say which is right |
//! | [`Unreachable`](ErrorKind::Unreachable) | a source does not answer, or what came is not what was sent; nothing of it was used | try again later |
//!
//! ```
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("shop.redraft");
//! use redraft::{Error, Store, Value};
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("sold out")]
//! struct SoldOut;
//!
//! let store = Store::<Value>::open(&path)?;
//! let sold = store.produce(|shop| {
//!     let left = shop["stock"].as_i64().filter(|&left| left > 0).ok_or(SoldOut)?;
//!     shop["stock"] = (left - 1).into();
//!     Ok::<(), SoldOut>(())
//! });
//! assert!(sold.is_err_and(|error| error.recipe::<SoldOut>().is_some()));
//!
//! // A draft by hand holds no lock: if the store has gone on meanwhile, begin anew.
//! let stocked = loop {
//!     let mut draft = store.draft();
//!     draft["stock"] = (draft["stock"].as_i64().unwrap_or(0) + 10).into();
//!     # if store.version() == 0 { store.produce(|shop| shop["open"] = true.into())?; }
//!     match store.commit(draft) {
//!         Err(Error::Outdated { .. }) => continue,
//!         done => break done?,
//!     }
//! };
//! assert_eq!(stocked.state()["stock"].as_i64(), Some(10));
//! # assert_eq!(stocked.version(), 2); Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When the type changes
//!
//! A field with `#[state(default)]` may be missing in what was recorded. For anything else the type says which schema it is
//! of, and how a document gets from one to the next; see [`State`]. Opening migrates the store, in one change; older versions stay
//! readable, and a program that is older than the data does not write.
//!
//! ```
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("board");
//! # #[cfg(feature = "derive")] {
//! use redraft::{State, Store, Value};
//!
//! mod yesterday {
//!     #[derive(Clone, Debug, Default, redraft::State)]
//!     pub struct Board { pub title: String }
//! }
//!
//! #[derive(Clone, Debug, Default, State)]
//! #[state(schema = 2, migrate = "step")]
//! struct Board { name: String }
//!
//! fn step(_from: u32, board: &mut Value) {
//!     board["name"] = board["title"].clone();
//!     board.as_map_mut().and_then(|board| board.remove("title"));
//! }
//!
//! let old = Store::<yesterday::Board>::open(&path)?;
//! old.produce(|board| board.title = "plan".into())?;
//! old.close()?;
//! let store = Store::<Board>::open(&path)?;
//! assert_eq!((store.opened().migrated_from, store.version()), (Some(1), 2));
//! assert_eq!((store.state().name.as_str(), store.at(1)?.name.as_str()), ("plan", "plan"));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Durability
//!
//! When a change counts as done is chosen on opening, with [`Options::durability`]:
//!
//! | [`Durability`] | done means | a killed process loses | a power cut loses |
//! |---|---|---|---|
//! | [`Immediate`](Durability::Immediate), the default | synced | nothing | nothing |
//! | [`Interval(d)`](Durability::Interval) | queued; a sync begins within `d` | what was done in the last `d` and during one sync | the same |
//! | [`UnsafeNoSync`](Durability::UnsafeNoSync) | handed to the system | nothing | all since the last sync, full segment or clean close |
//!
//! What is lost is always the newest; what is left is the state at some version. [`Store::sync`] makes durable all there is,
//! [`Store::durable_version`] tells how far that is. After a failed sync nothing is tried again, for the kernel may have
//! dropped what it was given: the store takes no more changes until it is opened again.
//!
//! # Threads, async and other processes
//!
//! Reading and changing take `&self`, so an [`Arc`](std::sync::Arc) shares a store. Recipes run one after the other, each on
//! the newest state; their syncs are shared. [`Store::state`] never waits, and goes through the versions in order.
//!
//! ```
//! # let dir = tempfile::tempdir()?; let (path, copy) = (dir.path().join("notes"), dir.path().join("copy"));
//! use redraft::{Reader, Replica, Store, Value};
//! let store = Store::<Value>::open(&path)?;
//! let _listening = store.listen(|commit| println!("{:?}", commit.patch())); // for as long as this is kept
//! let tickets = (0..100).map(|n| store.submit(|doc| doc["n"] = n.into())).collect::<Result<Vec<_>, _>>()?;
//! for ticket in tickets {
//!     ticket.wait()?; // a handful of syncs for all; in async code `ticket.await?`, with any runtime
//! }
//!
//! // These two may be in other processes. They only read the store.
//! let reader = Reader::<Value>::open(&path)?;
//! let replica = Replica::<Value>::open(&path, &copy)?;
//! store.produce(|doc| doc["done"] = true.into())?;
//! assert_eq!((reader.version(), reader.refresh()?), (100, 101));
//! assert_eq!(replica.catch_up()?.version, 101);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Store::submit`] waits for running recipes, and while 2 MiB are on their way, but not for the disk. A [`Draft`] may be held
//! across `await`s.
//!
//! # Replicas and servers
//!
//! A [`Replica`] has the history of a store elsewhere in a directory of its own, and the state that follows from it; a [`Mirror`] only the
//! history. What is copied is verified against the chain of checksums and durable before it is visible. They [follow](Replica::follow) a
//! [`Source`](replica::Source): a [directory](replica::Directory), or with the feature `http` a store that is served, `http::Remote`.
//! [`Replica::store`] is a store that nobody here can change: read it, listen to it, serve it to others.
//! [`Options::promote`] makes a primary of one, and [`Options::plan_rejoin`] a replica of the old primary, after
//! handing out what that alone has. `http::router` serves a store from an axum app, `http::Server` from a socket of its own.
//!
//! # What it costs
//!
//! | operation | costs |
//! |---|---|
//! | [`state`](Store::state), [`version`](Store::version), [`newest`](Store::newest) | O(1) |
//! | [`produce`](Store::produce), [`apply`](Store::apply), [`commit`](Store::commit) | what changed, and its share of a sync |
//! | [`open`](Store::open) | the newest snapshot and all changes since; a little of each segment, after a crash all of the last |
//! | [`at`](Store::at) | the changes since the nearest snapshot or state still in memory |
//! | the same across a migration | as [`Value`]s; and migrating one: O(state). Opening adds a record of what it changed, and a sync |
//! | one version on or back from there | a few changes |
//! | [`version_at`](Store::version_at) | some twenty single reads for a million changes |
//! | [`changes`](Store::changes) | the changes read; their patches only where a [`Filter`] has not said no before |
//! | [`newest_first`](Changes::newest_first), [`blame`](Store::blame), [`life`](Store::life) | with the index what comes out, and the changes since the last question; without, all changes so far back |
//! | [`bisect`](Store::bisect) | [`at`](Store::at) 22 versions of a million |
//! | [`undo`](Store::undo), [`redo`](Store::redo) | [`at`](Store::at) the version before; reading all changes since |
//! | [`snapshot`](Store::snapshot) | the changes since the last one, or O(state), on the thread that asks; others go on. Those taken by themselves have a thread of their own |
//! | [`compact`](Store::compact) | nothing, or [`at`](Store::at) the new beginning and a snapshot of it; a sync for each segment that goes |
//! | [`restore`](Store::restore) | [`at`](Store::at) that version; O(state) |
//! | [`fork`](Store::fork) | a link and a look for each file; the part of one segment that is before the version |
//! | [`backup`](Store::backup) | reading and writing what is not there yet, by whole segments |
//! | [`verify`](verify()), [`Repair::plan`] | reading all there is |
//! | [`Log::read`](log::Log::read) | one read of the file |
//! | memory | the state; up to 128 earlier ones, less what they share; 4 bytes a record of the last segment; a few MiB |
//!
//! # Files, formats and limits
//!
//! A store is a directory: `LOCK`, held by whoever writes; segments, `00000000000000000042.seg` with the changes that follow
//! version 42; snapshots, `00000000000000000042.snap` with the state at version 42, or what changed since an older one; `CURSORS`, once one was set; `index`, which may
//! be removed at any time; `damaged-1` and so on, from repairs.
//! [`docs::format`] tells every byte. The format is 1: files of a larger number are refused and left untouched. Until the
//! first release it may change and still be 1.
//!
//! * Values nest [128](value::DEPTH_MAX) deep. Keys made of bytes have [32](value::KEY_BYTES_MAX) at most, texts any number.
//! * A record, which is one change, has at most [1 GiB](RECORD_BYTES_MAX).
//! * A segment takes 64 MiB, or [512 bytes to 2 GiB](Options::segment_bytes), from the start; a clean close gives back the rest.
//! * History only grows unless you say what to keep ([`Options::retention`], [`Store::compact`]); it goes by whole segments, of
//!   64 MiB unless you say otherwise ([`Options::segment_bytes`]). Snapshots are taken and thinned by themselves
//!   ([`SnapshotPolicy`]), so that opening stays quick.
//! * The lock is as good as the file system's locks. Written for Unix, tested on Linux only.
//!
//! # Damage
//!
//! Every record is verified whenever it is read, against the chain of checksums of all before it. Bytes that are not what was
//! written are an error that names file, byte and what is still good, never a wrong state.
//!
//! ```
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("notes.redraft");
//! # redraft::Store::<redraft::Value>::open(&path)?.close()?;
//! use redraft::{Repair, verify};
//! let report = verify(&path)?; // reads everything, changes nothing
//! println!("good up to version {}, damage: {:?}", report.intact, report.damage);
//! let repair = Repair::plan(&path)?; // only reads
//! if repair.is_needed() {
//!     println!("version {} can be kept, lost: {}", repair.head(), repair.loss());
//!     repair.carry_out()?; // copies aside what it cuts
//! }
//! # assert!(report.is_sound()); Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A replica or a backup has what a repair can only cut. What a crash cut short before it was acknowledged is no damage: opening
//! cuts it off, and [`Store::opened`] tells. After a crash, damage in the very last batch looks the same; after a clean close
//! there is no such doubt.
//!
//! # Backups
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let (path, copy, mended) = (dir.path().join("notes"), dir.path().join("copy"), dir.path().join("mended"));
//! use redraft::{Reader, Store, Value, verify};
//! let store = Store::<Value>::open(&path)?;
//! store.produce(|doc| doc["title"] = "plan".into())?;
//! store.backup(&copy)?; // beside all that goes on; the next one copies what is new
//! assert!(verify(&copy)?.is_sound());
//! let backup = Reader::<Value>::open(&copy)?; // read like a store, with all its history; never written
//! backup.restore(backup.version(), &mended)?; // a store of its own
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Store::fork`] makes a store that goes on from any version, with the whole history before it. The two share their files, so that many
//! futures of one past can be tried; it is no backup. [`Store::reunite`] takes what one of them has into another.
//!
//! With the feature `archive`, what a store has filled is kept in object storage too: `Archive`.
//!
//! # Over HTTP
//!
//! With the feature `http`, `http::router` serves a store or a node in an axum app, and `http::Server` without one: state and history as JSON,
//! changes as they come as server-sent events, submissions, which [`Store::apply_on`] and [`Store::merge`] take inside a
//! program. What can be asked is in the OpenAPI file that is served with it.
//!
//! ```
//! # #[cfg(feature = "http")] {
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("notes");
//! use redraft::http::{Access, Limits, Tokens, router};
//! use redraft::{Store, Value};
//! use std::sync::Arc;
//! let store = Arc::new(Store::<Value>::open(&path)?);
//! let tokens = Tokens::parse("read 6f1d8a02c9e4b753")?; // or from a file, or the environment
//! let routes = router(Arc::clone(&store), Access::new().tokens(tokens).host("notes.example"), Limits::new());
//! let app = axum::Router::<()>::new().nest("/notes", routes); // GET /notes/v1/state, ..
//! # drop(app);
//! # } Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Only the log
//!
//! Beneath the store is a [`log`] that can be used alone, with the same durability: opaque payloads in, dense offsets out.
//!
//! ```
//! # let dir = tempfile::tempdir()?; let path = dir.path().join("events");
//! let log = redraft::log::Log::open(&path)?;
//! assert_eq!(log.append(b"ready")?, 0); // durable
//! assert_eq!(log.append_all(["steady", "go"])?, 1..3); // one sync for both
//! assert_eq!(log.submit(b"!")?.wait()?, 3..4);
//! assert_eq!(log.read(1)?, b"steady");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Patches without a store
//!
//! ```
//! use redraft::{apply, draft, value};
//! let base = value!({ "title": "plan" });
//! let drafted = draft(&base, |doc| doc["done"] = true.into())?;
//! assert_eq!(apply(&base, &drafted.patch)?.state, drafted.state);
//! assert_eq!(apply(&drafted.state, &drafted.inverse)?.state, base);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to go from here
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Store`], [`Options`], [`Commit`], [`Change`], [`Meta`]; [`Filter`], [`Touch`]; [`Reader`], [`Replica`], [`Mirror`], [`Backup`], [`Fork`]; [`Draft`], [`diff`], [`producer`] |
//! | [`collections`] | persistent collections for typed states |
//! | [`value`](mod@value) | [`Value`], its keys and paths |
//! | [`state`] | how Rust types are states, and how they show |
//! | [`patch`] | operations; inverting, squashing, merging; JSON forms |
//! | [`log`] | the log alone |
//! | [`replica`] | what replicas follow, and what goes over the wire |
//! | [`repair`] | what a repair does, step by step |
//! | `http` | a store over HTTP, with the feature of that name |
//! | `inspect` | a page to look into a store with, with the feature of that name |
//! | `jetstream` | the log on NATS JetStream, with the feature of that name |
//! | [`io`] | disk and clock behind traits, to test crashes of your own program |
//! | [`docs`] | the bytes on disk |
//!
//! # Crate features
//!
//! * `derive` (default): `#[derive(State)]` and `#[derive(MapKey)]`. Without it there is no macro crate and no syn to compile.
//! * `json` (default): values and patches as JSON text, `Display` of [`Value`]. Without it there is no serde_json; serde stays.
//! * `zstd` (default): compressed snapshots. Without it there is no C library to compile; snapshots are larger, and compressed
//!   ones are refused by name.
//! * `index` (default): questions about the history answered by an index. Without it there is no sled, and the same answers by a scan.
//! * `archive`: full segments and snapshots in object storage. Without it there is no asynchronous runtime to compile.
//! * `http`: a store over HTTP. Without it there is no axum, no rustls and no asynchronous runtime to compile.
//! * `inspect`: a page to look into a store with. Without it there is no page in the program.
//! * `jetstream`: the log on NATS JetStream, for who outgrows one machine. Without it there is no client of NATS to compile.
//! * `faults`: disks in memory that lose power and fail on purpose, `io::MemoryDisk` and `io::FaultDisk`.

// In the order the data flows; what stands lower uses what stands higher, never the other way.
mod error;
mod exchange;
pub mod io;
mod layout;
mod pack;

pub mod collections;
pub mod value;

mod op;
pub mod patch;
pub mod state;

mod cursors;
mod draft;
mod record;
mod rules;
mod segment;

mod history;
#[cfg(feature = "index")]
mod index;
pub mod log;
pub mod merge;
mod snapshot;

#[cfg(feature = "archive")]
mod archive;
mod backup;
mod fork;
mod store;

mod check;
mod redact;
pub mod repair;
pub mod replica;

#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "jetstream")]
pub mod jetstream;
#[cfg(any(feature = "http", feature = "jetstream"))]
mod trust;

#[cfg(feature = "archive")]
pub use archive::Archive;
pub use backup::Backup;
pub use check::{Report, verify};
pub use draft::{Draft, Drafted, Outcome, diff, draft, producer};
pub use error::{Damage, Defect, Error, ErrorKind, Occupant, Result, Role, UndoRefusal};
pub use fork::Fork;
pub use log::{Cut, Durability, RECORD_BYTES_MAX, StoreId};
pub use op::DraftError;
pub use patch::{Patch, apply, compose, invert, squash};
pub use record::{Change, DecodeError, Merged, Meta, Stamp, WriterId};
pub use redact::{Redacted, Redaction};
pub use repair::{Repair, Repaired};
pub use replica::{Mirror, Progress, Replica};

pub use state::State;
pub use store::{
    Bisected, Changes, Commit, Compaction, Filter, Life, Listening, Lookup, NoIndex, Opened, Options,
    Preview, Reader, Receipt, Retention, Reunion, SnapshotPolicy, SnapshotReport, Store, Ticket, Touch,
    Verdict,
};
pub use value::Value;

/// Pages that are longer than a crate page should be. There is nothing here to import.
#[cfg(doc)]
pub mod docs {
    #[doc = include_str!("segment/FORMAT.md")]
    pub mod format {}
}

/// Compiles the README's examples.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the guide's examples, chapter by chapter.
#[cfg(all(doctest, feature = "json", feature = "derive"))]
mod guide {
    #[doc = include_str!("../docs/guide/src/getting-started.md")]
    struct GettingStarted;
    #[doc = include_str!("../docs/guide/src/states.md")]
    struct States;
    #[doc = include_str!("../docs/guide/src/replicas.md")]
    struct Replicas;
    #[doc = include_str!("../docs/guide/src/offline.md")]
    struct Offline;
    #[doc = include_str!("../docs/guide/src/jetstream.md")]
    struct JetStream;
    #[doc = include_str!("../docs/guide/src/format.md")]
    struct Format;
    #[doc = include_str!("../docs/guide/src/alone.md")]
    struct Alone;
}
