//! Candidates: the offsets that some terms lead to, newest first, read chunk by chunk as they are asked for.
//!
//! Always: every change in the range that has one of the terms comes out, once; others may come out too, because terms are
//! hashes. What is posted meanwhile changes nothing: the range has an end.

use super::chunk;
use super::term::Term;
use super::tree::{Lost, Tree};
use std::ops::Range;
use std::sync::Arc;

/// Offsets that are to be looked at, descending.
#[derive(Debug)]
pub(crate) struct Candidates {
    streams: Vec<Stream>,
}

/// Those that one term leads to.
#[derive(Debug)]
struct Stream {
    tree: Arc<Tree>,
    term: Term,
    offsets: Range<u64>,
    /// Chunks that begin before this are still to be read.
    before: u64,
    /// What the chunk read last holds, ascending.
    ready: Vec<u64>,
}

impl Candidates {
    pub(super) fn new(tree: &Arc<Tree>, terms: &[Term], offsets: Range<u64>) -> Candidates {
        let stream = |&term: &Term| Stream {
            tree: Arc::clone(tree),
            term,
            offsets: offsets.clone(),
            before: offsets.end,
            ready: Vec::new(),
        };
        Candidates { streams: terms.iter().map(stream).collect() }
    }

    /// The next one. Costs reading a chunk of a few hundred bytes for every two hundred of them, or more where lists are
    /// shared.
    pub(crate) fn next_offset(&mut self) -> Result<Option<u64>, Lost> {
        let mut newest = None;
        for stream in &mut self.streams {
            newest = newest.max(stream.peek()?);
        }
        for stream in &mut self.streams {
            if newest.is_some() && stream.ready.last().copied() == newest {
                stream.ready.pop();
            }
        }
        Ok(newest)
    }
}

impl Stream {
    fn peek(&mut self) -> Result<Option<u64>, Lost> {
        while self.ready.is_empty() && self.before > self.offsets.start {
            let Some((first, value)) = self.tree.chunk_before(self.term.list, self.before)? else {
                self.before = self.offsets.start;
                break;
            };
            let found = chunk::of_mark(&value, self.term.mark).map(|at| first + u64::from(at));
            self.ready.extend(found.filter(|offset| self.offsets.contains(offset)));
            self.before = first;
        }
        Ok(self.ready.last().copied())
    }
}
