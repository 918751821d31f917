//! A submission as bytes: on its way to who merges it, and waiting for that on a disk.
//!
//! The parts are those of a record body (`segment/FORMAT.md`), with a check of their own behind. Always: what was encoded comes back;
//! anything else is refused, with the byte and the reason.

use super::submission::{Call, Guard, Submission, Withdrawn};
use super::trail::Seen;
use crate::layout::{checksum, u32_at};
use crate::op::Patch;
use crate::record::value::{put_patch, put_value, take_value};
use crate::record::wire::{DecodeError, Sink, Source};
use crate::record::{Meta, Stamp, WriterId};
use crate::value::{Pointer, Value};

/// The first byte: a form that says more gets another one.
const FORM: u8 = 1;
const CHECK_BYTES: usize = 4;
/// Most submissions fit into this many bytes; larger ones grow the buffer.
const USUAL_BYTES: usize = 256;

mod part {
    pub(super) const BY: u8 = 1;
    pub(super) const WRITTEN: u8 = 2;
    pub(super) const LABEL: u8 = 4;
    pub(super) const AT: u8 = 8;
    pub(super) const CALL: u8 = 16;
    pub(super) const WHOLE: u8 = 32;
    pub(super) const WITHDRAWN: u8 = 64;
    /// Its writer gives it up, and shows nothing of it.
    pub(super) const UNSEEN: u8 = 128;
}

mod guard {
    pub(super) const TEST: u8 = 0;
    pub(super) const UNCHANGED: u8 = 1;
}

impl Submission {
    /// The submission as bytes, with a check. O(size).
    ///
    /// ```
    /// use redraft::merge::Submission;
    /// use redraft::{diff, value};
    ///
    /// let (patch, _) = diff(&value!({}), &value!({ "title": "plan" }))?;
    /// let submission = Submission::new(7, patch).label("a title");
    /// assert_eq!(Submission::from_bytes(&submission.to_bytes()), Ok(submission));
    /// # Ok::<(), redraft::DraftError>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        self.append_to(&mut bytes);
        bytes
    }

    /// The same, behind what is there.
    pub(crate) fn append_to(&self, bytes: &mut Vec<u8>) {
        let first = bytes.len();
        self.put(&mut Sink::new(bytes));
        let check = checksum(0, &[&bytes[first..]]);
        bytes.extend(check.to_le_bytes());
    }

    fn put<'s>(&'s self, sink: &mut Sink<'_, 's>) {
        sink.byte(FORM);
        sink.byte(self.parts());
        sink.uint(self.base);
        self.by.iter().for_each(|(writer, sequence)| {
            sink.fixed(writer.0);
            sink.uint(*sequence);
        });
        self.written.iter().for_each(|written| sink.fixed(written.0));
        self.meta.label.iter().for_each(|label| sink.text(label));
        self.meta.at_ms.iter().for_each(|at| sink.sint(*at));
        sink.uint(self.meta.tags.len() as u64);
        for (name, text) in &self.meta.tags {
            sink.text(name);
            sink.text(text);
        }
        self.call.iter().for_each(|call| {
            sink.text(&call.name);
            put_alone(sink, &call.args);
        });
        self.withdrawn().iter().for_each(|why| sink.text(why));
        sink.uint(self.guards.len() as u64);
        self.guards.iter().for_each(|guard| put_guard(sink, guard));
        sink.apart(|sink| put_patch(sink, &self.patch));
    }

    fn parts(&self) -> u8 {
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        bit(self.by.is_some(), part::BY)
            | bit(self.written.is_some(), part::WRITTEN)
            | bit(self.meta.label.is_some(), part::LABEL)
            | bit(self.meta.at_ms.is_some(), part::AT)
            | bit(self.call.is_some(), part::CALL)
            | bit(self.all_or_nothing, part::WHOLE)
            | bit(self.withdrawn.is_some(), part::WITHDRAWN)
            | bit(self.is_unseen(), part::UNSEEN)
    }

    /// The submission that [`to_bytes`](Self::to_bytes) wrote. Never allocates more than a small multiple of the input. O(size).
    ///
    /// # Errors
    /// [`DecodeError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let flaw = |reason| DecodeError { byte: bytes.len(), reason };
        let end = bytes.len().checked_sub(CHECK_BYTES).ok_or_else(|| flaw("too short for a check"))?;
        if u32_at(bytes, end) != checksum(0, &[&bytes[..end]]) {
            return Err(flaw("the check is that of something else"));
        }
        let mut source = Source::new(&bytes[..end]);
        let submission = Submission::take(&mut source)?;
        source.finish()?;
        Ok(submission)
    }

    fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
        if source.byte()? != FORM {
            return Err(source.flaw("a form that only a newer redraft knows"));
        }
        let parts = source.byte()?;
        let has = |bit: u8| parts & bit != 0;
        let base = source.uint()?;
        let by = has(part::BY).then(|| Ok((WriterId(source.fixed()?), source.uint()?))).transpose()?;
        let written = has(part::WRITTEN).then(|| source.fixed().map(Stamp)).transpose()?;
        let meta = take_meta(source, has(part::LABEL), has(part::AT))?;
        let call = has(part::CALL).then(|| take_call(source)).transpose()?;
        let is_shown = !has(part::UNSEEN);
        if !is_shown && !has(part::WITHDRAWN) {
            return Err(source.flaw("a change that is not given up and not shown"));
        }
        let withdrawn = has(part::WITHDRAWN).then(|| source.text().map(str::to_owned)).transpose()?;
        let withdrawn = withdrawn.map(|why| Withdrawn { why, is_shown });
        let count = source.count()?;
        let guards = (0..count).map(|_| take_guard(source)).collect::<Result<_, _>>()?;
        let patch = Patch::from_bytes(source.bytes()?)?;
        Ok(Submission {
            base,
            by,
            written,
            patch,
            meta,
            guards,
            all_or_nothing: has(part::WHOLE),
            call,
            withdrawn,
            seen: Seen::default(),
        })
    }
}

