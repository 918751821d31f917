//! Two edits of one text made one: both are split into stretches of words, and those led past each other.
//!
//! Always: what only one side touched is as that side has it; what both deleted is deleted once.

use crate::op::{Action, Insert, Op};
use crate::patch::{lead, steps};
use crate::state::hunks;
use crate::value::Path;

/// The text in which both edits are made, that of `theirs` counting as the later one.
pub(super) fn merged(base: &str, head: &str, theirs: &str) -> String {
    let led = lead(&steps(&edits(base, head)), steps(&edits(base, theirs)));
    let mut text: Vec<char> = head.chars().collect();
    for step in led.later {
        if let Action::Splice { at, del, ins: Insert::Text(ins) } = step.op.action {
            let end = (at + del).min(text.len());
            text.splice(at.min(end)..end, ins.chars());
        }
    }
    text.into_iter().collect()
}

/// What turns one text into the other, word by word; within a word only what its ends do not share.
fn edits(old: &str, new: &str) -> Vec<Op> {
    let (old_words, new_words) = (words(old), words(new));
    let hunks = hunks(old_words.len(), new_words.len(), |one, other| old_words[one] == new_words[other]);
    let (mut ops, mut word, mut at) = (Vec::with_capacity(hunks.len()), 0, 0);
    for hunk in hunks {
        at += count(&new_words[word..hunk.new.start]);
        word = hunk.new.end;
        ops.push(edit(at, &old_words[hunk.old].concat(), &new_words[hunk.new.clone()].concat()));
        at += count(&new_words[hunk.new]);
    }
    ops
}

fn edit(at: usize, old: &str, new: &str) -> Op {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old[front..].iter().rev().zip(new[front..].iter().rev()).take_while(|(a, b)| a == b).count();
    let ins: String = new[front..new.len() - rest].iter().collect();
    let del = old.len() - front - rest;
    Op::new(Path::root(), Action::Splice { at: at + front, del, ins: Insert::Text(ins.as_str().into()) })
}

fn count(words: &[&str]) -> usize {
    words.iter().map(|word| word.chars().count()).sum()
}

/// Runs of letters and digits, and every other character by itself.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first.is_alphanumeric() {
            true => rest.find(|char: char| !char.is_alphanumeric()).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::merged;
    use proptest::prelude::*;

    #[test]
    fn words_written_at_different_places_are_all_there() {
        let base = "the quick fox jumps over the dog";
        let head = "the quick brown fox jumps over the dog";
        assert_eq!(
            merged(base, head, "the quick fox leaps over the lazy dog"),
            "the quick brown fox leaps over the lazy dog"
        );
        assert_eq!(merged(base, "", "the quick fox jumps over the dog!"), "!");
        assert_eq!(merged("", "ab", "cd"), "abcd");
        assert_eq!(merged("colour", "color", "colours"), "colors");
    }

    proptest! {
        #[test]
        fn who_changed_nothing_has_no_say(base in "[ab ]{0,12}", other in "[abü ]{0,12}") {
            prop_assert_eq!(&merged(&base, &other, &base), &other);
            prop_assert_eq!(merged(&base, &base, &other), other);
        }

        #[test]
        fn what_one_side_appends_and_the_other_puts_in_front_is_there(base in "[ab ]{1,12}", front in "[xy]{1,5}", back in "[uv]{1,5}") {
            let both = format!("{front}{base}{back}");
            prop_assert_eq!(merged(&base, &format!("{front}{base}"), &format!("{base}{back}")), both.as_str());
            prop_assert_eq!(merged(&base, &format!("{base}{back}"), &format!("{front}{base}")), both);
        }
    }
}
