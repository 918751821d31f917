//! `redraft top` shows a store at work, in a terminal and without one.

use crate::common::{Place, command, redraft, redraft_fed};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn one_frame_or_one_object_is_told_without_a_terminal() {
    let place = Place::new();
    let store = place.store("s", 30);
    redraft::Store::<redraft::Value>::open(&store).unwrap().set_cursor("mailer", 20).unwrap();
    let told = redraft(&["top", &store, "--once", "--json", "--window", "300"]).json();
    assert_eq!(
        (&told["version"], &told["changes"], &told["window_seconds"]),
        (&30.into(), &30.into(), &300.into())
    );
    assert_eq!((&told["places"][0]["path"], &told["places"][0]["ops"]), (&"/n".into(), &30.into()), "{told}");
    assert_eq!(told["writers"][0]["changes"], 30, "{told}");
    assert_eq!(
        (&told["followers"][0]["name"], &told["followers"][0]["behind"]),
        (&"mailer".into(), &10.into()),
        "{told}"
    );
    let frame = redraft(&["top", &store, "--once"]).ok();
    assert_eq!(frame.lines().count(), 24, "{frame}");
    assert!(frame.contains("hottest places") && frame.contains("follower mailer: 10 changes"), "{frame}");
    let message = redraft(&["top", &store]).refused(2);
    assert!(message.contains("--once"), "{message}");
    redraft(&["top", &place.at("nowhere"), "--once"]).refused(1);
}

#[test]
fn a_store_that_is_served_elsewhere_is_looked_at_too() {
    let place = Place::new();
    let store = place.store("s", 5);
    let mut server = command(&["serve", &store, "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address =
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["address"].as_str().unwrap().to_owned();
    let told = redraft(&["top", &address, "--once", "--json"]);
    server.kill().unwrap();
    server.wait().unwrap();
    let told = told.json();
    assert_eq!(
        (&told["version"], &told["segments"], &told["followers"]),
        (&5.into(), &().into(), &().into()),
        "{told}"
    );
}

/// A terminal with somebody at it.
struct Tmux(String);

impl Tmux {
    fn begin(place: &Place, line: &str) -> Option<Tmux> {
        let socket = place.at("tmux");
        let begun = Command::new("tmux")
            .args(["-S", &socket, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", line])
            .env("TERM", "xterm")
            .status();
        match begun {
            Ok(status) if status.success() => Some(Tmux(socket)),
            other => {
                eprintln!("SKIPPED: no tmux: {other:?}");
                None
            }
        }
    }

    fn run(&self, args: &[&str]) -> String {
        let done = Command::new("tmux").args(["-S", &self.0]).args(args).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, wanted: &str) -> String {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if screen.contains(wanted) {
                return screen;
            }
            assert!(std::time::Instant::now() < until, "no {wanted:?} in:\n{screen}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn press(&self, key: &str) {
        self.run(&["send-keys", key]);
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn in_a_terminal_it_follows_obeys_keys_and_leaves_the_terminal_as_it_was() {
    let place = Place::new();
    let store = place.store("s", 3);
    let program = env!("CARGO_BIN_EXE_redraft");
    let line = format!("sh -c 'echo before; {program} top {store}; echo ended $?; stty -a; exec cat'");
    let Some(tmux) = Tmux::begin(&place, &line) else { return };
    tmux.wait_for("version 3");
    redraft_fed(&["apply", &store], br#"[{"op":"add","path":"/x","value":1}]"#).ok();
    tmux.wait_for("version 4");
    tmux.press("p");
    tmux.wait_for("PAUSED");
    tmux.press("?");
    tmux.wait_for("a longer or a shorter window");
    tmux.press("?");
    tmux.press("+");
    tmux.wait_for("last 300 s");
    tmux.press("q");
    let screen = tmux.wait_for("ended 0");
    assert!(screen.contains("before"), "{screen}");
    let screen = tmux.wait_for("icanon");
    assert!(!screen.contains("-icanon") && !screen.contains("-echo "), "{screen}");
}

#[test]
fn told_to_terminate_it_leaves_the_terminal_as_it_was() {
    let place = Place::new();
    let store = place.store("s", 3);
    let (program, pid) = (env!("CARGO_BIN_EXE_redraft"), place.at("pid"));
    let line = format!(
        "sh -c 'sh -c \"echo \\$\\$ > {pid}; exec {program} top {store}\"; echo ended $?; stty -a; exec cat'"
    );
    let Some(tmux) = Tmux::begin(&place, &line) else { return };
    tmux.wait_for("version 3");
    let process = std::fs::read_to_string(&pid).unwrap();
    assert!(Command::new("kill").args(["-TERM", process.trim()]).status().unwrap().success());
    tmux.wait_for("ended 0");
    let screen = tmux.wait_for("icanon");
    assert!(!screen.contains("-icanon") && !screen.contains("-echo "), "{screen}");
}
