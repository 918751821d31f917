//! One change as bytes: the border between patches, which are meaning, and the log, which is bytes.
//!
//! [`Change`] is what one record says: what was done, by whom, when and to which version. Its layout is in
//! `segment/FORMAT.md`, "Record body". Leaves framing, checksums and order to `segment` and `log`.
//!
//! Always: decoding what was encoded gives it back; anything else is refused, with the byte and the reason.

pub(crate) mod ledger;
mod merged;
pub(crate) mod value;
pub(crate) mod wire;

pub(crate) use ledger::Ledger;
pub use merged::{Merged, Note, Outcome, Refusal, Resolution};
pub use wire::DecodeError;

#[cfg(test)]
mod tests;

use crate::layout::{StoreId, u64_at};
use crate::op::Patch;
use crate::rules::Rules;
use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;
use wire::{Sink, Source};

mod field {
    pub(super) const LABEL: u8 = 1;
    pub(super) const AT: u8 = 2;
    pub(super) const UNDOES: u8 = 4;
    pub(super) const TAGS: u8 = 8;
    pub(super) const BACK: u8 = 16;
    /// The writer is not the one the store is home to.
    pub(super) const WRITER: u8 = 32;
    /// The writer has not made all changes so far.
    pub(super) const SEQUENCE: u8 = 64;
    /// There is a second byte of these, behind the clock.
    pub(super) const MORE: u8 = 128;
}

/// Those of the second byte.
mod more {
    pub(super) const SCHEMA: u8 = 1;
    /// From this change on its writer is the one the store is home to.
    pub(super) const FORK: u8 = 2;
    pub(super) const RULES: u8 = 4;
    pub(super) const MERGED: u8 = 8;
    pub(super) const ALL: u8 = 15;
}

/// A hybrid logical clock reading: milliseconds since 1970 (48 bits) and a counter (16 bits).
///
/// It never runs backwards along a log, whatever the machine's clock does. It is told to people and compared between
/// writers; order in a log is the version, not the time. After Kulkarni et al., "Logical Physical Clocks", OPODIS 2014.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub(crate) u64);

impl Stamp {
    const COUNTER_BITS: u32 = 16;

    /// The reading that follows `self` when the machine's clock says `now_ms`.
    pub(crate) fn next(self, now_ms: u64) -> Stamp {
        let now = now_ms.min(u64::MAX >> Self::COUNTER_BITS) << Self::COUNTER_BITS;
        Stamp(now.max(self.0.saturating_add(1)))
    }

    /// The first reading of a millisecond since 1970: for what was written by a clock of one's own. O(1).
    pub fn of_ms(ms: u64) -> Stamp {
        Stamp(ms.min(u64::MAX >> Self::COUNTER_BITS) << Self::COUNTER_BITS)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn millis(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }

    /// The same, as a caller gives a time.
    pub(crate) fn at_ms(self) -> i64 {
        i64::try_from(self.millis()).unwrap_or(i64::MAX)
    }

    /// What tells readings of the same millisecond apart.
    pub fn counter(self) -> u16 {
        self.0 as u16
    }
}

/// Identifies who makes changes. A store's own is derived from its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId(pub(crate) u64);

impl WriterId {
    /// The writer that the store of this identity is home to.
    pub(crate) fn of(store: StoreId) -> Self {
        Self(u64_at(store.as_bytes(), 0))
    }
}

/// Reads what it displays as: 16 hexadecimal digits.
impl FromStr for WriterId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a caller says about a change, besides the change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// A short text for people: what this change is about.
    pub label: Option<String>,
    /// When it happened, in milliseconds since 1970, if that is not when it was recorded: imported history, for example.
    pub at_ms: Option<i64>,
    /// Anything else, as names and texts.
    pub tags: BTreeMap<String, String>,
}

impl Meta {
    /// Only a label.
    pub fn label(text: impl Into<String>) -> Meta {
        Meta { label: Some(text.into()), ..Meta::default() }
    }

    /// The same with one more tag; one of the same name is replaced.
    ///
    /// ```
    /// use redraft::Meta;
    ///
    /// let meta = Meta::label("transfer").tag("teller", "counter").tag("order", "ann -> ben 5");
    /// assert_eq!(meta.tags["teller"], "counter");
    /// ```
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, text: impl Into<String>) -> Meta {
        self.tags.insert(name.into(), text.into());
        self
    }
}

