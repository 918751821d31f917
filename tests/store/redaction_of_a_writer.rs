//! What a writer wrote is gone from every version and every file; what others did is there as before, in the same places.

use crate::common::{check, contents, dir, options};
use proptest::prelude::*;
use redraft::collections::{Counter, KeyedList, Text};
use redraft::io::MemoryDisk;
use redraft::merge::{Guard, Outcome, Submission};
use redraft::patch::{Action, Insert, Op, Patch};
use redraft::value::{Path, Pointer};
use redraft::{Error, Meta, Retention, State, Store, Value, WriterId, diff, value};

/// Unlike anything that others write, and long enough not to stand in compressed bytes by accident.
const SECRET: &str = "ann@example.org";

fn ann() -> WriterId {
    "00000000000000aa".parse().unwrap()
}

fn ben() -> WriterId {
    "00000000000000bb".parse().unwrap()
}

fn store<S: State + Default>(disk: &MemoryDisk) -> Store<S> {
    options(disk).create(true).open(dir()).unwrap()
}

/// A store and how far each of its writers has come.
struct Book<S: State + Default> {
    store: Store<S>,
    sequences: [u64; 2],
}

impl<S: State + Default> Book<S> {
    fn new(disk: &MemoryDisk) -> Self {
        Book { store: store(disk), sequences: [0, 0] }
    }

    fn submit(&mut self, writer: WriterId, submission: Submission) -> Outcome {
        let sequence = &mut self.sequences[usize::from(writer == ben())];
        *sequence += 1;
        self.store.merge(&submission.by(writer, *sequence)).unwrap().outcome
    }

    /// As a recipe of this writer.
    fn write(&mut self, writer: WriterId, recipe: impl FnOnce(&mut S)) {
        let old = self.store.state();
        let mut new = S::clone(&old);
        recipe(&mut new);
        let (patch, _) = diff(&*old, &new).unwrap();
        self.submit(writer, Submission::new(self.store.version(), patch).meta(Meta::label("by a writer")));
    }
}

fn redact(disk: &MemoryDisk, writer: WriterId) -> redraft::Redacted {
    options(disk).plan_writer_redaction(dir(), writer).unwrap().carry_out().unwrap()
}

fn states(disk: &MemoryDisk) -> Vec<Value> {
    let reader = options(disk).open_read_only::<Value>(dir()).unwrap();
    let oldest = reader.oldest().unwrap();
    (oldest..=reader.version()).map(|version| (*reader.at(version).unwrap()).clone()).collect()
}

/// In no file as bytes, in no version, and in nothing that a change says.
fn is_nowhere(secret: &str, disk: &MemoryDisk) {
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    for (path, bytes) in contents(disk) {
        assert!(!holds(&bytes), "{secret} is in {}", path.display());
    }
    for (version, state) in states(disk).iter().enumerate() {
        assert!(!state.to_string().contains(secret), "{secret} is in version {version}");
    }
    for change in options(disk).open_read_only::<Value>(dir()).unwrap().changes(..).unwrap() {
        let told = format!("{:?}", change.unwrap());
        assert!(!told.contains(secret), "{secret} is in {told}");
    }
}

/// The same with what is plainly Ann's blanked: texts that begin with `ann`, and negative numbers.
fn without_ann(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), without_ann(value))).collect())
        }
        Value::List(list) => list.iter().map(without_ann).collect(),
        Value::Str(text) if text.starts_with("ann") => "*".repeat(text.chars().count()).into(),
        Value::Int(number) if *number < 0 => 0.into(),
        other => other.clone(),
    }
}

