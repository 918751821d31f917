//! Random edits of texts, and their differences, against `String`.

use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::node::Link;
use super::super::{Text, byte_of, visits};
use super::shape::{addresses, check};
use super::times;

/// What is typed, pasted, cut and moved about.
#[derive(Clone, Debug)]
enum Step {
    Type(Index, char),
    Back(Index),
    Paste(Index, String, usize),
    Cut(Index, Index),
    Replace(Index, Index, String),
    Turn(Index),
    Push(String),
    Pop,
    Keep,
}

/// One to four bytes each, so that no position is a byte for long.
fn char() -> BoxedStrategy<char> {
    prop_oneof![6 => Just('a'), 2 => Just('\n'), 1 => Just('\u{e9}'), 1 => Just('\u{20ac}'), 1 => Just('\u{1f600}')].boxed()
}

fn piece() -> BoxedStrategy<String> {
    prop_oneof![vec(char(), 0..40), vec(Just('b'), 0..300)]
        .prop_map(|chars| chars.into_iter().collect())
        .boxed()
}

fn step() -> BoxedStrategy<Step> {
    let at = any::<Index>;
    prop_oneof![
        8 => (at(), char()).prop_map(|(at, char)| Step::Type(at, char)),
        6 => at().prop_map(Step::Back),
        3 => (at(), piece(), 1_usize..60).prop_map(|(at, piece, times)| Step::Paste(at, piece, times)),
        2 => (at(), at()).prop_map(|(start, end)| Step::Cut(start, end)),
        2 => (at(), at(), piece()).prop_map(|(start, end, piece)| Step::Replace(start, end, piece)),
        1 => at().prop_map(Step::Turn),
        2 => piece().prop_map(Step::Push),
        1 => Just(Step::Pop),
        2 => Just(Step::Keep),
    ]
    .boxed()
}

/// The bytes of these characters.
fn bytes(model: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    byte_of(model, start)..byte_of(model, end)
}

/// A stretch of at most some hundred characters, so that texts do not vanish at once.
fn stretch(len: usize, start: Index, end: Index) -> (usize, usize) {
    let (start, end) = (start.index(len + 1), end.index(len + 1));
    (start.min(end), start.max(end).min(start.min(end) + 1500))
}

fn run(text: &mut Text, model: &mut String, step: &Step) {
    let len = text.len();
    match step {
        Step::Type(at, char) => {
            let at = at.index(len + 1);
            text.insert(at, &char.to_string());
            model.insert(byte_of(model, at), *char);
        }
        Step::Back(at) if len > 0 => {
            let at = at.index(len);
            assert_eq!(text.remove(at), model.remove(byte_of(model, at)));
        }
        Step::Paste(at, piece, times) if len < 30_000 => {
            let (at, piece) = (at.index(len + 1), piece.repeat(*times));
            text.insert(at, &piece);
            model.insert_str(byte_of(model, at), &piece);
        }
        Step::Cut(start, end) => {
            let (start, end) = stretch(len, *start, *end);
            assert_eq!(text.get(start..end), Some(model[bytes(model, start, end)].to_owned()));
            text.delete(start..end);
            model.drain(bytes(model, start, end));
        }
        Step::Replace(start, end, piece) => {
            let (start, end) = stretch(len, *start, *end);
            let range = bytes(model, start, end);
            assert_eq!(text.splice(start..end, piece), model[range.clone()]);
            model.replace_range(range, piece);
        }
        Step::Turn(at) => {
            let at = at.index(len + 1);
            let mut after = text.split_off(at);
            after.append(std::mem::take(text));
            *text = after;
            let after = model.split_off(byte_of(model, at));
            model.insert_str(0, &after);
        }
        Step::Push(piece) => {
            text.push_str(piece);
            model.push_str(piece);
        }
        Step::Pop => assert_eq!(text.pop(), model.pop()),
        _ => {}
    }
}

fn check_text(text: &Text, model: &str) {
    check(text.tree().root());
    assert_eq!((text.len(), text.len_bytes()), (model.chars().count(), model.len()));
    assert!(*text == *model && text.chunks().collect::<String>() == model);
    assert!(text.chars().eq(model.chars()) && text.chars().rev().eq(model.chars().rev()));
    assert_eq!(text.chars().size_hint(), (text.len(), Some(text.len())));
}

fn hash(text: &Text) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Asserts that both are the same outside the gaps, and that they compare as strings do.
fn compare(old: (&Text, &str), new: (&Text, &str)) {
    let (mut i, mut j) = (0, 0);
    for gap in old.0.diff(new.0) {
        assert!((i, j) == (0, 0) || gap.old.start > i && gap.new.start > j, "gaps do not touch");
        assert_eq!(old.1[bytes(old.1, i, gap.old.start)], new.1[bytes(new.1, j, gap.new.start)]);
        (i, j) = (gap.old.end, gap.new.end);
    }
    assert_eq!(old.1[byte_of(old.1, i)..], new.1[byte_of(new.1, j)..]);
    assert_eq!(old.0 == new.0, old.1 == new.1);
    assert_eq!(old.0.cmp(new.0), old.1.cmp(new.1));
    assert_eq!(*old.0 == *new.1, old.1 == new.1);
}

