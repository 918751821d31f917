//! The machine fails under a writer: calls answered with errors, full and read-only disks, limits, missing rights, syncs that
//! fail for real. Whatever happens, an acknowledged change is there, nothing is ever wrong, and the store goes on once
//! the machine does.
//!
//! `REDRAFT_FAULTS_PER_CALL` says how many calls of each kind fail in turn, 30 by default.

use crate::common::numbered::{check, check_and_go_on, line};
use crate::common::{Done, Place, command, content, done, redraft, redraft_fed};
use crate::mounts::{Mounted, make_image};
use crate::skipped;
use crate::trace::{self, sweep};
use crate::writer::{Ran, Work};
use redraft::{ErrorKind, Options, Store, Value};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// What must hold after any error that was told as one.
fn nothing_lost(store: &str, ran: &Ran) {
    assert!(ran.closed || ran.failed_properly(), "{ran:?}");
    check_and_go_on(store, ran.acknowledged);
}

#[test]
fn a_sync_that_fails_loses_nothing() {
    sweep("fdatasync", "error=EIO", "", nothing_lost);
    sweep("fdatasync", "error=ENOSPC", "+", nothing_lost);
}

#[test]
fn a_directory_sync_that_fails_loses_nothing() {
    sweep("fsync", "error=EIO", "", nothing_lost);
}

#[test]
fn a_quota_that_is_exceeded_loses_nothing() {
    sweep("pwrite64", "error=EDQUOT", "+", nothing_lost);
    sweep("fallocate", "error=EDQUOT", "", nothing_lost);
}

#[test]
fn a_write_without_space_loses_nothing() {
    sweep("pwrite64", "error=ENOSPC", "", nothing_lost);
    sweep("fallocate", "error=ENOSPC", "", nothing_lost);
    sweep("ftruncate", "error=EFBIG", "", nothing_lost);
}

#[test]
fn a_read_that_fails_loses_nothing() {
    sweep("pread64", "error=EIO", "", nothing_lost);
    sweep("getdents64", "error=EIO", "", nothing_lost);
}

#[test]
fn a_file_that_cannot_be_opened_loses_nothing() {
    sweep("openat", "error=EMFILE", "", nothing_lost);
    sweep("openat", "error=EACCES", "", nothing_lost);
}

#[test]
fn a_name_that_cannot_be_changed_loses_nothing() {
    sweep("rename", "error=EIO", "", nothing_lost);
    sweep("rename", "error=EROFS", "+", nothing_lost);
}

#[test]
fn a_kill_at_a_write_or_a_sync_loses_nothing() {
    sweep("pwrite64", "signal=SIGKILL", "", nothing_lost);
    sweep("fdatasync", "signal=SIGKILL", "", nothing_lost);
    sweep("rename", "signal=SIGKILL", "", nothing_lost);
}

#[test]
fn interrupted_writes_are_not_even_noticed() {
    sweep("pwrite64", "error=EINTR", "+3", |store, ran| {
        assert!(ran.closed, "{ran:?}");
        check_and_go_on(store, ran.acknowledged);
    });
}

/// What must hold after the disk has lied: all that was written may not be there, but what is there is right, and what is not
/// is said, when the store is opened or when that part of it is read.
fn nothing_wrong(store: &str, ran: &Ran) {
    let open: Store<Value> = match Options::new().create(false).open(store) {
        Ok(store) => store,
        Err(error) => {
            let expected = matches!(error.kind(), ErrorKind::Damage | ErrorKind::NotFound);
            assert!(expected, "{error:?}, {ran:?}");
            return;
        }
    };
    let head = open.version();
    assert!(
        head >= ran.acknowledged || open.opened().cut.is_some(),
        "{head} of {ran:?}, and nothing is said"
    );
    assert_eq!(open.state()["n"].as_u64().unwrap_or(0), head);
    let mut found = 0;
    for change in open.changes(1..).unwrap() {
        match change {
            Ok(change) => assert_eq!(change.patch.to_native().unwrap()[0]["value"], change.version),
            Err(error) => return assert_eq!(error.kind(), ErrorKind::Damage, "{error:?}"),
        }
        found += 1;
    }
    assert_eq!(found, head, "{ran:?}");
}

#[test]
fn a_write_that_was_dropped_or_cut_short_in_secret_is_found() {
    sweep("pwrite64", "retval=1", "", nothing_wrong);
}

#[test]
fn bytes_changed_on_their_way_to_the_disk_are_found() {
    sweep("pwrite64", "poke_enter=@arg2=5a", "", nothing_wrong);
}

