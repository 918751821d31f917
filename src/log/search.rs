//! Searching a log whose records are in some order besides that of their offsets.
//!
//! Leaves what that order is to the caller. Always: what is compared was verified when it was read.

use super::Reader;
use crate::error::Result;
use std::ops::Range;

impl Reader {
    /// The first offset in `range` whose record is not `before` what is looked for, or the end of the range; all that are
    /// before must come first. Costs some twenty single reads for a million records; where nobody knows the places of the
    /// records, in the newest segment beside a writer in another process or after a crash, one scan of that segment.
    ///
    /// # Errors
    /// As [`read`](Reader::read), and what `before` returns.
    pub(crate) fn partition_point(
        &self,
        range: Range<u64>,
        mut before: impl FnMut(u64, &[u8]) -> Result<bool>,
    ) -> Result<u64> {
        let Range { start: mut low, end: mut high } = range;
        let mut payload = Vec::new();
        while low < high {
            let middle = low + (high - low) / 2;
            if !self.knows_place_of(middle)? {
                let first = self.base_of(middle)?.max(low);
                match self.scan(first..high, &mut before)? {
                    Some(found) if found == first && first > low => high = first,
                    found => return Ok(found.unwrap_or(high)),
                }
                continue;
            }
            self.read_into(middle, &mut payload)?;
            if before(middle, &payload)? { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Whether a record can be read without scanning its segment.
    pub(crate) fn knows_place_of(&self, offset: u64) -> Result<bool> {
        let base = self.base_of(offset)?;
        Ok(self.with_segment(base, |_| Ok(Some(())))?.is_some())
    }

    /// The first offset in `range` whose record is not before, found by reading them one after the other.
    fn scan(
        &self,
        range: Range<u64>,
        before: &mut impl FnMut(u64, &[u8]) -> Result<bool>,
    ) -> Result<Option<u64>> {
        let mut records = self.records(range.start)?;
        while records.offset() < range.end {
            let Some(record) = records.next_record()? else { break };
            if !before(record.offset(), record.payload())? {
                return Ok(Some(record.offset()));
            }
        }
        Ok(None)
    }
}
