//! What a program keeps in a store: the [`State`] trait, and its implementations for Rust's own types and for [`Value`].
//!
//! Between `value` (what a state looks like from outside) and `patch` (what changes it). A type says how it differs
//! from an older version of itself and how one operation is carried out; collecting, ordering and undoing are done
//! for all types alike, in [`Differ`] and in [`patch::apply`](crate::patch::apply). Never touches a disk.
//!
//! Always holds: a typed state and the document it shows as ([`State::to_value`]) agree under every operation, so that
//! tools which know nothing of the type read the same history. What only one of the two could do is an error.
//!
//! | Rust | shows as |
//! |---|---|
//! | `bool`, integers, floats | the same; `i128` and `u128` as decimal text |
//! | `char`, `String`, `Arc<str>`, [`Text`](crate::collections::Text) | string |
//! | `Arc<[u8]>` | bytes |
//! | `()` and unit structs | null |
//! | `Option<T>` | null, or what `T` shows as |
//! | `Box<T>`, `Arc<T>`, [`Shared<T>`], structs of one unnamed field | what the inner type shows as |
//! | [`Counter`] | integer; a change is `inc` |
//! | tuples, arrays, `Vec<T>`, [`List<T>`], tuple structs | list |
//! | maps | map, keys by [`MapKey`] |
//! | sets | map from element to null |
//! | [`KeyedList`] | `{"items": {key: item}, "order": [key]}` |
//! | structs | map from field name to field |
//! | enums | `"Unit"`, `{"Newtype": ..}`, `{"Tuple": [..]}`, `{"Struct": {..}}` |
//!
//! Collections of the standard library are compared element by element: a change costs their size, not its own. Those of
//! [`collections`](crate::collections) skip what two versions share: a change costs what it changed.
//!
//! [`Shared<T>`]: crate::collections::Shared
//! [`Counter`]: crate::collections::Counter
//! [`List<T>`]: crate::collections::List
//! [`KeyedList`]: crate::collections::KeyedList

#[doc(hidden)]
pub mod atomic;
mod counter;
#[doc(hidden)]
pub mod derived;
mod differ;
mod dynamic;
mod elements;
mod fills;
mod fixed;
mod key;
mod keyed_list;
mod list;
mod map;
mod pointer;
#[doc(hidden)]
pub mod rest;
mod rope;
mod scalar;
mod sequence;
mod set;
mod text;
mod whole;

pub use crate::op::{StateError, StateErrorKind};
pub use differ::Differ;
pub(crate) use fills::watch;
pub use key::MapKey;
pub(crate) use keyed_list::watch_orders;
pub use pointer::NeverNull;
#[cfg(feature = "derive")]
pub use redraft_derive::{MapKey, State};
pub(crate) use sequence::hunks;

use crate::op::{Action, ApplyErrorKind};
use crate::rules::Places;
use crate::value::{Segment, Value};

