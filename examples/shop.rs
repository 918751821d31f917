//! A shop whose stock is wrong, and nobody knows since when: the program of the guide's chapter on debugging with history.
//!
//! ```text
//! cargo run --example shop -- run PATH       sixty days of trade, into the new store PATH
//! cargo run --example shop -- unbalanced     ends with 0 if the state on standard input does not add up, with 1 if it does
//! cargo run --example shop -- audit PATH     the first version that does not add up, asked by the program itself
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use redraft::collections::{Counter, Map};
use redraft::{Meta, Reader, State, Store, Value};
use std::error::Error;
use std::io::Read;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// 2 March 2026, eight o'clock, in milliseconds since 1970. The shop opens; a day has this many.
const OPENING: i64 = 1_772_438_400_000;
const DAY: i64 = 86_400_000;

#[derive(Clone, Debug, Default, State)]
struct Shop {
    goods: Map<String, Goods>,
    reservations: Map<String, Reservation>,
}

#[derive(Clone, Debug, Default, State)]
struct Goods {
    delivered: Counter,
    stock: Counter,
    sold: Counter,
}

#[derive(Clone, Debug, State)]
struct Reservation {
    of: String,
    day: i64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, State)]
enum Stage {
    Open,
    Paid,
    Cancelled,
    Expired,
}

impl Shop {
    fn deliver(&mut self, what: &str, count: i64) {
        let goods = self.goods.entry(what.to_owned()).or_default();
        goods.delivered += count;
        goods.stock += count;
    }

    fn reserve(&mut self, number: i64, what: &str, day: i64) {
        self.goods.entry(what.to_owned()).or_default().stock -= 1;
        self.reservations
            .insert(number.to_string(), Reservation { of: what.to_owned(), day, stage: Stage::Open });
    }

    fn pay(&mut self, number: i64) {
        let Some(reservation) = self.reservations.get_mut(&number.to_string()) else { return };
        reservation.stage = Stage::Paid;
        self.goods.entry(reservation.of.clone()).or_default().sold += 1;
    }

    fn cancel(&mut self, number: i64) {
        let Some(reservation) = self.reservations.get_mut(&number.to_string()) else { return };
        reservation.stage = Stage::Cancelled;
        self.goods.entry(reservation.of.clone()).or_default().stock += 1;
    }

    /// What was not paid within three days goes back onto the shelf.
    fn expire(&mut self, today: i64) {
        for reservation in self.reservations.values_mut() {
            if reservation.stage != Stage::Paid && reservation.day + 3 == today {
                reservation.stage = Stage::Expired;
                self.goods.entry(reservation.of.clone()).or_default().stock += 1;
            }
        }
    }

    /// What came in is on the shelf, kept for somebody, or sold.
    fn adds_up(&self) -> bool {
        self.goods.iter().all(|(name, goods)| {
            let kept = self.reservations.values().filter(|one| one.of == *name && one.stage == Stage::Open);
            goods.delivered.get() == goods.stock.get() + goods.sold.get() + kept.count() as i64
        })
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["run", path] => run(path).map(|()| true),
        ["unbalanced"] => unbalanced(),
        ["audit", path] => audit(path).map(|()| true),
        _ => Err("say run PATH, unbalanced, or audit PATH".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::from(126) // what ends a bisection
        }
    }
}

/// Three customers a day. Most pay the day after, every seventh forgets, and one changes her mind.
fn run(path: &str) -> Result {
    let store = Store::<Shop>::create_new(path)?;
    for day in 0..60 {
        trade(&store, day)?;
    }
    println!("version {}: {} teapots on the shelf", store.version(), on_the_shelf(&store.state(), "teapot"));
    Ok(store.close()?)
}

fn trade(store: &Store<Shop>, day: i64) -> Result {
    let now = |label: &str, hour: i64| Meta {
        at_ms: Some(OPENING + day * DAY + hour * DAY / 24),
        ..Meta::label(label)
    };
    if day % 15 == 0 {
        store.produce_with(now("deliver", 0), |shop| {
            ["cup", "pot", "teapot"].iter().for_each(|what| shop.deliver(what, 20));
        })?;
    }
    for (hour, what) in (0..).zip(["teapot", "cup", "pot"]) {
        store.produce_with(now("reserve", 1 + hour), |shop| shop.reserve(day * 3 + hour, what, day))?;
    }
    for number in (0..3).map(|hour| (day - 1) * 3 + hour).filter(|number| *number >= 0) {
        match number {
            69 => store.produce_with(now("cancel", 5), |shop| shop.cancel(69))?,
            _ if number % 7 == 6 => continue,
            _ => store.produce_with(now("pay", 6 + number % 3), |shop| shop.pay(number))?,
        };
    }
    store.produce_with(now("expire", 12), |shop| shop.expire(day))?;
    Ok(())
}

fn on_the_shelf(shop: &Shop, what: &str) -> i64 {
    shop.goods.get(what).map_or(0, |goods| goods.stock.get())
}

/// For `redraft bisect --run`.
fn unbalanced() -> Result<bool> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    let document = Value::from_json(&text)?;
    if document.as_map().is_none_or(|fields| fields.is_empty()) {
        return Ok(false); // before the first change there is nothing to add up
    }
    Ok(!Shop::from_value(document)?.adds_up())
}

fn audit(path: &str) -> Result {
    let found = Reader::<Shop>::open(path)?.bisect(.., |shop| !shop.adds_up())?;
    match found.first {
        Some(version) => println!("does not add up since version {version}"),
        None => println!("adds up"),
    }
    Ok(())
}
