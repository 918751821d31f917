//! Power is cut under a real file system: the image that a disk held at some moment is copied and mounted as a machine would
//! that starts again. Every acknowledged change is there, in order.
//!
//! The writer is stopped for the moment of the copy, so that what it had told before is what must be found. A disk whose
//! syncs do nothing is the control: if that loses nothing, nothing was tested.
//!
//! `REDRAFT_POWER_CUTS` says how many, 4 by default. Needs root, for mounting.

use crate::common::Place;
use crate::common::numbered::{check, check_and_go_on};
use crate::mounts::{Mounted, make_image, tool};
use crate::trace;
use crate::writer::Work;
use redraft::{Options, Store, Value};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const CUTS: u64 = 4;
/// A power cut is worth looking at once something was acknowledged; a writer that takes longer than this is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// A disk that is an image, and a place to mount what is left of it.
struct Machine {
    place: Place,
    image: PathBuf,
    disk: Option<Mounted>,
}

/// What was acknowledged when the power went.
struct Cut {
    acknowledged: u64,
    image: PathBuf,
}

impl Machine {
    fn new() -> Option<Machine> {
        let place = Place::new();
        let image = place.path().join("image");
        if !make_image(&image, 512 << 20) {
            return None;
        }
        let disk = Mounted::image(&image, &place.path().join("disk"))?;
        Some(Machine { place, image, disk: Some(disk) })
    }

    fn work(&self) -> Work {
        let store = self.disk.as_ref().unwrap().at("s");
        Work { changes: 1_000_000, segment_bytes: 16 << 10, ..Work::small(&store) }
    }

    /// Lets the writer write for a while after its first acknowledgement, and copies the image while it stands still.
    fn cut(&self, mut writer: Command, after: Duration, number: u64) -> Cut {
        let mut child = writer.stdout(Stdio::null()).spawn().unwrap();
        let (told, process) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let lines = BufReader::new(child.stderr.take().unwrap());
        let listener = {
            let (told, process) = (Arc::clone(&told), Arc::clone(&process));
            std::thread::spawn(move || {
                for line in lines.lines().map_while(Result::ok) {
                    match line.strip_prefix("pid ") {
                        Some(id) => process.store(id.parse().unwrap(), SeqCst),
                        None => told.store(line.parse().unwrap_or_else(|_| told.load(SeqCst)), SeqCst),
                    }
                }
            })
        };
        let started = Instant::now();
        while told.load(SeqCst) == 0 {
            assert!(started.elapsed() < PATIENCE, "nothing was acknowledged");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(after);
        let id = process.load(SeqCst).to_string();
        tool("kill", &["-STOP", &id]).unwrap();
        let acknowledged = told.load(SeqCst);
        let image = self.place.path().join(format!("cut {number}"));
        tool("cp", &["--sparse=always", self.image.to_str().unwrap(), image.to_str().unwrap()]).unwrap();
        tool("kill", &["-KILL", &id]).unwrap();
        child.wait().unwrap();
        listener.join().unwrap();
        Cut { acknowledged, image }
    }

    /// The machine starts again with what the disk held.
    fn restart(&self, cut: &Cut) -> Mounted {
        Mounted::image(&cut.image, &self.place.path().join("restarted")).unwrap()
    }
}

#[test]
fn every_acknowledged_change_survives_a_power_cut_of_a_real_file_system() {
    let cuts = crate::setting("REDRAFT_POWER_CUTS", CUTS);
    let Some(machine) = Machine::new() else { return };
    let mut in_all = 0;
    for number in 0..cuts {
        let after = Duration::from_millis(number * 37 % 400);
        let cut = machine.cut(machine.work().command(), after, number);
        let restarted = machine.restart(&cut);
        let found = check_and_go_on(&restarted.at("s"), cut.acknowledged);
        in_all += cut.acknowledged;
        eprintln!("cut {number}: {} acknowledged, {found} found", cut.acknowledged);
        drop(restarted);
        std::fs::remove_file(&cut.image).unwrap();
        std::fs::remove_dir_all(machine.work().store).unwrap();
    }
    eprintln!("counted {cuts} power cuts under a real file system");
    assert!(in_all > cuts, "next to nothing was acknowledged, so nothing was tested");
}

/// Whether a store holds everything up to a version.
fn holds(store: &str, acknowledged: u64) -> bool {
    let opened = Options::new().create(false).open::<Value>(store);
    let whole = |store: Store<Value>| store.version() >= acknowledged;
    let holds = opened.is_ok_and(whole);
    if holds {
        check(store, 0, acknowledged);
    }
    holds
}

#[test]
fn a_real_disk_that_lies_about_syncs_is_caught() {
    if !trace::possible() {
        return;
    }
    let Some(machine) = Machine::new() else { return };
    let log = machine.place.path().join("log");
    let lying =
        trace::traced(&machine.work().command(), "fdatasync,fsync", Some("fdatasync,fsync:retval=0"), &log);
    let cut = machine.cut(lying, Duration::from_millis(100), 0);
    let restarted = machine.restart(&cut);
    assert!(!holds(&restarted.at("s"), cut.acknowledged), "what was never synced survived a power cut");
}
