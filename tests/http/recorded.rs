//! Two people typed into one text at the same time, and that was recorded: two replicas that write over HTTP do it again, each seeing
//! of the other what was seen then, and end in the text they ended with.
//!
//! Held where the recording is at hand. Every day the beginning of it is typed, and the text held against what one store makes of the same;
//! `REDRAFT_TYPED_OVER_HTTP` sets how many transactions, and all of them end in the text that was recorded.

use crate::common::typing::{Recording, Typed, bases, of_two, recording};
use crate::common::{counted, env, seed, setting};
use crate::replicas::url;
use crate::server::Running;
use redraft::collections::Text;
use redraft::http::{Remote, Served, Server};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::Submission;
use redraft::replica::{Beginning, Writer};
use redraft::{Durability, Options, Replica, Store};
use std::sync::Arc;

/// One of the two, with how much of what both typed is where.
struct Person<'t> {
    writer: Writer<Text>,
    /// What is to be typed, with how much of the other's has to be seen by then.
    typed: Vec<(usize, &'t Typed)>,
    made: usize,
    pushed: usize,
    /// Of the other's.
    seen: usize,
}

impl<'t> Person<'t> {
    fn new(name: &str, server: &Running, typed: Vec<(usize, &'t Typed)>) -> Person<'t> {
        let disk = MemoryDisk::new();
        let entropy = Arc::new(SeededEntropy::new(seed(name.len() as u64)));
        let options = Options::new().env(Env { entropy, ..env(&disk) });
        let remote = Arc::new(Remote::open(&url(server)).unwrap());
        let replica: Replica<Text> =
            options.replica_of(Arc::clone(&remote) as _, name, Beginning::Oldest).unwrap();
        Person { writer: replica.write_through(remote).unwrap(), typed, made: 0, pushed: 0, seen: 0 }
    }

    fn wants_to_see(&self) -> Option<usize> {
        self.typed.get(self.made).map(|(seen, _)| *seen)
    }

    /// How much of the other's, beyond so much, will have to be seen next.
    fn will_have_to_see(&self, beyond: usize) -> usize {
        let needed = self.typed[self.made..].iter().map(|(seen, _)| *seen);
        needed.into_iter().find(|seen| *seen > beyond).unwrap_or(usize::MAX)
    }

    fn type_next(&mut self) {
        let (_, typed) = self.typed[self.made];
        let recipe = |text: &mut Text| {
            for edit in &typed.edits {
                text.replace_range(edit.at..edit.at + edit.del, &edit.ins);
            }
        };
        self.writer.produce(recipe).unwrap();
        self.made += 1;
    }

    /// Does what can be done without seeing more than was seen then, or showing more than that. Whether that was anything.
    fn go_on(&mut self, other: &Person<'_>) -> bool {
        let before = (self.made, self.pushed, self.seen);
        if self.wants_to_see().is_some_and(|wanted| wanted > self.seen && wanted == other.pushed) {
            self.writer.replica().catch_up().unwrap();
            self.seen = other.pushed;
        }
        let mut until = other.will_have_to_see(self.pushed);
        if self.made == until && other.seen == self.pushed {
            self.writer.push().unwrap();
            self.pushed = until;
            until = other.will_have_to_see(self.pushed);
        }
        while self.wants_to_see() == Some(self.seen) && self.made < until {
            self.type_next();
        }
        before != (self.made, self.pushed, self.seen)
    }
}

/// What one store makes of the same, without anybody in between.
fn merged(typed: &[Typed]) -> String {
    let options = Options::new().env(env(&MemoryDisk::new())).durability(Durability::UnsafeNoSync);
    let store: Store<Text> = options.open("/alone").unwrap();
    let mut sequences = [0; 2];
    for (one, base) in typed.iter().zip(bases(typed)) {
        let (sequence, writer) = (&mut sequences[one.writer], format!("{:x}", one.writer + 1));
        *sequence += 1;
        store.merge(&Submission::new(base, one.patch()).by(writer.parse().unwrap(), *sequence)).unwrap();
    }
    store.state().to_string()
}

#[test]
fn two_replicas_that_type_over_http_end_in_the_text_that_was_recorded() {
    let Some(Recording { mut typed, end }) = recording() else { return };
    let all = typed.len();
    typed.truncate(setting("REDRAFT_TYPED_OVER_HTTP", 3_000) as usize);
    let end = if typed.len() == all { end } else { merged(&typed) };
    let disk = MemoryDisk::new();
    let store: Arc<Store<Text>> = Arc::new(Options::new().env(env(&disk)).open("/store").unwrap());
    let server = Running::new(Server::new(Served::from(Arc::clone(&store))));
    let [first, second] = of_two(&typed);
    let mut ann = Person::new("/ann", &server, first);
    let mut benjamin = Person::new("/benjamin", &server, second);
    while ann.go_on(&benjamin) | benjamin.go_on(&ann) {}
    for person in [&ann, &benjamin] {
        assert_eq!(person.made, person.typed.len(), "each waits for the other");
        person.writer.push().unwrap();
    }
    for person in [&ann, &benjamin] {
        person.writer.exchange().unwrap();
        assert_eq!(person.writer.pending(), 0);
        assert!(*person.writer.view().unwrap() == *end, "another text");
        assert_eq!(person.writer.replica().store().version(), typed.len() as u64);
    }
    assert!(*store.state() == *end, "another text where it is merged");
    counted(typed.len() as u64, "recorded transactions typed over HTTP");
}
