use redraft::State;
use redraft::state::MapKey;

#[derive(Clone, State)]
struct Unknown {
    #[state(skp)]
    cache: u8,
    #[state(skip, rename = "b")]
    hidden: u8,
    #[state(default = "not a path")]
    filled: u8,
}

#[derive(Clone, State)]
struct Doubled {
    name: String,
    #[state(rename = "name")]
    title: String,
}

#[derive(Clone, State)]
struct Positions(#[state(skip)] u8, u8);

#[derive(Clone, State)]
enum Variants {
    #[state(rename = "B")]
    A,
    B,
    #[state(skip)]
    C,
}

#[derive(Clone, State)]
#[state(atomic)]
struct Whole(u8);

#[derive(Clone, State)]
enum Nothing {}

#[derive(Clone, Copy, State)]
union Either {
    a: u8,
    b: u8,
}

#[derive(Clone, State)]
struct Borrowed<'a> {
    title: &'a str,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, MapKey)]
struct Pair(u8, u8);

fn main() {}