/// The kernel may have dropped the pages, and would call a second sync a success.
#[test]
fn nothing_is_written_or_synced_after_a_sync_has_failed() {
    if !trace::possible() {
        return;
    }
    let place = Place::new();
    let (store, log) = (place.store("s", 3), place.path().join("log"));
    let input = place.write("lines", (4..=12).map(line).collect::<String>());
    let args = ["apply", &store, &input, "--lines"];
    let calls = "pwrite64,fdatasync,ftruncate,fallocate";
    let tampering = Some("fdatasync:error=EIO:when=4");
    let said = done(trace::traced(&command(&args), calls, tampering, &log));
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("must be opened again"), "{said:?}");
    let calls = std::fs::read_to_string(&log).unwrap();
    let after: Vec<&str> = calls.lines().skip_while(|line| !line.contains("INJECTED")).skip(1).collect();
    assert!(calls.contains("INJECTED") && after.iter().all(|line| !line.contains('(')), "{calls}");
    let acknowledged = said.out.lines().filter_map(|line| line.parse().ok()).next_back().unwrap_or(3);
    assert!(acknowledged > 3, "{said:?}");
    check(&store, 0, acknowledged);
}

#[test]
fn a_full_disk_is_an_error_and_space_mends_it() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.path().join("disk"), "1m") else { return };
    let ballast = disk.at("ballast");
    std::fs::write(&ballast, vec![1; 500 << 10]).unwrap();
    let store = disk.at("s");
    let work = Work { changes: 10_000, segment_bytes: 64 << 10, ..Work::small(&store) };
    let ran = Ran::of(work.command());
    assert!(ran.failed_properly() && ran.said.contains("No space left"), "{ran:?}");
    assert!(ran.acknowledged > 100, "{ran:?}");
    let shown = redraft(&["show", &store, "--json"]).json();
    assert!(shown["version"].as_u64().unwrap() >= ran.acknowledged, "{shown}");
    assert_eq!(redraft(&["verify", &store, "--json"]).json()["sound"], true);
    // Opening does not ask for space that is not there.
    let head = check(&store, 0, ran.acknowledged);
    std::fs::remove_file(ballast).unwrap();
    let ran = Ran::of(Work { changes: 50, ..work }.command());
    assert!(ran.closed && ran.acknowledged == head + 50, "{ran:?}");
    check(&store, 0, head + 50);
}

#[test]
fn a_store_that_could_not_be_made_on_a_full_disk_can_be_made_once_there_is_space() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.path().join("disk"), "1m") else { return };
    let store = disk.at("s");
    let message = redraft(&["init", &store]).refused(1);
    assert!(message.contains("No space left") && message.contains(&store), "{message}");
    disk.remount("size=80m");
    redraft(&["init", &store]).ok();
    redraft_fed(&["apply", &store], line(1).as_bytes()).ok();
    assert_eq!(check(&store, 0, 1), 1);
}

#[test]
fn a_read_only_disk_can_be_read_and_is_left_alone() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.path().join("disk"), "80m") else { return };
    let store = disk.at("s");
    redraft(&["init", &store]).ok();
    redraft_fed(&["apply", &store, "--lines"], (1..=5).map(line).collect::<String>().as_bytes()).ok();
    disk.remount("ro");
    let before = content(&store);
    assert_eq!(redraft(&["show", &store, "--json"]).json()["version"], 5);
    assert_eq!(redraft(&["log", &store, "--json"]).json_lines().len(), 5);
    assert_eq!(redraft(&["verify", &store, "--json"]).json()["sound"], true);
    let message = redraft_fed(&["apply", &store], line(6).as_bytes()).refused(1);
    assert!(message.contains("Read-only") && message.contains(&store), "{message}");
    assert_eq!(content(&store), before);
    disk.remount("rw");
    check_and_go_on(&store, 5);
}

/// The command as a user who is not root and owns nothing here.
fn as_nobody(args: &[&str]) -> Option<Done> {
    let mut probe = command(&["--version"]);
    let root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut asked = command(args);
    if root {
        asked.uid(65_534).gid(65_534);
        probe.uid(65_534).gid(65_534);
    }
    match probe.output() {
        Ok(_) => Some(done(asked)),
        Err(error) => {
            skipped(&format!("root is not denied, and the command cannot run as another user ({error})"));
            None
        }
    }
}

