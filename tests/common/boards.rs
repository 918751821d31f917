//! A type in three versions of its program, and what one that knows all three says a state of the first is in the third.
#![cfg(feature = "derive")]

use redraft::{State, Value};
use std::collections::BTreeMap;

/// Schema 1: cards are lines of one text.
#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct First {
    pub(crate) title: String,
    pub(crate) cards: String,
    pub(crate) moves: i64,
}

/// Schema 2: cards are a list.
#[derive(Clone, Debug, Default, PartialEq, State)]
#[state(schema = 2, migrate = "step")]
pub(crate) struct Second {
    pub(crate) title: String,
    pub(crate) cards: Vec<String>,
    pub(crate) moves: i64,
}

/// Schema 3: the title is a name, and cards can be done.
#[derive(Clone, Debug, Default, PartialEq, State)]
#[state(schema = 3, migrate = "step")]
pub(crate) struct Third {
    pub(crate) name: String,
    pub(crate) cards: BTreeMap<u64, Card>,
    pub(crate) moves: i64,
    #[state(default)]
    pub(crate) tags: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct Card {
    pub(crate) text: String,
    pub(crate) done: bool,
}

/// What the program does to documents.
pub(crate) fn step(from: u32, board: &mut Value) -> Result<(), String> {
    match from {
        1 => {
            let lines = board["cards"].as_str().ok_or("the cards are no text")?;
            board["cards"] = lines.lines().map(Value::from).collect();
        }
        2 => {
            let cards = board["cards"].as_list().ok_or("the cards are no list")?;
            let card = |(number, text): (usize, &Value)| (number as u64, text.as_str().unwrap_or("").into());
            let cards: BTreeMap<u64, String> = cards.iter().enumerate().map(card).collect();
            let shown = |text| Card { text, done: false }.to_value();
            let cards: BTreeMap<u64, Value> = cards.into_iter().map(|(n, text)| (n, shown(text))).collect();
            board["cards"] = cards.to_value();
            let fields = board.as_map_mut().ok_or("the board is no map")?;
            let title = fields.remove("title").ok_or("there is no title")?;
            fields.insert("name", title);
        }
        _ => return Err(format!("nothing leads on from schema {from}")),
    }
    Ok(())
}

impl First {
    pub(crate) fn second(&self) -> Second {
        let cards = self.cards.lines().map(String::from).collect();
        Second { title: self.title.clone(), cards, moves: self.moves }
    }
}

impl Second {
    pub(crate) fn third(&self) -> Third {
        let card = |text: &String| Card { text: text.clone(), done: false };
        let cards = self.cards.iter().enumerate().map(|(n, text)| (n as u64, card(text))).collect();
        Third { name: self.title.clone(), cards, moves: self.moves, tags: Vec::new() }
    }
}