/// One change of the history: it turned version `version - 1` into `version`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The version this change made. Its offset in the log is one less.
    pub version: u64,
    /// The version the change was made against; `version - 1` unless it was merged.
    pub base: u64,
    /// Who made it.
    pub writer: WriterId,
    /// The writer's own count, from 1, without gaps.
    pub sequence: u64,
    /// When it was recorded.
    pub stamp: Stamp,
    /// What the caller said about it.
    pub meta: Meta,
    /// The version whose change this one takes back, if it is an undo.
    pub undoes: Option<u64>,
    /// The schema of the state from this version on, where it is another than before: the change is a migration, or the first
    /// one of a type that begins with another schema than 1.
    pub schema: Option<u32>,
    /// Whether the history goes on beside the one it was forked from: its writer makes the store's own changes from here on.
    pub is_fork: bool,
    /// What is done from this version on where changes meet, where that is something else than before.
    pub rules: Option<Arc<Rules>>,
    /// What became of it, if it was submitted by a writer elsewhere or was made on an older version.
    pub merged: Option<Box<Merged>>,
    /// What was changed.
    pub patch: Patch,
}

impl Patch {
    /// The patch in the form in which records hold it (`src/segment/FORMAT.md`, "Record body"): no length and no checksum
    /// of its own. One patch has one encoding. O(size).
    ///
    /// ```
    /// use redraft::{Patch, diff, value};
    ///
    /// let (patch, _) = diff(&value!({ "votes": 1 }), &value!({ "votes": 2 }))?;
    /// let bytes = patch.to_bytes();
    /// assert!(bytes.len() < 16);
    /// assert_eq!(Patch::from_bytes(&bytes).unwrap(), patch);
    /// # Ok::<(), redraft::DraftError>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        value::put_patch(&mut Sink::new(&mut bytes), self);
        bytes
    }

    /// The patch that [`to_bytes`](Self::to_bytes) wrote. Never allocates more than a small multiple of the input. O(size).
    ///
    /// # Errors
    /// [`DecodeError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        value::take_patch(&mut Source::new(bytes))
    }
}

impl Change {
    /// A change of nothing that says nothing more than who made it, when, and after what.
    pub(crate) fn of(writer: WriterId, sequence: u64, version: u64, stamp: Stamp) -> Change {
        Change {
            version,
            base: version.saturating_sub(1),
            writer,
            sequence,
            stamp,
            meta: Meta::default(),
            undoes: None,
            schema: None,
            is_fork: false,
            rules: None,
            merged: None,
            patch: Patch::new(),
        }
    }

    /// The position of this change in the log.
    pub fn offset(&self) -> u64 {
        self.version.saturating_sub(1)
    }

    /// Whether this change brought a state that was there to another schema. Changes before it were made under the older one.
    /// O(1).
    pub fn is_migration(&self) -> bool {
        self.schema.is_some() && self.version > 1
    }

    /// When it happened, in milliseconds since 1970: what the caller said, or else when it was recorded.
    pub fn time_ms(&self) -> i64 {
        self.meta.at_ms.unwrap_or_else(|| self.stamp.at_ms())
    }

    /// Appends the body of the record. What is as it is where one program alone writes its store takes no room: `home`
    /// is that writer.
    pub(crate) fn encode(&self, home: WriterId, out: &mut Vec<u8>) {
        let fields = self.fields(home);
        let mut sink = Sink::new(out);
        sink.byte(fields);
        sink.fixed(self.stamp.0);
        if fields & field::MORE != 0 {
            sink.byte(self.more());
        }
        if fields & field::WRITER != 0 {
            sink.fixed(self.writer.0);
        }
        if fields & field::SEQUENCE != 0 {
            sink.uint(self.sequence);
        }
        self.meta.label.iter().for_each(|label| sink.text(label));
        self.meta.at_ms.iter().for_each(|at| sink.sint(*at));
        self.undoes.iter().for_each(|version| sink.uint(*version));
        if !self.meta.tags.is_empty() {
            put_tags(&mut sink, &self.meta.tags);
        }
        if self.back() > 0 {
            sink.uint(self.back());
        }
        self.schema.iter().for_each(|schema| sink.uint((*schema).into()));
        self.rules.iter().for_each(|rules| ledger::put_rules(rules, &mut sink));
        self.merged.iter().for_each(|merged| merged.put(self.version, &mut sink));
        value::put_patch(&mut sink, &self.patch);
    }

    /// How many versions the one the change was made against lies before the one it was applied to.
    fn back(&self) -> u64 {
        self.offset().saturating_sub(self.base)
    }

    fn fields(&self, home: WriterId) -> u8 {
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        bit(self.meta.label.is_some(), field::LABEL)
            | bit(self.meta.at_ms.is_some(), field::AT)
            | bit(self.undoes.is_some(), field::UNDOES)
            | bit(!self.meta.tags.is_empty(), field::TAGS)
            | bit(self.back() > 0, field::BACK)
            | bit(self.writer != home, field::WRITER)
            | bit(self.sequence != self.version, field::SEQUENCE)
            | bit(self.more() != 0, field::MORE)
    }

    fn more(&self) -> u8 {
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        bit(self.schema.is_some(), more::SCHEMA)
            | bit(self.is_fork, more::FORK)
            | bit(self.rules.is_some(), more::RULES)
            | bit(self.merged.is_some(), more::MERGED)
    }

