use redraft::{State, Value};
use std::collections::BTreeMap;

#[derive(Clone, State)]
#[state(schema = 2)]
struct NoWay {
    title: String,
}

#[derive(Clone, State)]
#[state(schema = 0, migrate = "step")]
struct Zero {
    title: String,
}

#[derive(Clone, State)]
#[state(migrate = "step")]
struct First {
    title: String,
}

#[derive(Clone, State)]
#[state(schema = 2, migrate = "no path")]
struct NoPath {
    title: String,
}

#[derive(Clone, State)]
struct OnField {
    #[state(schema = 2)]
    title: String,
}

#[derive(Clone, State)]
struct Twice {
    #[state(rest)]
    rest: BTreeMap<String, Value>,
    #[state(rest)]
    more: BTreeMap<String, Value>,
}

#[derive(Clone, State)]
struct Named {
    #[state(rest, rename = "others")]
    rest: BTreeMap<String, Value>,
}

#[derive(Clone, State)]
enum Variant {
    With {
        #[state(rest)]
        rest: BTreeMap<String, Value>,
    },
}

#[derive(Clone, State)]
struct Unnamed(#[state(rest)] BTreeMap<String, Value>, u8);

fn step(_: u32, _: &mut Value) {}

fn main() {}
