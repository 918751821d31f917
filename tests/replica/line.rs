//! What lies between a source and who follows it, as the dice have it.

use crate::common::{dir, env, options};
use crate::exchange;
use crate::wire::Wire;
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::replica::{Directory, Source};
use redraft::{Result, Store, Value};
use std::sync::Arc;

/// By which way a source is reached, and whether something happens on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Bytes of its directory.
    Wire { is_bad: bool },
    /// Asked over HTTP, as a server answers and the client hears it, without a socket.
    Http { is_bad: bool },
}

/// As the dice number it: nothing happens.
const NONE: usize = 7;

impl Line {
    /// The same way, once nothing happens on it any longer.
    pub(crate) fn mended(self) -> Line {
        match self {
            Line::Wire { .. } => Line::Wire { is_bad: false },
            Line::Http { .. } => Line::Http { is_bad: false },
        }
    }

    /// The store on this disk, and what happens on the way this time. Who writes it may be served itself.
    pub(crate) fn to(
        self,
        disk: &MemoryDisk,
        written: Option<&Arc<Store<Value>>>,
        dice: &SeededEntropy,
    ) -> Result<Arc<dyn Source>> {
        let troubled = |is_bad: bool| {
            let (trouble, dice) = (dice.below(NONE + 1), SeededEntropy::new(dice.next()));
            (if is_bad { trouble } else { NONE }, dice)
        };
        Ok(match self {
            Line::Wire { is_bad } => {
                let ((trouble, dice), end) = (troubled(is_bad), Directory::open_in(&env(disk), dir())?);
                Wire::in_trouble(end, trouble, dice)
            }
            Line::Http { is_bad } => {
                let (trouble, dice) = troubled(is_bad);
                let served = match written {
                    Some(store) => Arc::clone(store).into(),
                    None => options(disk).open_read_only::<Value>(dir())?.into(),
                };
                Arc::new(exchange::reached(served, trouble, dice)?)
            }
        })
    }
}