    /// When the change in this body was recorded; nothing else of it is looked at.
    pub(crate) fn stamp_in(body: &[u8]) -> Option<Stamp> {
        let bytes = body.get(1..)?.first_chunk()?;
        Some(Stamp(u64::from_le_bytes(*bytes)))
    }

    /// Decodes the body of the record at `offset`.
    pub(crate) fn decode(home: WriterId, offset: u64, body: &[u8]) -> Result<Change, DecodeError> {
        let mut source = Source::new(body);
        let opening = Change::take_all_but_patch(home, offset, &mut source)?;
        opening.with_patch(source)
    }

    /// The same, if the change is `wanted`, which is asked before there is a patch.
    pub(crate) fn decode_if(
        home: WriterId,
        offset: u64,
        body: &[u8],
        wanted: impl FnOnce(&Change) -> bool,
    ) -> Result<Option<Change>, DecodeError> {
        let mut source = Source::new(body);
        let opening = Change::take_all_but_patch(home, offset, &mut source)?;
        if wanted(&opening) { opening.with_patch(source).map(Some) } else { Ok(None) }
    }

    fn with_patch(self, mut source: Source<'_>) -> Result<Change, DecodeError> {
        let patch = value::take_patch(&mut source)?;
        source.finish()?;
        Ok(Change { patch, ..self })
    }

    fn take_all_but_patch(
        home: WriterId,
        offset: u64,
        source: &mut Source<'_>,
    ) -> Result<Change, DecodeError> {
        let fields = source.byte()?;
        let has = |bit: u8| fields & bit != 0;
        let version =
            offset.checked_add(1).ok_or_else(|| source.flaw("beyond the last version there can be"))?;
        let stamp = Stamp(source.fixed()?);
        let more = if has(field::MORE) { take_more(source)? } else { 0 };
        let also = |bit: u8| more & bit != 0;
        let writer = if has(field::WRITER) { WriterId(source.fixed()?) } else { home };
        let sequence = if has(field::SEQUENCE) { source.uint()? } else { version };
        if has(field::WRITER) && writer == home || has(field::SEQUENCE) && sequence == version {
            return Err(source.flaw("a writer or sequence number that need not be written"));
        }
        let label = has(field::LABEL).then(|| source.text().map(String::from)).transpose()?;
        let at_ms = has(field::AT).then(|| source.sint()).transpose()?;
        let undoes = has(field::UNDOES).then(|| source.uint()).transpose()?;
        let tags = if has(field::TAGS) { take_tags(source)? } else { BTreeMap::new() };
        let back = if has(field::BACK) { source.uint()? } else { 0 };
        if has(field::BACK) && back == 0 {
            return Err(source.flaw("a base that need not be written"));
        }
        let base = offset.checked_sub(back).ok_or_else(|| source.flaw("a base before the first version"))?;
        let schema = also(more::SCHEMA).then(|| take_schema(source)).transpose()?;
        let rules = also(more::RULES).then(|| ledger::take_rules(source)).transpose()?.map(Arc::new);
        let merged = also(more::MERGED).then(|| Merged::take(version, source)).transpose()?.map(Box::new);
        let (meta, is_fork, patch) = (Meta { label, at_ms, tags }, also(more::FORK), Patch::new());
        Ok(Change {
            version,
            base,
            writer,
            sequence,
            stamp,
            meta,
            undoes,
            schema,
            is_fork,
            rules,
            merged,
            patch,
        })
    }
}

/// The second byte of fields, which is there only if it says something.
fn take_more(source: &mut Source<'_>) -> Result<u8, DecodeError> {
    match source.byte()? {
        0 => Err(source.flaw("a second byte of fields that need not be written")),
        fields if fields & !more::ALL != 0 => Err(source.flaw("unknown fields")),
        fields => Ok(fields),
    }
}

/// A state begins with schema 1, so a change that says which one it is says another.
fn take_schema(source: &mut Source<'_>) -> Result<u32, DecodeError> {
    let schema = u32::try_from(source.uint()?).ok().filter(|&schema| schema > 1);
    schema.ok_or_else(|| source.flaw("a schema that need not be written, or cannot be"))
}

fn put_tags<'s>(sink: &mut Sink<'_, 's>, tags: &'s BTreeMap<String, String>) {
    sink.uint(tags.len() as u64);
    for (name, text) in tags {
        sink.text(name);
        sink.text(text);
    }
}

fn take_tags(source: &mut Source<'_>) -> Result<BTreeMap<String, String>, DecodeError> {
    let count = source.count()?;
    if count == 0 {
        return Err(source.flaw("an empty list of tags"));
    }
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..count {
        let name = source.text()?;
        if tags.last_key_value().is_some_and(|(last, _)| last.as_str() >= name) {
            return Err(source.flaw("tags are not in order"));
        }
        tags.insert(name.into(), source.text()?.into());
    }
    Ok(tags)
}
