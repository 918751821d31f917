//! A redaction that is interrupted leaves the old history or the new one, never a mixture; once it was decided, whoever opens the
//! store for writing next finishes it, and nobody reads it before.

use crate::common::{Saying, check, contents, copy, dir, options};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::value::Pointer;
use redraft::{Error, ErrorKind, Options, Redacted, Result, Store, Value};

const SECRET: &str = "ann@example.org";

/// Several segments, a snapshot, a cursor, and what the states are with the secret and without.
struct Case {
    disk: MemoryDisk,
    old: Vec<Value>,
    new: Vec<Value>,
}

fn case() -> Case {
    let disk = MemoryDisk::new();
    let store: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
    for n in 0..60_u64 {
        store
            .produce(|doc| match n % 20 {
                3 => doc["mail"] = format!("{n} {SECRET}").into(),
                _ => doc[format!("{}", n % 7).as_str()] = format!("{n}").repeat(10).into(),
            })
            .unwrap();
    }
    store.snapshot().unwrap();
    store.set_cursor("mailer", 30).unwrap();
    store.close().unwrap();
    let old = states(&disk);
    let done = copy(&disk);
    redact(&options(&done)).unwrap();
    Case { disk, old, new: states(&done) }
}

fn redact(options: &Options) -> Result<Redacted> {
    options.plan_redaction(dir(), [Pointer::parse("/mail").unwrap()])?.carry_out()
}

fn states(disk: &MemoryDisk) -> Vec<Value> {
    let reader = options(disk).open_read_only::<Value>(dir()).unwrap();
    (0..=reader.version()).map(|version| (*reader.at(version).unwrap()).clone()).collect()
}

/// What is there is one history or the other; whether it is the new one.
fn is_whole(case: &Case, left: &MemoryDisk) -> bool {
    // Readers see one or the other, or that they have to wait.
    match options(left).open_read_only::<Value>(dir()) {
        Ok(_) => assert!([&case.old, &case.new].contains(&&states(left)), "a mixture"),
        Err(error) => assert!(matches!(error, Error::Unfinished { .. }), "{error:?}"),
    }
    let store: Store<Value> = options(left).open(dir()).unwrap();
    assert!(store.opened().cut.is_none() && store.opened().passed_over.is_empty());
    assert_eq!(store.cursor("mailer").unwrap(), Some(30));
    store.close().unwrap();
    let found = states(left);
    let report = check(left).unwrap();
    assert!(report.is_sound(), "{report:?}");
    if found == case.old {
        return false;
    }
    assert_eq!(found, case.new);
    let secret = SECRET.as_bytes();
    for (path, bytes) in contents(left) {
        let is_there = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!is_there, "it is in {}", path.display());
    }
    true
}

fn interrupted(case: &Case, plan: FaultPlan) -> (bool, u32) {
    let image = copy(&case.disk);
    let disk = FaultDisk::new(image.clone(), Some(plan));
    let outcome = redact(&options(&disk));
    let met = disk.calls() > plan.call;
    let cuts = (0..3).map(|seed| image.power_cut(seed * 1_000 + plan.call));
    let mut finished = 0;
    for (number, left) in std::iter::once(image.process_kill()).chain(cuts).enumerate() {
        let _saying = Saying(format!("{plan:?}, image {number}"));
        let is_new = is_whole(case, &left);
        assert!(is_new || outcome.is_err(), "done, and not there");
        finished += u32::from(is_new);
        // Whatever was left, asking again comes to the same end.
        if number == 0 && !is_new {
            redact(&options(&left)).unwrap();
            assert!(is_whole(case, &left));
        }
    }
    if let Err(error) = outcome {
        let kinds = [ErrorKind::Environment, ErrorKind::Poisoned, ErrorKind::NotFound];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
    (met, finished)
}

#[test]
fn whatever_call_fails_there_is_the_old_history_or_the_new_one() {
    let case = case();
    for (failure, forever) in [(Failure::Medium, true), (Failure::NoSpace, false)] {
        let (mut call, mut finished, mut begun) = (0, 0, 0);
        loop {
            let (met, new) = interrupted(&case, FaultPlan { call, failure, forever });
            if !met {
                break;
            }
            (finished, begun) = (finished + new, begun + 1);
            call += 1;
        }
        assert!(begun > 60 && finished > 10, "{begun} calls, {finished} images with the new history");
    }
}

/// A decision in the directory that names files elsewhere, or is damaged, or of another program, is refused, and changes nothing.
#[test]
fn a_damaged_or_forged_decision_is_refused_and_changes_nothing() {
    let case = case();
    let checked = |text: &str| {
        let mut bytes = b"REDREXCH".to_vec();
        bytes.extend(text.bytes());
        let check = crc32fast::hash(&bytes);
        bytes.extend(check.to_le_bytes());
        bytes
    };
    let mut flipped = checked("+a.seg\n");
    flipped[10] ^= 1;
    let forged = ["-../../x\n", "-/etc/passwd\n", "+..\n", "-a/b\n", "no sign\n", "+\n"].map(checked);
    for bytes in forged.into_iter().chain([flipped, Vec::new(), b"something".to_vec()]) {
        let image = copy(&case.disk);
        image.put(&dir().join("EXCHANGE"), bytes.clone());
        let before = contents(&image);
        let refused = options(&image).open::<Value>(dir()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Damage, "{refused} {:?}", String::from_utf8_lossy(&bytes));
        let waiting = options(&image).open_read_only::<Value>(dir()).unwrap_err();
        assert!(matches!(waiting, Error::Unfinished { .. }), "{waiting}");
        assert!(check(&image).unwrap().damage.iter().any(|damage| damage.path.ends_with("EXCHANGE")));
        assert_eq!(contents(&image), before);
    }
}
