//! Whatever writers do, and whatever happens to the store, everybody comes to the state that the log says, and the log says the same
//! whether the store was closed and killed between or not.
//!
//! A world that fails is told by its seed and made as short as it gets.

use crate::common::{counted, seed, setting};
use crate::edits::{Board, Doc};
use crate::worlds::{World, run};
use redraft::patch::apply;
use redraft::{State, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is wrong with a world, if anything is.
fn fault<S: Doc>(world: &World) -> Option<String> {
    let judged = catch_unwind(AssertUnwindSafe(|| judge::<S>(world)));
    judged.unwrap_or_else(|_| Err("a panic".into())).err()
}

fn judge<S: Doc>(world: &World) -> Result<(), String> {
    let restarted = run::<S>(world, true)?;
    let document = restarted.log.iter().try_fold(Value::default(), |document, change| {
        apply(&document, &change.patch).map(|applied| applied.state)
    });
    let document = document.map_err(|error| format!("the log alone: {error}"))?;
    if !document.same(&restarted.state.to_value()) {
        return Err("the log alone says another state".into());
    }
    if world.compacts() {
        return Ok(());
    }
    let alone = run::<S>(world, false)?;
    match restarted.log.iter().zip(&alone.log).find(|(one, other)| one != other) {
        Some((one, other)) => Err(format!("with restarts {one:#?}, without {other:#?}")),
        None if restarted.log.len() != alone.log.len() => Err("one log is longer".into()),
        None => Ok(()),
    }
}

/// Leaves out steps for as long as something is still wrong.
fn shortened<S: Doc>(mut world: World) -> (World, String) {
    let mut stretch = world.steps.len() / 2;
    while stretch > 0 {
        let mut at = 0;
        while at < world.steps.len() {
            let mut shorter = world.clone();
            shorter.steps.drain(at..(at + stretch).min(world.steps.len()));
            match fault::<S>(&shorter) {
                Some(_) => world = shorter,
                None => at += stretch,
            }
        }
        stretch /= 2;
    }
    let what = fault::<S>(&world).unwrap_or_default();
    (world, what)
}

fn worlds<S: Doc>(count: u64, first: u64) {
    let mut changes = 0;
    for number in first..first + count {
        let world = World::new(seed(number));
        changes += world.steps.len() as u64;
        if fault::<S>(&world).is_some() {
            let (world, what) = shortened::<S>(world);
            panic!("seed {}: {what}\n{world:#?}", seed(number));
        }
    }
    counted(count, "worlds of writers");
    counted(changes, "steps in them");
}

#[test]
fn documents_converge_and_restarts_change_nothing() {
    worlds::<Value>(setting("REDRAFT_MERGE_WORLDS", 500) / 2, 0);
}

#[test]
fn typed_states_converge_and_restarts_change_nothing() {
    worlds::<Board>(setting("REDRAFT_MERGE_WORLDS", 500) / 2, 1 << 32);
}
