//! What each engine does to make an append durable, as seen with
//! `strace -f -c -e trace=fdatasync,fsync,msync,sync_file_range,pwrite64,write,io_uring_enter`.

use crate::engines::Name;

pub(crate) const SYNCS: [(Name, &str); 12] = [
    (Name::Raw, "one `pwrite` and one `fdatasync` an append, a batch, or a group of threads"),
    (
        Name::Redraft,
        "the same, and a `pwrite` of 16 bytes behind it that waits for nothing; threads share syncs. Not synced: \
         `Durability::Interval` of a second",
    ),
    (Name::RaftEngine, "one `pwrite` and one `fdatasync`; threads share syncs, each record its own `pwrite`"),
    (
        Name::Okaywal,
        "one `write` and one `fdatasync`, over zeros written beforehand; threads share syncs. A batch is an entry of 1,000 \
         chunks",
    ),
    (
        Name::Commitlog,
        "† **nothing**: its `flush` syncs no record, only a page of the index with `msync`, one in 512 appends",
    ),
    (
        Name::Walrus,
        "one `pwrite` to a file opened with `O_SYNC`, and an `fsync` besides; threads share nothing. In a batch every record \
         is a synced write of its own (`io_uring`). Batches are followed by an `fsync` even when nothing is to be synced",
    ),
    (
        Name::Sled,
        "† `sync_file_range` of what was written: the disk is told to write, not to empty its cache, and of metadata nothing; \
         a power cut may take it",
    ),
    (Name::Fjall, "one `write` and one `fdatasync`; threads share nothing"),
    (Name::Redb, "some six `pwrite`s and one `fdatasync` a transaction; threads take turns"),
    (
        Name::Sqlite,
        "`synchronous=FULL`: two `pwrite`s and one `fsync` of the WAL a transaction; threads take turns. Not synced: \
         `synchronous=OFF`",
    ),
    (
        Name::Salamander,
        "`write` and `fdatasync` of the log, then `write`, `fsync` and `rename` of a catalogue that grows with it",
    ),
    (
        Name::Batpak,
        "one `write` a record and one `fdatasync`, and the append waits for it because `DurabilityGate` says so: otherwise it \
         returns before; threads share syncs (`group_commit_max_batch`)",
    ),
];
