//! A primary that is served and changed, and followers of it: processes on the machines of a test. They end with the values
//! that stand for them.

use super::hosts::Host;
use crate::common::numbered::line;
use crate::common::{Place, command, done};
use redraft::{Reader, Value};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const TOKEN: &str = "6f1d8a02c9e4b753";
/// After this a test gives up. Far more than anything takes, for machines that have other things to do.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(90);

/// A process that is killed when a test is over, however it ends.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn new(mut command: Command) -> Running {
        Running(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The file with the one token, as the server wants it and as a client does. Written once: somebody may be reading it later.
pub(crate) fn tokens(place: &Place) -> (String, String) {
    let known = (place.at("tokens"), place.at("token"));
    if Path::new(&known.1).exists() {
        return known;
    }
    let files = (place.write("tokens", format!("write {TOKEN}\n")), place.write("token", TOKEN));
    for file in [&files.0, &files.1] {
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    }
    files
}

/// A store that is served, and changed by somebody on the same machine. At version n, `/n` is n.
#[derive(Debug)]
pub(crate) struct Primary {
    host: Host,
    process: Running,
    /// How those on the same machine reach it.
    pub(crate) url: String,
    headers: String,
    body: String,
    pub(crate) head: u64,
}

impl Primary {
    /// Serves the store, which is made if it is not there, at an address of the host.
    pub(crate) fn start(host: &Host, place: &Place, head: u64, listen: &str, names: &[&str]) -> Primary {
        if !place.path().join("primary").exists() {
            place.store("primary", 0);
        }
        let (store, tokens) = (place.at("primary"), tokens(place).0);
        let mut args = vec!["serve", &store, "--json", "--listen", listen, "--token-file", &tokens];
        args.extend(names.iter().flat_map(|name| ["--allow-host", name]));
        let mut serve = host.run(command(&args));
        serve.stdout(Stdio::piped());
        let mut process = Running::new(serve);
        let mut told = String::new();
        BufReader::new(process.0.stdout.as_mut().unwrap()).read_line(&mut told).unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let url = told["address"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
        let headers = place
            .write("headers", format!("authorization: Bearer {TOKEN}\ncontent-type: application/json\n"));
        Primary { host: host.clone(), process, url, headers, body: place.at("body"), head }
    }

    /// Asks it something, from where it is.
    pub(crate) fn curl(&self, args: &[&str], path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-H", &format!("@{}", self.headers)]).args(args).arg(format!("{}{path}", self.url));
        let mut curl = self.host.run(curl);
        curl.stdin(Stdio::null());
        curl
    }

    /// The next version, acknowledged on return.
    pub(crate) fn change(&mut self) {
        self.change_to(&line(self.head + 1));
    }

    /// The same by a patch of which the first operation sets `/n`.
    pub(crate) fn change_to(&mut self, patch: &str) {
        let body = format!("{{\"base\":{},\"format\":\"json-patch\",\"patch\":{patch}}}", self.head);
        std::fs::write(&self.body, body).unwrap();
        let answer = done(self.curl(&["--data-binary", &format!("@{}", self.body)], "/v1/changes")).json();
        self.head += 1;
        assert_eq!(answer["version"], self.head, "{answer}");
    }

    /// Changes it for as long as that.
    pub(crate) fn change_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.change();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How much memory it has of the system, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

/// A live replica in a directory of its own.
#[derive(Debug)]
pub(crate) struct Follower {
    host: Host,
    process: Running,
    pub(crate) directory: String,
    steps: Receiver<(u64, u64)>,
    version: u64,
    copied: u64,
}

impl Follower {
    pub(crate) fn start(host: &Host, place: &Place, name: &str, url: &str) -> Follower {
        let (directory, token) = (place.at(name), tokens(place).1);
        let args = ["follow", url, &directory, "--live", "--json", "--token-file", &token];
        let mut follow = host.run(command(&args));
        follow.stdout(Stdio::piped());
        let mut process = Running::new(follow);
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let (tell, steps) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // A kill may cut the last line short.
                let Ok(step) = serde_json::from_str::<serde_json::Value>(&line) else { return };
                let number = |name: &str| step[name].as_u64().unwrap();
                if tell.send((number("version"), number("copied"))).is_err() {
                    return;
                }
            }
        });
        Follower { host: host.clone(), process, directory, steps, version: 0, copied: 0 }
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    fn heard(&mut self, (version, copied): (u64, u64)) {
        assert!(version >= self.version, "it was at version {}, and is at {version}", self.version);
        (self.version, self.copied) = (version, self.copied + copied);
    }

    /// How far it has come, for all that it told.
    pub(crate) fn version(&mut self) -> u64 {
        while let Ok(step) = self.steps.try_recv() {
            self.heard(step);
        }
        self.version
    }

    #[track_caller]
    pub(crate) fn wait_for(&mut self, version: u64) {
        let until = Instant::now() + GIVEN_UP_AFTER;
        while self.version < version {
            let step = self.steps.recv_timeout(until.saturating_duration_since(Instant::now()));
            assert!(step.is_ok(), "version {version} after {}: {step:?}", self.version);
            self.heard(step.unwrap());
        }
    }

    /// Ends it, and holds what it has against what was submitted: everything, once, in order.
    pub(crate) fn end_equal_to(mut self, primary: &Primary, place: &Place, url: &str) {
        self.wait_for(primary.head);
        self.signal("TERM");
        assert!(self.process.0.wait().unwrap().success());
        assert_eq!((self.version(), self.copied), (primary.head, primary.head));
        let token = tokens(place).1;
        let compare = command(&["compare", url, &self.directory, "--token-file", &token]);
        let told = done(self.host.run(compare)).ok();
        assert_eq!(told, format!("the same, up to version {}\n", primary.head));
        let copy: Reader<Value> = Reader::open(&self.directory).unwrap();
        let mut versions = 0..;
        for change in copy.changes(1..).unwrap() {
            let change = change.unwrap();
            versions.next();
            assert_eq!(change.version, versions.start);
            assert_eq!(change.patch.to_native().unwrap()[0]["value"], versions.start);
        }
        assert_eq!((versions.start, copy.state()["n"].as_u64()), (primary.head, Some(primary.head)));
    }
}
