//! A real server of NATS for one test, on a port of this machine that nobody has; gone with what it holds when the test is.

use super::{Done, command, done};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    process: Option<Child>,
    arguments: Vec<String>,
    pub(crate) port: u16,
    _dir: TempDir,
    /// Where copies are kept unless a test says otherwise.
    home: TempDir,
}

/// A server, unless there is none to be had, which is said.
pub(crate) fn server() -> Option<Server> {
    let there_is = Command::new("nats-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there_is {
        #[allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
        {
            eprintln!("SKIPPED: there is no nats-server");
        }
        return None;
    }
    Some(Server::with(&[]))
}

impl Server {
    pub(crate) fn with(more: &[&str]) -> Server {
        let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let store = dir.path().display().to_string();
        let fixed = ["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd", &store];
        let arguments = fixed.iter().chain(more).map(ToString::to_string).collect();
        let mut server = Server { process: None, arguments, port, _dir: dir, home };
        server.start();
        server
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new("nats-server");
        command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "the server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn url(&self, stream: &str) -> String {
        format!("nats://127.0.0.1:{}?stream={stream}", self.port)
    }

    /// The directory in which copies are kept by themselves.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command of a user who has nothing else.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("XDG_CACHE_HOME", self.home.path()).env_remove("REDRAFT_NATS_TOKEN");
        command
    }

    pub(crate) fn redraft(&self, args: &[&str]) -> Done {
        done(self.command(args))
    }

    /// The same with a text on stdin.
    pub(crate) fn fed(&self, args: &[&str], input: &str) -> Done {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that refuses early does not read what it is given.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asks the server something that redraft would not, in its own words; the answer.
    pub(crate) fn ask(&self, subject: &str, payload: &str) -> String {
        let mut line = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).unwrap());
        let length = payload.len();
        let asked = format!(
            "CONNECT {{\"verbose\":false}}\r\nSUB _INBOX.test 1\r\nPUB {subject} _INBOX.test {length}\r\n{payload}\r\n"
        );
        line.get_mut().write_all(asked.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.starts_with("MSG ") {
            head.clear();
            assert_ne!(line.read_line(&mut head).unwrap(), 0, "the server hung up");
        }
        let mut answer = vec![0; head.trim().rsplit(' ').next().unwrap().parse().unwrap()];
        line.read_exact(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