/// A type that can be the state of a store, or a part of one.
///
/// Usually derived. Structs and enums of types that implement it become maps with `#[derive(State)]`; these attributes
/// change what a field or variant does:
///
/// | attribute | on | effect |
/// |---|---|---|
/// | `#[state(rename = "..")]` | field, variant | another name outside |
/// | `#[state(default)]` | named field | when missing, `Default::default()`; `default = "path"` calls `path()` |
/// | `#[state(skip)]` | named field | not recorded: kept by operations on the struct and beneath it, `Default` when what holds the struct, or an enum itself, is read or replaced |
/// | `#[state(atomic)]` | field | one leaf, through serde, for types that are no `State` |
/// | `#[state(rest)]` | named field of a struct | a map that keeps what no other field is there for; without one, an unknown field is an error |
/// | `#[state(schema = 3, migrate = "path")]` | type of the whole state | its schema; `path(from, &mut document)` leads from each one to the next |
/// | `#[merge(counter)]`, ... | field | what is done where changes to it meet: a [policy](crate::merge::Policy), as `last_written`, `max`, `text`; see [`Rules::of`](crate::merge::Rules::of) |
/// | `#[merge(custom = "name", version = 1)]` | field | the same, by a function of the program |
/// | `#[merge(on_deleted = "restore")]` | field | what becomes of changes beneath something in it that was taken away: `drop`, `restore` or `reject` |
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use redraft::{State, apply, diff, value};
/// use std::collections::BTreeMap;
///
/// #[derive(Clone, Debug, Default, State)]
/// struct Board {
///     title: String,
///     cards: BTreeMap<u64, Card>,
/// }
///
/// #[derive(Clone, Debug, State)]
/// struct Card {
///     text: String,
///     stage: Stage,
/// }
///
/// #[derive(Clone, Debug, State)]
/// enum Stage {
///     Open,
///     Done { by: String },
/// }
///
/// let old = Board::default();
/// let mut new = old.clone();
/// new.cards.insert(7, Card { text: "ship it".into(), stage: Stage::Open });
/// let (patch, inverse) = diff(&old, &new).unwrap();
/// assert_eq!(patch[0].path.to_string(), "/cards/7");
/// let applied = apply(&old, &patch).unwrap().state;
/// assert_eq!(applied.to_value(), value!({ "title": "", "cards": { 7: { "text": "ship it", "stage": "Open" } } }));
/// # }
/// ```
///
/// # Schemas
///
/// When a type changes so that it shows differently, its schema is raised, and a function takes documents from each schema to
/// the next. It may return nothing or a `Result`. Opening a store whose state is of an older schema migrates it, in one change
/// that the history shows; older versions stay as they are, and are migrated in memory when they are read. A program whose type
/// is of an older schema than the state is refused ([`Error::NewerSchema`](crate::Error::NewerSchema)).
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use redraft::{State, Store, Value, value};
/// use std::collections::BTreeMap;
///
/// #[derive(Clone, Debug, Default, State)]
/// #[state(schema = 3, migrate = "step")]
/// struct Board {
///     name: String, // `title`, until schema 2
///     cards: Vec<String>, // one text of several lines, in schema 1
///     #[state(rest)]
///     rest: BTreeMap<String, Value>, // what plugins keep here
/// }
///
/// fn step(from: u32, board: &mut Value) -> Result<(), String> {
///     match from {
///         1 => {
///             let lines = board["cards"].as_str().ok_or("cards are no text")?;
///             board["cards"] = lines.lines().map(Value::from).collect();
///         }
///         _ => {
///             let fields = board.as_map_mut().ok_or("no board")?;
///             let title = fields.remove("title").ok_or("no title")?;
///             fields.insert("name", title);
///         }
///     }
///     Ok(())
/// }
///
/// # let dir = tempfile::tempdir().unwrap(); let path = dir.path();
/// let old = Store::<Value>::open(path).unwrap();
/// old.produce(|board| *board = value!({ "title": "plan", "cards": "ship\nrest", "color": "red" })).unwrap();
/// old.close().unwrap();
///
/// let board = Store::<Board>::open(path).unwrap();
/// assert_eq!(board.state().cards, ["ship", "rest"]);
/// assert_eq!(board.state().rest["color"].as_str(), Some("red"));
/// assert_eq!((board.opened().migrated_from, board.schema(), board.version()), (Some(1), 3, 2));
/// # }
/// ```
///
/// A recipe that changes nothing but skipped fields changes nothing: a store goes on with the state it had.
///
/// # Laws
///
/// Property tests hold every implementation to these:
/// * applying what [`diff_from`](Self::diff_from) found to the old state gives the new one; applying the inverse leads back;
/// * an [`apply`](Self::apply) that fails may leave `self` in any state (it is always given a copy), one that succeeds
///   returns what restores the old state exactly;
/// * [`from_value`](Self::from_value) reads what [`to_value`](Self::to_value) shows;
/// * an operation that `apply` carries out does to the `Value` shown before what it did to the state: the outcome shows
///   as the same `Value`, but for missing fields that were filled in.
///
/// A store needs `Default` besides, for the state before the first change. After that the state is what `from_value` reads from what is
/// logged, at every version and whoever wrote it.
///
/// A state is walked by recursion. What is recorded is never nested deeper than 128, but a program that builds
/// something much deeper in memory may run out of stack before that is noticed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a store",
    label = "does not implement `State`",
    note = "put `#[derive(State)]` on it, or `#[state(atomic)]` on the field if the type implements serde's traits"
)]
pub trait State: Clone + Send + Sync + Sized + 'static {
    /// Whether there is never an inside to look into. Of a list of such elements, neighbours that changed are written as
    /// one stretch; of others, each by what changed inside.
    const LEAF: bool = false;

    /// Which schema this type is of: raised by one whenever what it shows as changes, so that states recorded before are
    /// [migrated](Self::migrate). What is recorded without a number is of schema 1. Looked at on the type of the whole state only.
    ///
    /// 0 is for types that take any document as it is, as [`Value`] does: they read every schema, and what they write goes on
    /// being of the one that is there.
    const SCHEMA: u32 = 1;

    /// Brings a document of schema `from` to schema `from + 1`. Called for every step from the schema of what is recorded up to
    /// [`SCHEMA`](Self::SCHEMA), when a store is opened and when an older version is read.
    ///
    /// # Errors
    /// Whatever keeps the document from being migrated; then the store is not opened, and stays as it is. Unless this is
    /// implemented, there is no way from any schema.
    fn migrate(from: u32, document: &mut Value) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let _ = document;
        Err(format!("the type has no migration from schema {from}").into())
    }

    /// Tells `out` what turns `old` into `self`.
    ///
    /// Subtrees that both share must be skipped by identity before anything is compared: the cost is to follow the
    /// number of changes, not the size of the state.
    fn diff_from(&self, old: &Self, out: &mut Differ);

    /// Carries out one operation and returns the one that undoes it, at the same path.
    ///
    /// # Errors
    /// What does not fit; see [`ApplyErrorKind`].
    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind>;

    /// Whether both show as the same [`Value`]: floats by bits, all NaN being one. Asks identity before content.
    fn same(&self, other: &Self) -> bool;

    /// The state as a self-describing value, as tools and snapshots see it.
    fn to_value(&self) -> Value;

    /// The state that [`to_value`](Self::to_value) described.
    ///
    /// # Errors
    /// [`StateError`] when the value is not one of this type.
    fn from_value(value: Value) -> Result<Self, StateError>;

    /// Says what is to be done where changes meet that were made at the same time, for the parts of the type; nothing, unless
    /// something was said by `#[merge(..)]`. [`Rules::of`](crate::merge::Rules::of) collects it.
    fn rules(places: &mut Places) {
        let _ = places;
    }

    /// Whether both are surely the same, found out without looking deep: what this says no to may still be the same. Asked
    /// to find the elements of two lists that are worth comparing.
    fn shares(&self, old: &Self) -> bool {
        self.same(old)
    }

    /// Whether this is likely a later version of `old`, in whose place in a list it stands, and not another thing: then
    /// what changed inside says more than the whole. Asked of elements that differ.
    fn faces(&self, _old: &Self) -> bool {
        !Self::LEAF
    }

    /// A hash that costs O(1), for telling many elements of lists apart without looking deep. States that are the
    /// [`same`](Self::same) must have the same one.
    fn fingerprint(&self) -> u64 {
        0
    }
}
