//! [`Versions`]: a set of versions that lie close together, as those do that somebody has not seen.
//!
//! Bits in blocks, the blocks in a tree that clones share. Always: cloned in O(1); a version is in it or not, whatever its clones hold.

use crate::collections::Map;

/// So many words are in a block, which is copied as a whole.
const WORDS: usize = 8;
const WORD_BITS: u64 = u64::BITS as u64;
const BLOCK: u64 = WORD_BITS * WORDS as u64;

#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    blocks: Map<u64, [u64; WORDS]>,
}

/// Where a version is: in which block, in which word of it, and in which bit of that.
fn place_of(version: u64) -> (u64, usize, u64) {
    let within = version % BLOCK;
    (version / BLOCK, (within / WORD_BITS) as usize, 1 << (within % WORD_BITS))
}

impl Versions {
    /// O(log blocks).
    pub(super) fn contains(&self, version: u64) -> bool {
        let (block, word, bit) = place_of(version);
        self.blocks.get(&block).is_some_and(|words| words[word] & bit != 0)
    }

    /// O(log blocks).
    pub(super) fn insert(&mut self, version: u64) {
        let (block, word, bit) = place_of(version);
        match self.blocks.get_mut(&block) {
            Some(words) => words[word] |= bit,
            None => {
                let mut words = [0; WORDS];
                words[word] = bit;
                self.blocks.insert(block, words);
            }
        }
    }

    /// Forgets versions of which none is newer than this one; some of those may stay. O(what goes).
    pub(super) fn forget_up_to(&mut self, version: u64) {
        while self.blocks.first_key_value().is_some_and(|(block, _)| block * BLOCK + (BLOCK - 1) <= version) {
            self.blocks.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn what_was_put_in_is_in_it_until_it_is_forgotten(
            steps in proptest::collection::vec((any::<bool>(), 0..3 * BLOCK), 0..200)
        ) {
            let (mut versions, mut model, mut before) = (Versions::default(), BTreeSet::new(), None);
            let mut forgotten = 0;
            for (forgets, version) in steps {
                if forgets && version % 8 == 0 {
                    versions.forget_up_to(version);
                    forgotten = forgotten.max(version + 1);
                } else {
                    before = Some((versions.clone(), model.clone(), forgotten));
                    versions.insert(version);
                    model.insert(version);
                }
            }
            for (versions, model, forgotten) in [(versions, model, forgotten)].into_iter().chain(before) {
                for version in forgotten..4 * BLOCK {
                    prop_assert_eq!(versions.contains(version), model.contains(&version));
                }
            }
        }
    }

    #[test]
    fn what_is_forgotten_takes_no_room() {
        let mut versions = Versions::default();
        (0..10 * BLOCK).for_each(|version| versions.insert(version));
        versions.forget_up_to(9 * BLOCK + 7);
        assert_eq!(versions.blocks.len(), 1);
        versions.forget_up_to(10 * BLOCK - 1);
        assert!(versions.blocks.is_empty());
        versions.insert(u64::MAX);
        versions.forget_up_to(u64::MAX - 1);
        assert!(versions.contains(u64::MAX));
    }
}