/// One of a few things that people do to a document of maps and lists.
fn edit(doc: &mut Value, kind: usize, key: usize, text: String, number: i64) {
    let (key, other) = (["a", "b", "c"][key], ["b", "c", "a"][key]);
    match kind {
        0 => doc["people"][key]["mail"] = text.into(),
        1 => doc["people"][key]["votes"] = number.into(),
        2 => {
            doc["people"][key] =
                value!({ "mail": text.clone(), "votes": number, "deep": [[number], { "x": text }] });
        }
        3 => drop(doc["people"].as_map_mut().and_then(|people| people.remove(key))),
        4 => {
            let moved = doc["people"].as_map_mut().and_then(|people| people.remove(key));
            moved.into_iter().for_each(|moved| doc["people"][other] = moved);
        }
        5 => doc["list"].as_list_mut().unwrap().push(value!({ "note": text })),
        6 => doc["list"].as_list_mut().unwrap().insert(0, text),
        _ => {
            let list = doc["list"].as_list_mut().unwrap();
            if list.len() > 1 {
                list.swap(0, list.len() - 1);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::common::setting("PROPTEST_CASES", 64) as u32))]

    #[test]
    fn all_that_is_the_writers_is_blank_and_all_else_is_what_it_was(
        edits in prop::collection::vec((0..3_usize, 0..8_usize, 0..3_usize), 1..60),
        snapshots in prop::collection::vec(0..60_usize, 0..3),
    ) {
        let disk = MemoryDisk::new();
        let mut book = Book::<Value>::new(&disk);
        book.store.produce(|doc| *doc = value!({ "people": {}, "list": [] })).unwrap();
        for (serial, (writer, kind, key)) in edits.iter().enumerate() {
            let number = serial as i64 + 1;
            match writer {
                0 => book.write(ann(), |doc| edit(doc, *kind, *key, format!("ann wrote {serial}"), -number)),
                // What Ann has there is moved by Ben, or taken away, but nothing of hers is written anew by him.
                _ => book.write(ben(), |doc| edit(doc, *kind, *key, format!("ben wrote {serial}"), number)),
            }
            if snapshots.contains(&serial) {
                book.store.snapshot().unwrap();
            }
        }
        book.store.close().unwrap();
        let before = states(&disk);
        let plan = options(&disk).plan_writer_redaction(dir(), ann()).unwrap();
        let planned = plan.changes();
        let done = plan.carry_out().unwrap();
        let after = states(&disk);
        prop_assert_eq!(done.changes, planned);
        prop_assert_eq!(after.len(), before.len() + usize::from(planned > 0));
        for (version, (before, after)) in before.iter().zip(&after).enumerate() {
            // What Ben moved within a change of his is Ann's still; what Ann moved of Ben's is blank, as all that she put anywhere.
            prop_assert_eq!(shape(before), shape(after), "version {}", version);
        }
        let ann_moved = edits.iter().any(|(writer, kind, _)| *writer == 0 && [4, 7].contains(kind));
        if !ann_moved {
            for (version, (before, after)) in before.iter().zip(&after).enumerate() {
                prop_assert_eq!(&without_ann(before), after, "version {}", version);
            }
        }
        is_nowhere("ann wrote", &disk);
        prop_assert!(check(&disk).unwrap().is_sound());
        prop_assert_eq!(redact(&disk, ann()).changes, 0);
        let writer = store::<Value>(&disk);
        writer.produce(|doc| doc["more"] = 1.into()).unwrap();
        prop_assert!(writer.opened().cut.is_none());
    }
}

/// Keys, lengths and kinds.
fn shape(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), shape(value))).collect()),
        Value::List(list) => list.iter().map(shape).collect(),
        Value::Str(text) => (text.chars().count() as u64).into(),
        other => other.kind().into(),
    }
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Board {
    title: String,
    cards: KeyedList<String, Card>,
    votes: Counter,
    notes: Text,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Card {
    text: String,
    done: bool,
}

#[test]
fn a_typed_state_is_read_and_goes_on_and_others_edits_are_in_their_places() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Board>::new(&disk);
    let card = |text: &str| Card { text: text.into(), done: true };
    book.write(ann(), |board| {
        board.title = SECRET.into();
        board.cards.push("first".into(), card(SECRET));
        board.cards.push("second".into(), card("two"));
        board.votes += 1_000;
        board.notes.push_str(SECRET);
    });
    book.write(ben(), |board| {
        board.votes += 2;
        board.notes.insert(3, " & ben");
        board.cards.push("third".into(), card("by ben"));
        board.cards.get_mut("second").unwrap().done = false;
    });
    book.store.close().unwrap();
    redact(&disk, ann());
    is_nowhere(SECRET, &disk);
    let board = store::<Board>(&disk);
    let now = board.state();
    assert_eq!((now.votes.get(), now.notes.to_string().as_str()), (2, "*** & ben************"));
    assert_eq!(now.title, "*".repeat(SECRET.len()));
    let cards: Vec<_> =
        now.cards.iter().map(|(key, card)| (key.as_str(), card.text.as_str(), card.done)).collect();
    let blank = "*".repeat(SECRET.len());
    assert_eq!(
        cards,
        [("first", blank.as_str(), false), ("second", "***", false), ("third", "by ben", true)]
    );
    assert_eq!(board.at(1).unwrap().votes.get(), 0);
    board.produce(|board| board.votes += 1).unwrap();
    board.close().unwrap();
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn a_text_that_others_repeat_is_gone_and_one_that_was_known_before_is_not() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Value>::new(&disk);
    book.write(ben(), |doc| *doc = value!({ "state": "open", "list": [] }));
    book.write(ann(), |doc| *doc = value!({ "state": "open", "mail": SECRET, "list": [] }));
    book.write(ann(), |doc| doc["mine"] = "open".into());
    book.write(ben(), |doc| {
        let mail = doc["mail"].clone();
        doc["list"].as_list_mut().unwrap().push(mail);
        doc["more"] = "open".into();
    });
    book.store.close().unwrap();
    redact(&disk, ann());
    is_nowhere(SECRET, &disk);
    let now = states(&disk)[4].clone();
    assert_eq!(
        (&now["state"], &now["mine"], &now["more"]),
        (&Value::from("open"), &Value::from("****"), &Value::from("open"))
    );
}

