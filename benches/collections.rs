//! Our lists and maps against imbl's, each pair in one run: the ratios are what counts.

use divan::{Bencher, black_box};
use redraft::collections::{List, Map};

fn main() {
    divan::main();
}

const SIZE: u64 = 1_000_000;

/// Scattered all over, the same in every run.
fn places() -> impl Iterator<Item = u64> {
    (0..1000).map(|n| n * 7_919 * 613 % SIZE)
}

macro_rules! maps {
    ($name:ident, $map:ty, |$old:ident, $new:ident| $diff:expr) => {
        #[divan::bench_group(max_time = 1)]
        mod $name {
            use super::*;

            fn full() -> $map {
                (0..SIZE).map(|n| (n, n)).collect()
            }

            #[divan::bench]
            fn build(bencher: Bencher<'_, '_>) {
                bencher.bench_local(full);
            }

            #[divan::bench]
            fn get_1000(bencher: Bencher<'_, '_>) {
                let map = full();
                bencher.bench_local(|| places().filter(|at| map.get(at).is_some()).count());
            }

            #[divan::bench]
            fn insert_1000_into_a_clone(bencher: Bencher<'_, '_>) {
                let map = full();
                bencher.bench_local(|| {
                    let mut map = map.clone();
                    places().for_each(|at| _ = map.insert(at, 0));
                    map
                });
            }

            #[divan::bench]
            fn insert_100_000_one_by_one(bencher: Bencher<'_, '_>) {
                bencher.bench_local(|| {
                    let mut map = <$map>::new();
                    (0..100_000_u64).for_each(|n| _ = map.insert(n * 7_919 % SIZE, n));
                    map
                });
            }

            #[divan::bench]
            fn iterate(bencher: Bencher<'_, '_>) {
                let map = full();
                bencher.bench_local(|| map.iter().fold(0, |sum, (_, value)| sum ^ value));
            }

            #[divan::bench]
            fn diff_after_1000(bencher: Bencher<'_, '_>) {
                let $old = full();
                let mut $new = $old.clone();
                places().for_each(|at| _ = $new.insert(at, SIZE));
                bencher.bench_local(|| $diff);
            }
        }
    };
}

maps!(map_ours, Map<u64, u64>, |old, new| old.diff(&new, |a, b| a == b).count());
maps!(map_imbl, imbl::OrdMap<u64, u64>, |old, new| old.diff(&new).count());

macro_rules! lists {
    ($name:ident, $list:ty, $push:ident) => {
        #[divan::bench_group(max_time = 1)]
        mod $name {
            use super::*;

            fn full() -> $list {
                (0..SIZE).collect()
            }

            #[divan::bench]
            fn build(bencher: Bencher<'_, '_>) {
                bencher.bench_local(full);
            }

            #[divan::bench]
            fn get_1000(bencher: Bencher<'_, '_>) {
                let list = full();
                bencher.bench_local(|| places().filter_map(|at| list.get(at as usize)).fold(0, |a, b| a ^ b));
            }

            #[divan::bench]
            fn set_1000_in_a_clone(bencher: Bencher<'_, '_>) {
                let list = full();
                bencher.bench_local(|| {
                    let mut list = list.clone();
                    places().for_each(|at| list[at as usize] = 0);
                    list
                });
            }

            #[divan::bench]
            fn insert_1000_into_a_clone(bencher: Bencher<'_, '_>) {
                let list = full();
                bencher.bench_local(|| {
                    let mut list = list.clone();
                    places().for_each(|at| list.insert(at as usize, 0));
                    list
                });
            }

            #[divan::bench]
            fn push_100_000_one_by_one(bencher: Bencher<'_, '_>) {
                bencher.bench_local(|| {
                    let mut list = <$list>::new();
                    (0..100_000_u64).for_each(|n| list.$push(n));
                    list
                });
            }

            #[divan::bench]
            fn iterate(bencher: Bencher<'_, '_>) {
                let list = full();
                bencher.bench_local(|| list.iter().fold(0, |sum, item| sum ^ item));
            }

            #[divan::bench]
            fn cut_and_join(bencher: Bencher<'_, '_>) {
                let list = full();
                bencher.bench_local(|| {
                    let mut front = list.clone();
                    let back = front.split_off(black_box(SIZE as usize / 3));
                    front.append(back);
                    front
                });
            }
        }
    };
}

lists!(list_ours, List<u64>, push);
lists!(list_imbl, imbl::Vector<u64>, push_back);

#[divan::bench(max_time = 1)]
fn list_diff_after_1000(bencher: Bencher<'_, '_>) {
    let old: List<u64> = (0..SIZE).collect();
    let mut new = old.clone();
    places().for_each(|at| new[at as usize] = 0);
    bencher.bench_local(|| old.diff(&new).len());
}
