//! A client that sends what it is told to, byte by byte, and reads answers; it trusts no library to be as strict, or as lax, as
//! a test wants it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Far longer than anything in the tests takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer: status, headers in lower case, and the body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub(crate) fn with(&self, status: u16) -> serde_json::Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The members of a problem with this status, which says what it is.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> serde_json::Value {
        let json = self.with(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(json["status"], status);
        assert!(json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{json}");
        json
    }
}

/// A connection.
pub(crate) struct Client<C: Read + Write = TcpStream> {
    pub(crate) stream: BufReader<C>,
    host: String,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client::over(stream, &address.to_string())
    }
}

impl<C: Read + Write> Client<C> {
    pub(crate) fn over(stream: C, host: &str) -> Client<C> {
        Client { stream: BufReader::new(stream), host: host.to_owned() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request with these lines of headers besides the host, and reads the answer.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        self.begin(method, target, headers, body);
        self.answer(method == "HEAD")
    }

    /// Sends a request.
    pub(crate) fn begin(&mut self, method: &str, target: &str, headers: &[&str], body: &str) {
        let mut lines = vec![format!("{method} {target} HTTP/1.1"), format!("host: {}", self.host)];
        lines.extend(headers.iter().map(|&line| line.to_owned()));
        if !body.is_empty() {
            lines.push(format!("content-length: {}", body.len()));
        }
        self.send(lines.join("\r\n") + "\r\n\r\n" + body);
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, &[], "")
    }

    pub(crate) fn post(&mut self, target: &str, json: &str) -> Answer {
        self.ask("POST", target, &["content-type: application/json"], json)
    }

    /// Nothing if the connection ends before there is a line.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    /// Status and headers.
    pub(crate) fn head(&mut self) -> Option<(u16, BTreeMap<String, String>)> {
        let status = self.line()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { return Some((status, headers)) };
            headers
                .entry(name.to_ascii_lowercase())
                .and_modify(|before: &mut String| *before = format!("{before}, {}", value.trim()))
                .or_insert_with(|| value.trim().to_owned());
        }
    }

    pub(crate) fn answer(&mut self, is_head: bool) -> Answer {
        self.try_answer(is_head).expect("an answer")
    }

    /// Nothing if the connection ends without one.
    pub(crate) fn try_answer(&mut self, is_head: bool) -> Option<Answer> {
        let (status, headers) = self.head()?;
        let mut body = Vec::new();
        if !is_head && status != 204 && status != 304 {
            match headers.get("content-length") {
                Some(length) => {
                    body.resize(length.parse().unwrap(), 0);
                    self.stream.read_exact(&mut body).ok()?;
                }
                None if headers.contains_key("transfer-encoding") => {
                    while let Some(piece) = self.chunk()?.filter(|piece| !piece.is_empty()) {
                        body.extend(piece);
                    }
                }
                None => {
                    self.stream.read_to_end(&mut body).ok()?;
                }
            }
        }
        Some(Answer { status, headers, body })
    }

    /// The next piece of a body that comes in pieces; an empty one at its end, nothing if it breaks off.
    pub(crate) fn chunk(&mut self) -> Option<Option<Vec<u8>>> {
        let length = usize::from_str_radix(&self.line()?, 16).ok()?;
        let mut piece = vec![0; length];
        self.stream.read_exact(&mut piece).ok()?;
        self.line()?;
        Some(Some(piece))
    }
}