#[test]
fn what_an_undo_puts_back_is_gone_too() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Value>::new(&disk);
    for end in 1..=SECRET.len() {
        let at = end - 1;
        let ins = Insert::Text(SECRET[at..end].into());
        let op = match at {
            0 => Op::new(Path::root().child("mail"), Action::Add("a".into())),
            _ => Op::new(Path::root().child("mail"), Action::Splice { at, del: 0, ins }),
        };
        let base = book.store.version();
        book.submit(ann(), Submission::new(base, Patch::from(vec![op])));
    }
    book.write(ann(), |doc| doc["phone"] = 4_711_004_711_u64.into());
    let removed = book.store.produce(|doc| *doc = value!({ "n": 1 })).unwrap();
    book.store.undo(removed.version()).unwrap();
    assert_eq!(book.store.state()["mail"], Value::from(SECRET));
    book.store.close().unwrap();
    redact(&disk, ann());
    is_nowhere(SECRET, &disk);
    is_nowhere("4711004711", &disk);
    let now = states(&disk).pop().unwrap();
    assert_eq!(now, value!({ "mail": "*".repeat(SECRET.len()), "phone": 0 }));
}

/// A sum that only the writer's part kept within the numbers there are.
#[test]
fn what_the_writer_counted_counts_no_more_and_what_does_not_fit_without_it_is_left_out() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Value>::new(&disk);
    book.write(ben(), |doc| doc["n"] = 0.into());
    for (writer, by) in [(ann(), 4_000), (ben(), i64::MIN + 5), (ann(), 200), (ben(), -100), (ben(), -5)] {
        let (base, op) = (book.store.version(), Op::new(Path::root().child("n"), Action::Inc(by)));
        book.submit(writer, Submission::new(base, Patch::from(vec![op])));
    }
    book.store.close().unwrap();
    redact(&disk, ann());
    let numbers: Vec<_> = states(&disk).iter().skip(1).map(|state| state["n"].as_i64().unwrap()).collect();
    let low = i64::MIN + 5;
    assert_eq!(numbers, [0, 0, low, low, low, i64::MIN, i64::MIN]);
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn what_was_said_of_a_change_goes_with_it_and_who_made_it_and_when_stays() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Value>::new(&disk);
    book.write(ben(), |doc| *doc = value!({ "a": 1, "b": 1 }));
    let patch = |to: &str| diff(&value!({ "a": 1 }), &value!({ "a": to })).unwrap().0;
    let said = Meta::label(SECRET).tag("mail", SECRET).tag(SECRET, "x");
    let refused = Submission::new(1, patch(SECRET)).meta(said.clone());
    let refused = refused.guard(Guard::test(Pointer::parse("/b").unwrap(), SECRET));
    assert!(matches!(book.submit(ann(), refused), Outcome::Rejected { .. }));
    book.submit(ann(), Submission::new(1, patch("ok")).meta(said));
    book.write(ben(), |doc| doc["b"] = 2.into());
    book.store.close().unwrap();
    let told = || {
        let reader = options(&disk).open_read_only::<Value>(dir()).unwrap();
        let changes = reader.changes(..).unwrap().map(Result::unwrap);
        changes
            .map(|told| (told.version, told.writer, told.sequence, told.stamp, told.base))
            .collect::<Vec<_>>()
    };
    let before = told();
    assert_eq!(redact(&disk, ann()).changes, 2);
    is_nowhere(SECRET, &disk);
    assert_eq!(told()[..before.len()], before);
    // The same submission again is known again.
    let again = store::<Value>(&disk).merge(&Submission::new(1, patch("ok")).by(ann(), 2)).unwrap();
    assert_eq!(again.version, 3);
}

#[test]
fn a_writer_whose_changes_are_no_longer_kept_is_refused_and_another_is_not() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Value>::new(&disk);
    book.write(ann(), |doc| doc["mail"] = SECRET.into());
    for n in 0..400 {
        book.store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    let oldest = book.store.compact_to(Retention::Changes(10)).unwrap().oldest;
    book.write(ben(), |doc| doc["ben"] = "ben@example.org".into());
    book.store.close().unwrap();
    assert!(oldest > 1);
    let before = contents(&disk);
    let refused = options(&disk).plan_writer_redaction(dir(), ann()).unwrap_err();
    assert!(matches!(refused, Error::Compacted { oldest: at, .. } if at == oldest), "{refused}");
    assert_eq!(contents(&disk), before);
    redact(&disk, ben());
    is_nowhere("ben@example.org", &disk);
    assert_eq!(states(&disk).pop().unwrap()["mail"], Value::from(SECRET));
}

#[test]
fn who_never_wrote_leaves_every_file_as_it_was() {
    let disk = MemoryDisk::new();
    let mut book = Book::<Value>::new(&disk);
    book.write(ben(), |doc| doc["n"] = 1.into());
    book.store.close().unwrap();
    let before = contents(&disk);
    assert_eq!(redact(&disk, ann()).changes, 0);
    assert_eq!(contents(&disk), before);
}
