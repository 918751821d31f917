//! [`Limits`]: how much one client may ask for, and how long it may take.
//!
//! Plain numbers. The router keeps those of requests and answers, the listener those of connections.

use std::time::Duration;

/// How much a client may ask of a server. The defaults suit one that a few programs and people use.
///
/// ```
/// use redraft::http::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new().body_bytes(16 << 20).connections(1000).idle(Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) body_bytes: usize,
    pub(super) streams: usize,
    pub(super) connections: usize,
    pub(super) request: Duration,
    pub(super) idle: Duration,
    pub(crate) keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 1 << 20,
            streams: 128,
            connections: 256,
            request: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// The defaults.
    pub fn new() -> Limits {
        Limits::default()
    }

    /// The longest body of a request, in bytes. A mebibyte unless said otherwise.
    #[must_use]
    pub fn body_bytes(mut self, bytes: usize) -> Limits {
        self.body_bytes = bytes;
        self
    }

    /// How many answers may be under way at once that take as long as their readers do: streams of events, and large states.
    /// 128 unless said otherwise.
    #[must_use]
    pub fn streams(mut self, streams: usize) -> Limits {
        self.streams = streams;
        self
    }

    /// How many connections are served at once; further ones wait to be taken. 256 unless said otherwise. Not kept by a router
    /// in an application of its own, as all that follow but [`keep_alive`](Limits::keep_alive).
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Limits {
        self.connections = connections;
        self
    }

    /// How long a client may take to send a request: for the handshake, for the head, and for the body, each. A router in an
    /// application of its own keeps the last. Ten seconds unless said otherwise.
    #[must_use]
    pub fn request(mut self, time: Duration) -> Limits {
        self.request = time;
        self
    }

    /// How long a client may leave what it is sent unread. A minute unless said otherwise.
    #[must_use]
    pub fn idle(mut self, time: Duration) -> Limits {
        self.idle = time;
        self
    }

    /// How often a stream of events says that it is still there, if nothing else does. Fifteen seconds unless said otherwise.
    #[must_use]
    pub fn keep_alive(mut self, time: Duration) -> Limits {
        self.keep_alive = time;
        self
    }
}
