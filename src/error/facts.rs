//! What errors say beyond numbers and paths: small answers that a program can match on.

use std::fmt;

/// What a directory of segments is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// A [`Log`](crate::log::Log): records of a program's own.
    Log,
    /// A [`Store`](crate::Store): the changes of a state, made here.
    Store,
    /// A [`Replica`](crate::Replica): the changes of a state, made elsewhere.
    Replica,
    /// A [backup](crate::Store::backup): the changes of a state as they were when it was made.
    Backup,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Log => "log",
            Role::Store => "store",
            Role::Replica => "replica",
            Role::Backup => "backup",
        })
    }
}

impl Role {
    /// What follows from being this and nothing else.
    pub(super) fn means(self) -> &'static str {
        match self {
            Role::Log => "its records are a program's own",
            Role::Store => "its changes are made through Store, and follow nobody",
            Role::Replica => "its changes are made in its source, this copy only follows",
            Role::Backup => {
                "only the next backup adds to it; read it, or restore from it into another directory"
            }
        }
    }
}

/// What is found in the place of a store or log that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Occupant {
    /// Nothing has this name.
    Missing,
    /// An empty directory, or one that holds only what an interrupted creation left.
    Empty,
    /// A file, or something else that is no directory.
    File,
    /// Snapshots of a store, but no segment of its log: what is left of it, or the beginning of a copy.
    Remains,
    /// A directory that holds something else.
    Other,
}

impl fmt::Display for Occupant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Occupant::Missing => "it does not exist",
            Occupant::Empty => "there is nothing in it",
            Occupant::File => "it is a file; a store is a directory",
            Occupant::Remains => "there are snapshots in it, but no segment of a log: they are what is left of one, or a copy was begun",
            Occupant::Other => "there is no segment of a log in it",
        })
    }
}

/// Why a change cannot be taken back, or done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UndoRefusal {
    /// It is undone, and that undo still stands.
    AlreadyUndone,
    /// It was to be done again, but nothing took it back.
    NotUndone,
    /// Version 0 is the beginning, and no change made it.
    Beginning,
    /// It is a migration, or was made before one: what would take it back is of an older schema than the state.
    Migrated {
        /// The version that the migration made.
        by: u64,
    },
}

impl fmt::Display for UndoRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UndoRefusal::AlreadyUndone => f.write_str("is undone already"),
            UndoRefusal::NotUndone => f.write_str("is not undone"),
            UndoRefusal::Beginning => f.write_str("is the beginning: no change made it"),
            UndoRefusal::Migrated { by } => {
                write!(f, "is of an older schema than the state, which change {by} migrated")
            }
        }
    }
}
