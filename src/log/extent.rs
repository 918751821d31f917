//! How much a log is, in bytes: its files, or what comes after an offset.
//!
//! Leaves to [`Reader`] where records are. Always: what is told of records is what a copy of them would be sent, whether or not
//! segments are packed.

use super::Reader;
#[cfg(feature = "http")]
use crate::error::IoContext;
use crate::error::Result;
#[cfg(feature = "http")]
use crate::io::Access;
use crate::segment::format::HEADER_BYTES;
use crate::segment::path_of;
use crate::segment::reader::SegmentReader;

impl Reader {
    /// How many segments there are, and how many bytes their files take. Looks at each.
    #[cfg(feature = "http")]
    pub(crate) fn extent(&self) -> Result<(usize, u64)> {
        let bases = self.bases()?;
        let length_of = |&base: &u64| {
            let path = path_of(&self.dir, base);
            let file = self.env.disk.open(&path, Access::Read).during("open segment", &path)?;
            file.len().during("measure segment", &path)
        };
        let bytes: Result<Vec<u64>> = bases.iter().map(length_of).collect();
        Ok((bases.len(), bytes?.iter().sum()))
    }

    /// How many bytes the records from offset `from` on take, up to the head. Looks for both places, and at the end of each segment
    /// between them.
    ///
    /// # Errors
    /// As [`records`](Reader::records).
    pub(crate) fn bytes_since(&self, from: u64) -> Result<u64> {
        let ((first, begin), (last, end)) =
            (self.records(from)?.place(), self.records(self.head()?)?.place());
        let between = self.bases()?.into_iter().filter(|base| (first..last).contains(base));
        let records_of = |base| self.end_of_sealed(base).map(|end| end.saturating_sub(HEADER_BYTES as u64));
        let sealed: Result<Vec<u64>> = between.map(records_of).collect();
        let until = sealed?.iter().sum::<u64>() + end;
        Ok(until.saturating_sub(begin))
    }

    /// The place behind the last record of a segment that has a successor.
    fn end_of_sealed(&self, base: u64) -> Result<u64> {
        let path = path_of(&self.dir, base);
        let mut segment = SegmentReader::open(&*self.env.disk, path, base)?;
        Ok(segment.footer()?.map_or(segment.file_bytes(), |footer| footer.data_end))
    }
}

#[cfg(test)]
mod tests {
    use crate::io::{Env, MemoryDisk};
    use crate::log::{Options, Reader};
    use crate::segment::format::FRAME_BYTES;
    use std::path::Path;

    /// Counted by hand: what was put in after an offset, whoever asks, wherever segments end.
    #[test]
    fn bytes_since_an_offset_are_those_of_the_records_after_it() {
        let options = Options::new().env(Env::simulated(MemoryDisk::new(), 7)).segment_bytes(512);
        let log = options.open(Path::new("/log")).unwrap();
        let lengths: Vec<usize> = (0..60).map(|n| 1 + n * 7 % 90).collect();
        let end = log.append_all(lengths.iter().map(|&length| vec![7; length])).unwrap().end;
        assert_eq!(end, 60);
        assert!(log.segment_count() > 5);
        let elsewhere = options.open_read_only(Path::new("/log")).unwrap();
        for from in 0..=lengths.len() {
            let expected: usize = lengths[from..].iter().map(|length| length + FRAME_BYTES).sum();
            let told = |reader: &Reader| reader.bytes_since(from as u64).unwrap();
            assert_eq!((told(&log.reader()), told(&elsewhere)), (expected as u64, expected as u64), "{from}");
        }
        assert!(elsewhere.bytes_since(61).is_err());
    }
}
