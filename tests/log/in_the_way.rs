//! A file with records is never written over, whoever put it where it is: somebody copies a segment into the directory of a log
//! that is open, under the name that its next one will have.

use crate::common::dir;
use crate::common::logs::{forward, options};
use redraft::io::MemoryDisk;
use redraft::log::Log;
use redraft::{Error, Result};
use std::error::Error as _;

fn append(log: &Log, number: u8) -> Result<u64> {
    log.append(&[number + 1; 170])
}

fn bases(disk: &MemoryDisk) -> Vec<std::path::PathBuf> {
    disk.files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "seg")).collect()
}

#[test]
fn a_segment_in_the_way_of_the_next_one_is_kept_and_the_log_stops() {
    // What the log will come to: the name and the bytes of its next segment.
    let ahead = MemoryDisk::new();
    let log = options(&ahead).create(true).open(dir()).unwrap();
    for number in 0..6 {
        append(&log, number).unwrap();
    }
    let (first, second) = (bases(&ahead)[0].clone(), bases(&ahead)[1].clone());
    let copied = ahead.bytes(&second).unwrap();
    drop(log);

    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).open(dir()).unwrap();
    disk.put(&second, copied.clone());
    let stopped = (0..6).find_map(|number| append(&log, number).err()).expect("it met the file");
    let Error::Poisoned { ref source, .. } = stopped else { panic!("{stopped:?}") };
    assert!(matches!(**source, Error::Exists { ref path } if *path == second), "{source:?}");
    assert!(stopped.source().is_some());
    drop(log);
    assert_eq!(disk.bytes(&second).unwrap(), copied, "nobody wrote over it");
    assert_eq!(bases(&disk), [first, second.clone()]);
    // Without it, all that was acknowledged is there.
    redraft::io::Disk::remove(&disk, &second).unwrap();
    let log = options(&disk).open(dir()).unwrap();
    let found = forward(&log.reader(), 0).unwrap();
    assert!(!found.is_empty() && found.iter().zip(1..).all(|(record, number)| *record == [number; 170]));
}
