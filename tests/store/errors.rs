//! An error answers what to do now by what it is and what it carries; nobody has to read its text.

use crate::common::{dir, open, options, segment_path, written};
use redraft::io::MemoryDisk;
use redraft::{Damage, Defect, DraftError, Error, ErrorKind, Occupant, Role, Store, UndoRefusal, Value};
use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn at() -> PathBuf {
    "/store".into()
}

/// What is said of a segment that does not begin as one.
fn damage() -> Damage {
    let (disk, store, _) = written(1, 3, &[]);
    store.close().unwrap();
    disk.put(&segment_path(0), vec![1; 500]);
    let Err(Error::Damaged(damage)) = open(&disk) else { panic!("it is damaged") };
    assert_eq!(damage.defect, Defect::Magic);
    damage
}

fn refused_by_the_system(kind: io::ErrorKind) -> Error {
    Error::Io { operation: "sync segment", path: at(), source: kind.into() }
}

fn poisoned(cause: Error) -> Error {
    Error::Poisoned { source: Arc::new(cause), pending: Some(4) }
}

#[test]
fn the_kind_of_an_error_says_what_to_do() {
    let full = || refused_by_the_system(io::ErrorKind::StorageFull);
    let root = redraft::value::Path::root;
    let deep = DraftError::Depth { path: root() };
    for (error, kind) in [
        (full(), ErrorKind::Environment),
        (refused_by_the_system(io::ErrorKind::NotFound), ErrorKind::NotFound),
        (poisoned(full()), ErrorKind::Poisoned),
        (Error::NotAStore { path: at(), found: Occupant::Missing }, ErrorKind::NotFound),
        (Error::BeyondHead { version: 9, head: 3 }, ErrorKind::NotFound),
        (Error::Locked { path: at(), holder: None }, ErrorKind::Busy),
        (Error::Unfinished { path: at() }, ErrorKind::Busy),
        (Error::Exists { path: at() }, ErrorKind::Refused),
        (Error::Draft(deep), ErrorKind::Refused),
        (Error::UndoState { version: 1, why: UndoRefusal::NotUndone }, ErrorKind::Refused),
        (Error::Draft(DraftError::Recipe("no".into())), ErrorKind::Recipe),
        (Error::Outdated { base: Some(1), head: 2 }, ErrorKind::Stale),
        (Error::PlanOutdated { path: at() }, ErrorKind::Stale),
        (Error::Reentrant, ErrorKind::Misuse),
        (Error::EmptyRecord { index: 0 }, ErrorKind::Misuse),
        (Error::Role { path: at(), wanted: Role::Store, found: Role::Log }, ErrorKind::Misuse),
        (Error::Misfit { version: 1, path: root(), reason: "other".into() }, ErrorKind::Misfit),
        (Error::Diverged { offset: 1, source_head: 2, replica_head: 3 }, ErrorKind::Diverged),
        (Error::from(damage()), ErrorKind::Damage),
    ] {
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}

/// Whoever prints an error and then its sources should read nothing twice, and miss nothing.
#[test]
fn what_an_error_prints_it_does_not_also_give_as_its_source() {
    let full = || refused_by_the_system(io::ErrorKind::StorageFull);
    let recipe = Error::Draft(DraftError::Recipe("the house says no".into()));
    for error in [full(), poisoned(full()), recipe, damage().into()] {
        let printed = error.to_string();
        let source = error.source().map(ToString::to_string);
        assert!(source.is_none_or(|source| !printed.contains(&source)), "{error:?}");
    }
    assert!(poisoned(full()).source().is_some_and(|cause| cause.source().is_some()));
}

#[test]
fn what_the_system_answered_and_where_is_found_through_a_failed_session() {
    for error in [
        refused_by_the_system(io::ErrorKind::StorageFull),
        poisoned(refused_by_the_system(io::ErrorKind::StorageFull)),
    ] {
        assert_eq!(error.io().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
        assert_eq!(error.path(), Some(Path::new("/store")));
    }
    assert_eq!(Error::from(damage()).path(), Some(segment_path(0).as_path()));
    assert!(Error::Reentrant.path().is_none() && Error::Reentrant.io().is_none());
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is too much")]
struct TooMuch(i64);

#[test]
fn a_program_gets_its_own_error_back_from_its_recipe() {
    let store: Store<Value> = options(&MemoryDisk::new()).create(true).open(dir()).unwrap();
    let error = store.produce(|_| Err::<(), _>(TooMuch(7))).unwrap_err();
    assert!(matches!(error.recipe(), Some(TooMuch(7))), "{error:?}");
    assert_eq!(error.to_string(), "7 is too much");
    let other = store.produce(|_| Err::<(), _>("no")).unwrap_err();
    assert_eq!((other.kind(), other.recipe::<TooMuch>().is_none()), (ErrorKind::Recipe, true));
}

/// Damage used to hide from `Error::damage` wherever something was built upon it.
#[test]
fn damage_is_found_wherever_it_is_the_reason() {
    let plain = Error::from(damage());
    let irreparable = Error::Irreparable { path: at(), why: Box::new(damage()) };
    for error in [plain, irreparable, poisoned(damage().into())] {
        assert_eq!(error.damage(), Some(&damage()), "{error:?}");
    }
    assert_eq!(Error::Exists { path: at() }.damage(), None);
}
