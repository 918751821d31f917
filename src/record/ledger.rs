//! [`Ledger`]: what must be known of a history, besides its state, to go on with it: who came how far, who is at home, which rules
//! hold.
//!
//! Grows by the changes alone, so that every replica has the same one; every snapshot holds it. Always: of each writer the newest
//! sequence number is known, for ever.

use super::merged::{put_policy, take_policy};
use super::wire::{DecodeError, Sink, Source};
use super::{Change, WriterId};
use crate::rules::{OnDeleted, Pattern, Rules};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What changes say of their writers and of what holds for those that come after them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// The newest sequence number of each writer.
    pub(crate) sequences: BTreeMap<WriterId, u64>,
    /// Who makes the store's own changes since it was forked; nothing if it never was.
    pub(crate) home: Option<WriterId>,
    /// What is done where changes meet.
    pub(crate) rules: Arc<Rules>,
}

impl Ledger {
    /// Takes note of a change.
    pub(crate) fn enter(&mut self, change: &Change) {
        self.sequences.insert(change.writer, change.sequence);
        if change.is_fork {
            self.home = Some(change.writer);
        }
        if let Some(rules) = &change.rules {
            self.rules = Arc::clone(rules);
        }
    }

    /// The newest sequence number of a writer; 0 if it has none.
    pub(crate) fn sequence_of(&self, writer: WriterId) -> u64 {
        self.sequences.get(&writer).copied().unwrap_or(0)
    }

    /// Whether there is more in it than sequence numbers.
    pub(crate) fn says_more(&self) -> bool {
        self.home.is_some() || !self.rules.is_empty()
    }

    pub(crate) fn put(&self, sink: &mut Sink<'_, '_>) {
        sink.uint(self.sequences.len() as u64);
        for (writer, sequence) in &self.sequences {
            sink.fixed(writer.0);
            sink.uint(*sequence);
        }
        if self.says_more() {
            sink.byte(self.home.is_some().into());
            self.home.iter().for_each(|home| sink.fixed(home.0));
            put_rules(&self.rules, sink);
        }
    }

    /// Takes what was [`put`](Self::put), `more` being whether it [says more](Self::says_more).
    pub(crate) fn take(source: &mut Source<'_>, more: bool) -> Result<Self, DecodeError> {
        let mut ledger = Ledger::default();
        for _ in 0..source.count()? {
            let writer = WriterId(source.fixed()?);
            ledger.sequences.insert(writer, source.uint()?);
        }
        if more {
            ledger.home = match source.byte()? {
                0 => None,
                1 => Some(WriterId(source.fixed()?)),
                _ => return Err(source.flaw("neither a writer at home nor none")),
            };
            ledger.rules = Arc::new(take_rules(source)?);
        }
        Ok(ledger)
    }
}

pub(super) fn put_rules(rules: &Rules, sink: &mut Sink<'_, '_>) {
    sink.uint(rules.iter().count() as u64);
    for rule in rules {
        sink.uint(rule.pattern.len() as u64);
        rule.pattern.tokens().iter().for_each(|token| sink.text(token));
        let has = u8::from(rule.policy.is_some()) | u8::from(rule.on_deleted.is_some()) << 1;
        sink.byte(has);
        rule.policy.iter().for_each(|policy| put_policy(policy, sink));
        rule.on_deleted.iter().for_each(|what| sink.byte(what.tag()));
    }
}

pub(super) fn take_rules(source: &mut Source<'_>) -> Result<Rules, DecodeError> {
    let mut rules = Rules::new();
    let mut last: Option<Pattern> = None;
    for _ in 0..source.count()? {
        let count = source.count()?;
        let tokens = (0..count).map(|_| source.text().map(str::to_owned)).collect::<Result<_, _>>()?;
        let pattern = Pattern::of_tokens(tokens);
        if last.as_ref().is_some_and(|last| *last >= pattern) {
            return Err(source.flaw("rules are not in order"));
        }
        let has = source.byte()?;
        if has > 3 || has == 0 {
            return Err(source.flaw("a rule that says nothing, or something unknown"));
        }
        let policy = (has & 1 != 0).then(|| take_policy(source)).transpose()?;
        let on_deleted = (has & 2 != 0).then(|| take_on_deleted(source)).transpose()?;
        let rule = rules.rule(pattern.clone());
        (rule.policy, rule.on_deleted) = (policy, on_deleted);
        last = Some(pattern);
    }
    Ok(rules)
}

fn take_on_deleted(source: &mut Source<'_>) -> Result<OnDeleted, DecodeError> {
    let tag = source.byte()?;
    OnDeleted::of_tag(tag).ok_or_else(|| source.flaw("an unknown answer to what was taken away"))
}
