//! What differs between two strings, as splices when that is clearly shorter than the new string.
//!
//! Lines are compared through `sequence`; within a hunk of lines only the common ends are cut off. Positions count
//! Unicode scalar values.

use std::collections::HashMap;
use std::ops::Range;

use super::{Differ, sequence};
use crate::op::Insert;
use crate::value::{Str, Value};

/// Strings shorter than this on both sides are replaced whole: a title says more than a piece of one, and is no longer.
const TEXT_BYTES_MIN: usize = 48;

/// What a splice costs besides its text: kind, position, length and its share of the path, there and back.
const SPLICE_BYTES: usize = 16;

/// A stretch of bytes of the old text and what stands in its place in the new one.
struct Piece {
    old: Range<usize>,
    new: Range<usize>,
}

pub(super) fn diff(old: &Str, new: &Str, out: &mut Differ) {
    if old == new {
        return;
    }
    match pieces(old, new) {
        Some(pieces) => tell(&pieces, 0, old, new, out),
        None => out.replace(Value::Str(old.clone()), Value::Str(new.clone())),
    }
}

/// Tells a stretch of a text as splices, however short it is; `start` is its position in the whole. What this is for are
/// texts that show themselves what they do not share, so replacing the whole is never shorter.
pub(super) fn splices(start: usize, old: &str, new: &str, out: &mut Differ) {
    let gap = trim(old, new, &Piece { old: 0..old.len(), new: 0..new.len() });
    if gap.old.len().min(gap.new.len()) >= TEXT_BYTES_MIN {
        tell(&by_lines(old, new, &gap), start, old, new, out);
    } else if !(gap.old.is_empty() && gap.new.is_empty()) {
        tell(&[gap], start, old, new, out);
    }
}

fn tell(pieces: &[Piece], start: usize, old: &str, new: &str, out: &mut Differ) {
    let (mut byte, mut at) = (0, start);
    for piece in pieces {
        at += new[byte..piece.new.start].chars().count();
        byte = piece.new.start;
        out.splice(at, insert(&old[piece.old.clone()]), insert(&new[piece.new.clone()]));
    }
}

fn insert(text: &str) -> Insert {
    Insert::Text(text.into())
}

/// `None` if replacing the whole is about as short: less than half of both texts must have changed.
fn pieces(old: &str, new: &str) -> Option<Vec<Piece>> {
    let whole = old.len() + new.len();
    if old.len().max(new.len()) < TEXT_BYTES_MIN {
        return None;
    }
    let gap = trim(old, new, &Piece { old: 0..old.len(), new: 0..new.len() });
    let pieces = by_lines(old, new, &gap);
    let cost: usize = pieces.iter().map(|piece| piece.old.len() + piece.new.len() + SPLICE_BYTES).sum();
    (cost * 2 <= whole).then_some(pieces)
}

fn by_lines(old: &str, new: &str, gap: &Piece) -> Vec<Piece> {
    if !(has_lines(&old[gap.old.clone()]) || has_lines(&new[gap.new.clone()])) {
        let gap = Piece { old: gap.old.clone(), new: gap.new.clone() };
        return vec![gap];
    }
    let mut known = HashMap::new();
    let (old_ids, old_ends) = lines(&old[gap.old.clone()], gap.old.start, &mut known);
    let (new_ids, new_ends) = lines(&new[gap.new.clone()], gap.new.start, &mut known);
    let hunks = sequence::hunks(old_ids.len(), new_ids.len(), |a, b| old_ids[a] == new_ids[b]);
    let bytes = |ends: &[usize], lines: &Range<usize>| ends[lines.start]..ends[lines.end];
    hunks
        .iter()
        .map(|hunk| {
            trim(old, new, &Piece { old: bytes(&old_ends, &hunk.old), new: bytes(&new_ends, &hunk.new) })
        })
        .collect()
}

/// Whether there is more than one.
fn has_lines(text: &str) -> bool {
    text.split_inclusive('\n').nth(1).is_some()
}

