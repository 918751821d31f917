use redraft::State;

#[derive(Clone, State)]
struct NoMap {
    title: String,
    #[state(rest)]
    rest: String,
}

fn main() {}