proptest! {
    #![proptest_config(times(400))]

    #[test]
    fn texts_are_strings(start in piece(), fold in 0_usize..40, steps in vec(step(), 0..60)) {
        let mut model = start.repeat(fold);
        let mut text = Text::from(&model[..]);
        let mut kept = vec![(text.clone(), model.clone())];
        for step in &steps {
            run(&mut text, &mut model, step);
            check(text.tree().root());
            if matches!(step, Step::Keep) {
                kept.push((text.clone(), model.clone()));
            }
        }
        check_text(&text, &model);
        for (other, other_model) in &kept {
            check_text(other, other_model);
            compare((other, other_model), (&text, &model));
            compare((&text, &model), (other, other_model));
        }
    }

    #[test]
    fn how_a_text_came_about_cannot_be_told(start in piece(), steps in vec(step(), 0..40)) {
        let mut model = start.clone();
        let mut text = Text::from(start);
        steps.iter().for_each(|step| run(&mut text, &mut model, step));
        let built: Text = model.chars().collect();
        prop_assert!(built == text && built.cmp(&text).is_eq());
        prop_assert_eq!(hash(&built), hash(&text));
        prop_assert_eq!(text.to_string(), &model[..]);
        prop_assert_eq!(format!("{text:?}"), format!("{model:?}"));
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&model).unwrap());
        prop_assert!(serde_json::from_str::<Text>(&json).unwrap() == text);
    }
}

/// Typed one by one, at the end.
fn typed(chars: usize) -> Text {
    let mut text = Text::new();
    (0..chars).for_each(|n| text.push(if n % 60 == 0 { '\n' } else { 'x' }));
    text
}

#[test]
fn typed_texts_are_left_nearly_full() {
    let text = typed(100_000);
    check(text.tree().root());
    let nodes = addresses(text.tree().root()).len();
    let full = addresses(Text::from(text.to_string()).tree().root()).len();
    assert!(nodes * 2 < full * 3, "{nodes} nodes, {full} if they are full");
}

/// How many nodes the new tree has that the old one has not.
fn fresh<R, M>(old: Option<&Link<R, M>>, new: Option<&Link<R, M>>) -> usize {
    addresses(new).difference(&addresses(old)).count()
}

#[test]
fn a_keystroke_copies_and_opens_few_nodes_however_long_the_text() {
    type Edit = fn(&mut Text);
    let edits: [Edit; 5] = [
        |text| text.insert(text.len() / 2, "\u{e9}"),
        |text| text.delete(text.len() / 3..text.len() / 3 + 1),
        |text| text.replace_range(7..9, "b"),
        |text| text.push('x'),
        |text| text.insert(0, "x"),
    ];
    for edit in edits {
        let cost = |chars: usize| {
            let old = Text::from("line of text\n".repeat(chars / 13));
            let mut new = old.clone();
            edit(&mut new);
            let (gaps, opened) = visits::during(|| old.diff(&new).len());
            let (equal, compared) = visits::during(|| old == new);
            assert!(gaps == 1 && !equal);
            (fresh(old.tree().root(), new.tree().root()), opened + compared)
        };
        // Ten thousand characters are a dozen nodes, a million more than a thousand.
        for (copied, opened) in [cost(10_000), cost(1_000_000)] {
            assert!(copied <= 12 && opened <= 16, "{copied} nodes copied, {opened} opened");
        }
    }
}

#[test]
fn a_small_text_is_small() {
    let text = Text::from("title");
    assert_eq!(addresses(text.tree().root()).len(), 1);
    assert!(Text::new().tree().root().is_none());
    let mut gone = text.clone();
    gone.delete(..);
    assert!(gone.tree().root().is_none() && gone.is_empty() && text == "title");
}

#[test]
fn editing_nothing_copies_nothing() {
    let text = typed(5000);
    let mut copy = text.clone();
    copy.insert(2500, "");
    copy.delete(100..100);
    copy.truncate(5000);
    copy.push_str("");
    assert!(copy.ptr_eq(&text));
}

#[test]
#[should_panic(expected = "insert at 4 in a text of 3")]
fn inserting_outside_panics() {
    Text::from("\u{e9}\u{e9}\u{e9}").insert(4, "x");
}

#[test]
#[should_panic(expected = "stretch 2..4 of a text of 3")]
fn slicing_outside_panics() {
    Text::from("abc").slice(2..4);
}

#[test]
fn asking_outside_does_not_panic() {
    let text = Text::from("abc");
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is asked")]
    let turned = text.get(2..1);
    assert_eq!((text.get(2..4), turned, text.get(..=2).as_deref()), (None, None, Some("abc")));
    assert_eq!((text.char_at(2), text.char_at(3)), (Some('c'), None));
}