/// A number for each line, equal for equal lines, and the byte positions between lines (one more than there are lines).
fn lines<'t>(text: &'t str, start: usize, known: &mut HashMap<&'t str, usize>) -> (Vec<usize>, Vec<usize>) {
    let (mut ids, mut ends) = (Vec::new(), vec![start]);
    let mut end = start;
    for line in text.split_inclusive('\n') {
        let next = known.len();
        ids.push(*known.entry(line).or_insert(next));
        end += line.len();
        ends.push(end);
    }
    (ids, ends)
}

/// Cuts equal ends off, between characters.
fn trim(old: &str, new: &str, piece: &Piece) -> Piece {
    let (a, b) = (&old[piece.old.clone()], &new[piece.new.clone()]);
    let start = common_start(a, b);
    let end = common_end(&a[start..], &b[start..]);
    Piece {
        old: piece.old.start + start..piece.old.end - end,
        new: piece.new.start + start..piece.new.end - end,
    }
}

/// How many bytes are compared at once, until a block differs.
const BLOCK: usize = 32;

fn common_start(a: &str, b: &str) -> usize {
    let ((blocks_a, _), (blocks_b, _)) =
        (a.as_bytes().as_chunks::<BLOCK>(), b.as_bytes().as_chunks::<BLOCK>());
    let same = blocks_a.iter().zip(blocks_b).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = a.bytes().skip(same).zip(b.bytes().skip(same));
    let mut len = same + rest.take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(len) && b.is_char_boundary(len)) {
        len -= 1;
    }
    len
}

fn common_end(a: &str, b: &str) -> usize {
    let ((_, blocks_a), (_, blocks_b)) =
        (a.as_bytes().as_rchunks::<BLOCK>(), b.as_bytes().as_rchunks::<BLOCK>());
    let same = blocks_a.iter().rev().zip(blocks_b.iter().rev()).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = a.bytes().rev().skip(same).zip(b.bytes().rev().skip(same));
    let mut len = same + rest.take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(a.len() - len) && b.is_char_boundary(b.len() - len)) {
        len -= 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &str, new: &str) -> crate::patch::Patch {
        let mut differ = Differ::new();
        diff(&old.into(), &new.into(), &mut differ);
        let (patch, inverse) = differ.finish().unwrap();
        let applied = crate::patch::apply(&Value::from(old), &patch).unwrap();
        assert_eq!(applied.state, Value::from(new));
        assert_eq!(applied.inverse, inverse);
        assert_eq!(crate::patch::apply(&applied.state, &inverse).unwrap().state, Value::from(old));
        patch
    }

    #[test]
    fn short_strings_are_replaced() {
        assert_eq!(told("plan a", "plan b")[0].action.name(), "replace");
    }

    #[test]
    fn an_edit_in_a_long_text_is_one_small_splice_counted_in_characters() {
        let old = "ä".repeat(100);
        let new = format!("{}ö{}", "ä".repeat(40), "ä".repeat(60));
        let patch = told(&old, &new);
        assert_eq!(patch.len(), 1);
        assert!(matches!(&patch[0].action, crate::patch::Action::Splice { at: 40, del: 0, .. }), "{patch:?}");
    }

    #[test]
    fn far_edits_in_many_lines_are_one_splice_each() {
        let old: String = (0..200).map(|line| format!("line {line}\n")).collect();
        let new = old.replace("line 17\n", "line seventeen\n").replace("line 170\n", "");
        assert_eq!(told(&old, &new).len(), 2);
    }

    #[test]
    fn different_texts_are_replaced() {
        let (old, new) = ("abc ".repeat(50), "xyz\n".repeat(50));
        assert_eq!(told(&old, &new)[0].action.name(), "replace");
    }

    #[test]
    fn characters_that_share_bytes_are_not_cut_apart() {
        let pad = "-".repeat(100);
        told(&format!("{pad}\u{e9}{pad}"), &format!("{pad}\u{e8}{pad}"));
        told(&format!("{pad}\u{e9}{pad}"), &format!("{pad}\u{129}{pad}"));
    }
}
