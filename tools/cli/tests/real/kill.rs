//! An acknowledged change is there, whenever the writer is killed.
//!
//! `REDRAFT_KILLS` says how often to kill, 300 times by default; it ends earlier when its time is over, and says so.
//! `REDRAFT_SEED` moves the moments.

use crate::common::numbered::{check, line};
use crate::common::{Place, command, redraft};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const TIME_MAX: Duration = Duration::from_secs(80);
const DELAY_MAX_MICROS: u64 = 25_000;
const FIRST_MOMENT: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Xorshift: which moments come is not important, that they differ is.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Lets the command write from `head` on, kills it after a while and returns the last version it acknowledged.
fn write_until_killed(store: &str, head: u64, delay: Duration) -> u64 {
    let mut child =
        command(&["apply", store, "--lines"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    let feeder = std::thread::spawn(move || {
        let mut version = head;
        while stdin.write_all(line(version + 1).as_bytes()).is_ok() {
            version += 1;
        }
    });
    let listener = std::thread::spawn(move || {
        let mut acknowledged = head;
        for answer in answers.lines() {
            // A kill may cut the last line short; what is not told is not acknowledged.
            let Ok(version) = answer.unwrap().parse::<u64>() else { break };
            if version == acknowledged + 1 {
                acknowledged = version;
            }
        }
        acknowledged
    });
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
    listener.join().unwrap()
}

#[test]
fn every_acknowledged_version_is_there_after_a_kill_at_any_moment() {
    let asked = setting("REDRAFT_KILLS");
    let (wanted, time_max) = asked.map_or((300, TIME_MAX), |kills| (kills, Duration::MAX));
    let place = Place::new();
    let store = place.at("s");
    redraft(&["init", &store]).ok();
    let (started, mut moments) =
        (Instant::now(), Moments(FIRST_MOMENT ^ setting("REDRAFT_SEED").unwrap_or(0)));
    let (mut head, mut acknowledged_in_all, mut kills) = (0, 0, 0);
    while kills < wanted && started.elapsed() < time_max {
        let delay = Duration::from_micros(moments.next(DELAY_MAX_MICROS));
        let acknowledged = write_until_killed(&store, head, delay);
        acknowledged_in_all += acknowledged - head;
        head = check(&store, head, acknowledged);
        kills += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{kills} kills in {seconds:.1} s, {acknowledged_in_all} acknowledged, {head} found");
    eprintln!("counted {kills} processes killed");
    if kills < wanted {
        eprintln!("SHORTENED: {wanted} kills were wanted, {kills} fit into the time");
    }
    assert!(acknowledged_in_all > 0, "nothing was acknowledged, so nothing was tested");
    check(&store, 0, head);
    assert_eq!(redraft(&["verify", &store, "--json"]).json()["intact"], head);
    assert!(Path::new(&store).exists());
}

#[test]
fn a_reader_in_another_process_sees_whole_durable_versions_only() {
    let place = Place::new();
    let store = place.at("s");
    redraft(&["init", &store]).ok();
    let mut head = 0;
    for _ in 0..3 {
        let writer = {
            let store = store.clone();
            std::thread::spawn(move || write_until_killed(&store, head, Duration::from_millis(700)))
        };
        let mut seen = 0;
        while !writer.is_finished() {
            let shown = redraft(&["show", &store, "--json"]).json();
            let version = shown["version"].as_u64().unwrap();
            assert!(version >= seen, "version {seen} was there before, now {version} is the newest");
            assert_eq!(shown["value"]["n"].as_u64().unwrap_or(0), version, "{shown}");
            seen = version;
            let listed = redraft(&["log", &store, "--json", "-n", "20"]).json_lines();
            for (at, line) in listed.iter().enumerate() {
                let version = listed[0]["version"].as_u64().unwrap() + at as u64;
                assert_eq!(
                    (&line["version"], &line["patch"][0]["value"]),
                    (&version.into(), &version.into())
                );
                seen = seen.max(version);
            }
        }
        let acknowledged = writer.join().unwrap();
        let before = head;
        head = check(&store, head, acknowledged);
        assert!(head > before);
        assert!(seen <= head, "a reader saw version {seen}, after the kill {head} is the newest");
    }
}