#[test]
fn what_may_be_read_but_not_written_is_read_and_what_may_not_be_read_is_named() {
    let place = Place::new();
    let store = place.store("s", 5);
    let allow = |path: &str, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    allow(place.path().to_str().unwrap(), 0o755);
    let files: Vec<String> =
        std::fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    files.iter().for_each(|file| allow(file, 0o444));
    allow(&store, 0o555);
    let before = content(&store);
    let Some(shown) = as_nobody(&["show", &store, "--json"]) else { return };
    assert_eq!(shown.json()["version"], 5);
    let patch = place.write("patch", line(6));
    let message = as_nobody(&["apply", &store, &patch]).unwrap().refused(1);
    assert!(message.contains("ermission denied") && message.contains(&store), "{message}");
    let segment = crate::common::segment(&store).display().to_string();
    allow(&segment, 0o000);
    let message = as_nobody(&["show", &store]).unwrap().refused(1);
    assert!(message.contains("ermission denied") && message.contains(&segment), "{message}");
    allow(&segment, 0o644);
    files.iter().for_each(|file| allow(file, 0o644));
    allow(&store, 0o755);
    assert_eq!(content(&store), before);
    check_and_go_on(&store, 5);
}

/// A shell that sets limits and then becomes the writer.
fn limited(limits: &str, work: &Work) -> Command {
    let writer = work.command();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")])
        .arg(writer.get_program())
        .args(writer.get_args());
    shell.envs(writer.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    shell
}

#[test]
fn without_file_descriptors_there_is_an_error_and_nothing_is_lost() {
    let (mut refused, mut done) = (0, 0);
    for limit in 3..16 {
        let place = Place::new();
        let store = place.at("s");
        let ran = Ran::of(limited(&format!("ulimit -n {limit}"), &Work::small(&store)));
        let told = ran.failed_properly() && ran.said.contains("Too many open files");
        refused += u32::from(told);
        done += u32::from(ran.closed);
        // With next to none the program cannot even be loaded, and has written nothing.
        assert!(ran.closed || told || ran.acknowledged == 0, "limit {limit}: {ran:?}");
        check_and_go_on(&store, ran.acknowledged);
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_nothing_is_lost() {
    let place = Place::new();
    for (name, ignored, limit) in
        [("ignored", "trap '' XFSZ; ", 3), ("deadly", "", 3), ("first", "trap '' XFSZ; ", 1)]
    {
        let store = place.at(name);
        if limit > 1 {
            let ran = Ran::of(Work::small(&store).command());
            assert!(ran.closed, "{ran:?}");
        }
        // Segments of the next session are larger than is allowed.
        let work = Work { segment_bytes: 64 << 10, ..Work::small(&store) };
        let ran = Ran::of(limited(&format!("{ignored}ulimit -f {limit}"), &work));
        assert!(ran.failed_properly(), "{ran:?}");
        check_and_go_on(&store, ran.acknowledged);
    }
}

#[test]
fn a_clock_before_1970_is_no_obstacle() {
    let place = Place::new();
    let store = place.store("s", 3);
    let faked = |program: &Command| {
        let mut faked = Command::new("faketime");
        faked.arg("1960-01-01 00:00:00").arg(program.get_program()).args(program.get_args());
        faked
    };
    if Command::new("faketime").arg("--version").output().is_err() {
        skipped(
            "the clock cannot be set here (faketime is missing); tests/clocks.rs does it with a clock of its own",
        );
        return;
    }
    let patch = place.write("patch", line(4));
    done(faked(&command(&["apply", &store, &patch]))).ok();
    assert_eq!(redraft(&["log", &store, "--json"]).json_lines().len(), 4);
    check_and_go_on(&store, 4);
}

/// The file system is in an image that cannot grow as it is written to, which the kernel learns when it syncs. With a
/// journal, as here, it then makes itself read-only.
#[test]
fn a_sync_that_fails_for_real_ends_the_session_and_loses_nothing() {
    let place = Place::new();
    let Some(backing) = Mounted::tmpfs(&place.path().join("backing"), "6m") else { return };
    let (image, point) = (backing.at("image"), place.path().join("disk"));
    if !make_image(image.as_ref(), 64 << 20) {
        return;
    }
    let Some(disk) = Mounted::image(image.as_ref(), &point) else { return };
    if !disk.one_page_at_a_time() {
        return;
    }
    let store = disk.at("s");
    let work =
        Work { changes: 1_000, segment_bytes: 24 << 20, padding_bytes: 64 << 10, ..Work::small(&store) };
    let ran = Ran::of(work.command());
    eprintln!("acknowledged {}, then {}", ran.acknowledged, ran.said.lines().last().unwrap_or_default());
    assert!(ran.failed_properly() && ran.acknowledged > 0, "{ran:?}");
    backing.remount("size=100m");
    // What the kernel remembers goes with the mount; what counts is on the disk.
    drop(disk);
    let Some(_disk) = Mounted::image(image.as_ref(), &point) else { return };
    check_and_go_on(&store, ran.acknowledged);
}