fn take_meta(source: &mut Source<'_>, has_label: bool, has_at: bool) -> Result<Meta, DecodeError> {
    let label = has_label.then(|| source.text().map(str::to_owned)).transpose()?;
    let at_ms = has_at.then(|| source.sint()).transpose()?;
    let mut meta = Meta { label, at_ms, ..Meta::default() };
    for _ in 0..source.count()? {
        let name = source.text()?.to_owned();
        meta.tags.insert(name, source.text()?.to_owned());
    }
    Ok(meta)
}

fn take_call(source: &mut Source<'_>) -> Result<Call, DecodeError> {
    Ok(Call { name: source.text()?.to_owned(), args: take_alone(source)? })
}

fn put_guard(sink: &mut Sink<'_, '_>, guard: &Guard) {
    match guard {
        Guard::Test { place, value } => {
            sink.byte(guard::TEST);
            sink.text(&place.to_string());
            put_alone(sink, value);
        }
        Guard::Unchanged { place } => {
            sink.byte(guard::UNCHANGED);
            sink.text(&place.to_string());
        }
    }
}

fn take_guard(source: &mut Source<'_>) -> Result<Guard, DecodeError> {
    let kind = source.byte()?;
    let place = Pointer::parse(source.text()?).map_err(|_| source.flaw("a place that is no JSON Pointer"))?;
    match kind {
        guard::TEST => Ok(Guard::Test { place, value: take_alone(source)? }),
        guard::UNCHANGED => Ok(Guard::Unchanged { place }),
        _ => Err(source.flaw("an unknown guard")),
    }
}

/// A value whose texts are numbered by themselves.
fn put_alone(sink: &mut Sink<'_, '_>, value: &Value) {
    let mut bytes = Vec::new();
    put_value(&mut Sink::new(&mut bytes), value);
    sink.bytes(&bytes);
}

fn take_alone(source: &mut Source<'_>) -> Result<Value, DecodeError> {
    let mut inner = Source::new(source.bytes()?);
    let value = take_value(&mut inner)?;
    inner.finish()?;
    Ok(value)
}
