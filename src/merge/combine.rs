//! Making one value of three: what both started from, what is there now, and what came in.
//!
//! For the policies by which both have their way. Leaves finding out that something met to `resolve`, and putting what comes out to
//! `extra`. Always: without `Custom`, equal arguments give equal answers, and one side having changed nothing gives the other.

use super::function::{Conflict, Decision, Functions};
use super::text::merged as merged_text;
use crate::record::Refusal;
use crate::rules::{Policy, Rules};
use crate::value::{Key, Map, Path, Segment, Value};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The three values of one place; nothing where there is nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Three<'v> {
    pub(super) base: Option<&'v Value>,
    pub(super) head: Option<&'v Value>,
    pub(super) theirs: Option<&'v Value>,
}

/// A submission is refused, and why.
pub(super) type Refused = (Refusal, String);

/// Who decides, and about whom.
pub(super) struct Combiner<'c> {
    pub(super) rules: &'c Rules,
    pub(super) functions: &'c Functions,
    /// Whether what came in was written later than what it met.
    pub(super) is_newer: bool,
}

impl Combiner<'_> {
    /// What is to be at a place, by the rule that holds there. Where a policy does not fit what is there, what came in last counts.
    pub(super) fn combine(&self, place: &Path, three: Three<'_>) -> Result<Option<Value>, Refused> {
        let Three { base, head, theirs } = three;
        if theirs == base {
            return Ok(head.cloned());
        }
        if head == base {
            return Ok(theirs.cloned());
        }
        let policy = self.rules.policy(place.as_slice()).0;
        // Two who counted equally far have counted twice.
        if theirs == head && *policy != Policy::Counter {
            return Ok(head.cloned());
        }
        let made = match policy {
            Policy::FirstWins => return Ok(head.cloned()),
            Policy::LastWritten if !self.is_newer => return Ok(head.cloned()),
            Policy::Counter => counted(three),
            Policy::Max => chosen(three, Ordering::Greater),
            Policy::Min => chosen(three, Ordering::Less),
            Policy::AddWins => head.and(theirs).or(head).or(theirs).cloned(),
            Policy::RemoveWins if head.is_none() => return Ok(None),
            Policy::Text => texts(three),
            Policy::Deep => return self.deep(place, three),
            Policy::Custom { name, version } => return self.custom(name, *version, place, three),
            _ => None,
        };
        Ok(made.or_else(|| theirs.cloned()))
    }

    /// Maps, key by key; what one side took away is gone if the other has not changed it.
    fn deep(&self, place: &Path, three: Three<'_>) -> Result<Option<Value>, Refused> {
        let map = |value: Option<&Value>| value.and_then(Value::as_map).cloned();
        let (Some(head), Some(theirs)) = (map(three.head), map(three.theirs)) else {
            return Ok(three.theirs.cloned());
        };
        let base = map(three.base).unwrap_or_default();
        let keys: BTreeSet<&Key> = head.keys().chain(theirs.keys()).collect();
        let mut made = Map::default();
        for key in keys {
            let of = Three { base: base.get(key), head: head.get(key), theirs: theirs.get(key) };
            if let Some(value) = self.beneath(&place.child(Segment::Key(key.clone())), of)? {
                made.insert(key.clone(), value);
            }
        }
        Ok(Some(Value::Map(made)))
    }

    /// Who takes away wins, but against a rule that says otherwise.
    fn beneath(&self, place: &Path, three: Three<'_>) -> Result<Option<Value>, Refused> {
        let is_taken_away = three.base.is_some() && (three.head.is_none() || three.theirs.is_none());
        match self.rules.policy(place.as_slice()).0 {
            Policy::Deep if is_taken_away => Ok(None),
            _ => self.combine(place, three),
        }
    }

    fn custom(
        &self,
        name: &str,
        version: u32,
        place: &Path,
        three: Three<'_>,
    ) -> Result<Option<Value>, Refused> {
        let Three { base, head, theirs } = three;
        let is_newer = self.is_newer;
        match self.functions.decide(name, version, &Conflict { path: place, base, head, theirs, is_newer })? {
            Decision::Keep => Ok(head.cloned()),
            Decision::Take => Ok(theirs.cloned()),
            Decision::Value(value) => Ok(Some(value)),
            Decision::Remove => Ok(None),
            Decision::Reject(why) => Err((Refusal::Function, format!("at \"{place}\": {why}"))),
        }
    }
}

/// What is there, and what the submission has added to what it started from.
fn counted(three: Three<'_>) -> Option<Value> {
    let whole = |value: Option<&Value>| value.map_or(Some(0), integer);
    let sum = whole(three.head)? + whole(three.theirs)? - whole(three.base)?;
    three.theirs?;
    i64::try_from(sum).map(Value::from).or_else(|_| u64::try_from(sum).map(Value::from)).ok()
}

fn integer(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

fn chosen(three: Three<'_>, wanted: Ordering) -> Option<Value> {
    let (head, theirs) = (three.head?, three.theirs?);
    let order = match (integer(theirs), integer(head)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => match (theirs.as_f64(), head.as_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => theirs.as_str()?.cmp(head.as_str()?),
        },
    };
    Some(if order == wanted { theirs } else { head }.clone())
}

fn texts(three: Three<'_>) -> Option<Value> {
    let text =
        |value: Option<&Value>| value.map_or(Some(String::new()), |value| value.as_str().map(str::to_owned));
    three.theirs?;
    let merged = merged_text(&text(three.base)?, &text(three.head)?, &text(three.theirs)?);
    Some(Value::from(merged.as_str()))
}
