//! [`Durable`]: what the writer of a log tells the readers in its own process.
//!
//! How far the log is durable, and where in the active segment its records are, which in a sealed one the footer tells.
//! Always holds: what is told is durable; places are those of whole records.

use super::ignore_poison;
use crate::segment::format::POSITION_STRIDE;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Durable {
    head: AtomicU64,
    places: Mutex<Places>,
}

/// Where every [`POSITION_STRIDE`]th record of a segment starts.
#[derive(Debug, Default)]
struct Places {
    base: u64,
    bytes: Vec<u32>,
}

impl Durable {
    pub(super) fn new(head: u64, base: u64, places: &[u32]) -> Self {
        let places = Places { base, bytes: places.to_vec() };
        Durable { head: AtomicU64::new(head), places: Mutex::new(places) }
    }

    /// The offset after the last durable record.
    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Tells that all before `head` is durable; `places` are those in the segment that begins at `base`. O(new places).
    pub(super) fn grow(&self, head: u64, base: u64, places: &[u32]) {
        let mut known = ignore_poison(&self.places);
        if known.base != base {
            *known = Places { base, bytes: Vec::new() };
        }
        if let Some(new) = places.get(known.bytes.len()..) {
            known.bytes.extend_from_slice(new);
        }
        drop(known);
        self.head.store(head, Ordering::Release);
    }

    /// The nearest record known at or before `offset` in the segment that begins at `base`: its byte and its offset.
    pub(super) fn place_before(&self, base: u64, offset: u64) -> Option<(u64, u64)> {
        let known = ignore_poison(&self.places);
        let stride = u64::from(POSITION_STRIDE);
        let last = known.bytes.len().checked_sub(1)?;
        let index = (offset.checked_sub(base)? / stride).min(last as u64);
        let byte = known.bytes.get(index as usize).filter(|_| known.base == base)?;
        Some((u64::from(*byte), base + index * stride))
    }
}
