//! What changes go to: a store in a directory, or a node that writes into a stream.
//!
//! Always: what is told of a change is that it is durable, here or in the stream; one that was refused there is an error, and one that
//! nobody could be told of waits in the node's directory, which is said.

use anyhow::{Context, Result};
use redraft::merge::{Outcome, Rules};
use redraft::replica::{Node, Settled};
use redraft::{Error, ErrorKind, Meta, Patch, Store, StoreId, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where changes go.
#[derive(Debug)]
pub(crate) enum Target {
    Store(Box<Store<Value>>),
    Node { node: Node<Value>, dir: PathBuf },
}

/// A node, and the directory it is in.
impl From<(Node<Value>, PathBuf)> for Target {
    fn from((node, dir): (Node<Value>, PathBuf)) -> Target {
        Target::Node { node, dir }
    }
}

/// A change that is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) version: u64,
    pub(crate) ops: usize,
    /// What became of it, where others write too.
    pub(crate) outcome: Option<&'static str>,
}

impl Placed {
    /// What others had to do with it, for people.
    pub(crate) fn remark(&self) -> &'static str {
        match self.outcome {
            Some("rebased") => ", led past what others wrote meanwhile",
            Some("partial") => ", in part: others had written there meanwhile (log --conflicts)",
            _ => "",
        }
    }
}

impl Target {
    /// The newest version here.
    pub(crate) fn version(&self) -> u64 {
        self.store().version()
    }

    pub(crate) fn id(&self) -> StoreId {
        self.store().id()
    }

    fn store(&self) -> &Store<Value> {
        match self {
            Target::Store(store) => store,
            Target::Node { node, .. } => node.store(),
        }
    }

    /// Applies the patch that `make` makes for the very state it is applied to.
    pub(crate) fn apply(&self, meta: Meta, make: impl FnOnce(&Value) -> Result<Patch>) -> Result<Placed> {
        match self {
            Target::Store(store) => {
                let commit = store.apply_with(meta, &make(&store.state())?)?;
                Ok(Placed { version: commit.version(), ops: commit.patch().len(), outcome: None })
            }
            Target::Node { node, dir } => {
                self.placed(&node.apply_with(meta, make).map_err(|error| unheard(error, dir))?)
            }
        }
    }

    /// Takes a change back.
    pub(crate) fn undo(&self, version: u64) -> Result<Placed> {
        match self {
            Target::Store(store) => Ok(of(&store.undo(version)?)),
            Target::Node { node, .. } => self.told(node.undo(version)?, None),
        }
    }

    /// Does again what was taken back.
    pub(crate) fn redo(&self, version: u64) -> Result<Placed> {
        match self {
            Target::Store(store) => Ok(of(&store.redo(version)?)),
            Target::Node { node, .. } => self.told(node.redo(version)?, None),
        }
    }

    /// What is done where changes meet.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.store().rules()
    }

    pub(crate) fn set_rules(&self, rules: Rules) -> Result<()> {
        match self {
            Target::Store(store) => store.set_rules(rules).map(drop)?,
            Target::Node { node, .. } => node.set_rules(rules)?,
        }
        Ok(())
    }

    pub(crate) fn close(self) -> Result<()> {
        match self {
            Target::Store(store) => store.close()?,
            Target::Node { node, .. } => node.close()?,
        }
        Ok(())
    }

    fn placed(&self, settled: &Settled) -> Result<Placed> {
        if let Outcome::Rejected { detail, .. } = &settled.outcome {
            anyhow::bail!(
                "what others wrote meanwhile stands in its way, and it was refused as version {}: {detail}",
                settled.version
            );
        }
        match settled.sequence {
            0 => Ok(Placed { version: settled.version, ops: 0, outcome: None }),
            _ => self.told(settled.version, Some(settled.outcome.name())),
        }
    }

    /// How many operations the change that made a version has.
    fn told(&self, version: u64, outcome: Option<&'static str>) -> Result<Placed> {
        let change =
            self.store().changes(version..=version)?.next().context("a change that was there is gone")??;
        Ok(Placed { version, ops: change.patch.len(), outcome })
    }
}

fn of(commit: &redraft::Commit<Value>) -> Placed {
    Placed { version: commit.version(), ops: commit.patch().len(), outcome: None }
}

/// Says what becomes of a change that nothing was heard of.
fn unheard(error: anyhow::Error, dir: &Path) -> anyhow::Error {
    match error.downcast_ref::<Error>() {
        Some(cause) if cause.kind() == ErrorKind::Unreachable || matches!(cause, Error::Ended { .. }) => error.context(format!(
            "the change waits in {}, and goes to the stream before the next one that is made from there: do not make it again",
            dir.display()
        )),
        _ => error,
    }
}
