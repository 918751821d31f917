//! What each engine does to make an append durable, as seen with
//! `strace -f -c -e trace=fdatasync,fsync,msync,sync_file_range,pwrite64,write`.

use crate::engines::Name;

pub(crate) const SYNCS: [(Name, &str); 12] = [
    (Name::Raw, ""),
    (Name::Redraft, ""),
    (Name::RaftEngine, ""),
    (Name::Okaywal, ""),
    (Name::Commitlog, ""),
    (Name::Walrus, ""),
    (Name::Sled, ""),
    (Name::Fjall, ""),
    (Name::Redb, ""),
    (Name::Sqlite, ""),
    (Name::Salamander, ""),
    (Name::Batpak, ""),
];
