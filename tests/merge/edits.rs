//! What the writers of a world edit, and how: a document of no type, and a board of collections.

use crate::common::documents::fitting_op;
use redraft::collections::{Counter, KeyedList, Set, Text};
use redraft::io::SeededEntropy;
use redraft::patch::{Patch, apply};
use redraft::{State, Value, draft, value};
use std::collections::BTreeMap;

/// What the worlds are about.
pub(crate) trait Doc: State + Default {
    fn begin() -> Self;
    fn edited(&self, dice: &SeededEntropy) -> Patch;
}

impl Doc for Value {
    fn begin() -> Self {
        value!({
            "a": { "a": 1, "b": [1, 2, 3], "c": { "a": "x" } }, "b": "some text", "c": [[1], { "a": 2, "b": 3 }, "y"],
        })
    }

    fn edited(&self, dice: &SeededEntropy) -> Patch {
        let (mut state, mut patch) = (self.clone(), Patch::new());
        for _ in 0..1 + dice.below(3) {
            let route = (0..dice.below(4)).map(|_| dice.next() as u8).collect();
            let op = fitting_op(&state, &(route, dice.next() as u8, dice.next() as u8, any_value(dice)));
            if let Ok(applied) = apply(&state, &vec![op.clone()].into())
                && matches!(applied.state, Value::Map(_))
            {
                state = applied.state;
                patch.push(op);
            }
        }
        patch
    }
}

fn any_value(dice: &SeededEntropy) -> Value {
    match dice.below(7) {
        0 => value!({ "a": 1, "b": "x" }),
        1 => value!([1, 2]),
        2 => value!("text"),
        3 => Value::Null,
        4 => value!({ "a": { "b": [7] } }),
        _ => Value::from(dice.below(9) as i64),
    }
}

#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct Board {
    title: String,
    notes: Text,
    hits: Counter,
    tags: Set<String>,
    cards: KeyedList<u64, Card>,
    owner: Option<String>,
    by_name: BTreeMap<String, Vec<i64>>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct Card {
    text: Text,
    votes: Counter,
    done: bool,
}

impl Doc for Board {
    fn begin() -> Self {
        let mut board = Board { title: "board".into(), ..Board::default() };
        board.notes.push_str("some notes");
        (0..3).for_each(|key| drop(board.cards.push(key, Card::default())));
        board
    }

    fn edited(&self, dice: &SeededEntropy) -> Patch {
        draft(self, |board| (0..1 + dice.below(3)).for_each(|_| board.edit(dice))).unwrap().patch
    }
}

impl Board {
    fn edit(&mut self, dice: &SeededEntropy) {
        let word = ["a", "b", "c"][dice.below(3)].to_owned();
        match dice.below(10) {
            0 => self.title = word,
            1 => self.notes.insert(dice.below(self.notes.len() + 1), &word),
            2 if !self.notes.is_empty() => drop(self.notes.remove(dice.below(self.notes.len()))),
            3 => self.hits += 1,
            4 => drop(self.tags.insert(word)),
            5 => drop(self.tags.remove(&word)),
            6 => self.owner = (word != "a").then_some(word),
            7 => self.by_name.entry(word).or_default().push(dice.below(9) as i64),
            8 => drop(self.by_name.remove(&word)),
            _ => self.edit_cards(dice),
        }
    }

    fn edit_cards(&mut self, dice: &SeededEntropy) {
        let key = dice.below(5) as u64;
        match dice.below(5) {
            0 => drop(self.cards.push(key, Card::default())),
            1 => drop(self.cards.remove(&key)),
            2 if !self.cards.is_empty() => drop(self.cards.move_to(&key, dice.below(self.cards.len()))),
            _ => {
                if let Some(card) = self.cards.get_mut(&key) {
                    card.text.push('x');
                    card.votes += 1;
                    card.done = dice.below(2) == 0;
                }
            }
        }
    }
}
