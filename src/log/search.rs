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
        // Where the segment begins that holds the end: in most searches that is the only one, and is asked for once.
        let mut last = u64::MAX;
        while low < high {
            let middle = low + (high - low) / 2;
            if high <= last {
                last = self.base_of(high - 1)?;
            }
            let base = if last <= middle { last } else { self.base_of(middle)? };
            if self.read_in(base, middle, &mut payload)?.is_none() {
                let first = base.max(low);
                match self.scan(first..high, &mut before)? {
                    Some(found) if found == first && first > low => high = first,
                    found => return Ok(found.unwrap_or(high)),
                }
            } else if before(middle, &payload)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Reads a record in the segment that begins at `base`, without asking which segments there are. Nothing if nobody knows
    /// where the records of that segment are.
    pub(crate) fn read_in(&self, base: u64, offset: u64, buffer: &mut Vec<u8>) -> Result<Option<u32>> {
        let found = self.with_segment(base, |segment| segment.read(offset, buffer));
        found.map_err(|error| self.truncated(offset, error))
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

#[cfg(test)]
mod tests {
    use crate::io::{Env, MemoryDisk};
    use crate::log::Options;
    use std::path::Path;

    /// In segments of a few records, for readers that know the places in the newest one and for those that do not.
    #[test]
    fn the_place_is_found_that_going_through_all_of_a_range_finds() {
        let (disk, dir) = (MemoryDisk::new(), Path::new("/store"));
        let options = Options::new().env(Env::simulated(disk, 7)).segment_bytes(512);
        let log = options.open(dir).unwrap();
        let body = |offset: u64| [offset as u8 + 1; 90];
        (0..14).for_each(|offset| assert_eq!(log.append(&body(offset)).unwrap(), offset));
        assert!(log.segment_count() > 3);
        for reader in [log.reader(), options.open_read_only(dir).unwrap()] {
            let head = reader.head().unwrap();
            for (start, end) in (0..=head).flat_map(|start| (start..=head).map(move |end| (start, end))) {
                for wanted in 0..=head {
                    let found = reader.partition_point(start..end, |offset, payload| {
                        assert!((start..end).contains(&offset), "{offset} was not asked for");
                        assert_eq!(payload, body(offset));
                        Ok(offset < wanted)
                    });
                    assert_eq!(found.unwrap(), wanted.clamp(start, end), "{wanted} in {start}..{end}");
                }
            }
        }
    }
}
