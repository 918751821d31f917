use redraft::State;

#[derive(Clone)]
struct Connection;

#[derive(Clone, State)]
struct SkipWithoutDefault {
    #[state(skip)]
    connection: Connection,
}

fn main() {}
