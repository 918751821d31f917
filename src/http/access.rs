//! [`Access`]: who may ask, under which name of this server, from which pages, and for what.
//!
//! Leaves tokens to `tokens` and what browsers are told to `browser`. Always: a request is let through by all checks or by none;
//! what is refused has touched no store.

use super::browser;
use super::problem::{Answer, Problem};
use super::tokens::{Scope, Tokens};
use super::{App, query};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The names by which a program on this machine reaches a server that nobody else does.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Who may ask a server for what. As it is made, everybody who reaches it may read and write, as long as they call it by a name
/// of the machine itself; so it is to be reached from there only, which a [`Server`](super::Server) sees to.
///
/// ```
/// use redraft::http::{Access, Tokens};
///
/// let tokens = Tokens::parse("read 6f1d8a02c9e4b753")?;
/// let access = Access::new().tokens(tokens).host("store.example").origin("https://app.example").read_only(true);
/// # Ok::<(), redraft::http::TokensError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Access {
    tokens: Tokens,
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    read_only: bool,
}

impl Access {
    /// Everybody may do everything, and calls it `localhost`, `127.0.0.1` or `[::1]`.
    pub fn new() -> Access {
        Access::default()
    }

    /// Only those who send one of these tokens, as `Authorization: Bearer TOKEN`. None at all means that nobody needs one.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Access {
        self.tokens = tokens;
        self
    }

    /// Another name that the server goes by, as it stands in the `Host` of requests, without a port. Requests under any other
    /// name are refused: a page that makes a browser believe that its own name is this machine's would have them.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Access {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// An origin, like `https://app.example`, whose pages may ask. Those of the server's own may; all others are refused.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Access {
        self.origins.push(origin.into().trim_end_matches('/').to_ascii_lowercase());
        self
    }

    /// Whether nothing can be changed, whoever asks.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Access {
        self.read_only = read_only;
        self
    }

    #[cfg(feature = "inspect")]
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    pub(super) fn needs_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// The name by which a request calls this server. It may stand in the address too; then both must be known.
    fn admit_host(&self, request: &Request) -> Answer<String> {
        let mut headers = request.headers().get_all(header::HOST).iter();
        let header = headers.next();
        if headers.next().is_some() {
            return Err(Problem::malformed("the request has two headers \"host\""));
        }
        let header = header.map(|name| name.to_str().unwrap_or_default());
        let address = request.uri().authority().map(|authority| authority.as_str());
        let Some(name) = address.or(header) else {
            return Err(Problem::malformed("the request does not say by which name it calls this server"));
        };
        if [address, header].into_iter().flatten().any(|name| !self.goes_by(name)) {
            let detail = "this server does not go by the name in \"host\"; whoever runs it can let it";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "forbidden", detail));
        }
        Ok(name.to_ascii_lowercase())
    }

    fn goes_by(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &host,
        };
        LOOPBACK.contains(&name) || self.hosts.iter().any(|known| known == name)
    }

    fn admit_token(&self, headers: &HeaderMap, wanted: Scope) -> Answer<()> {
        if !self.needs_token() {
            return Ok(());
        }
        let unknown = |detail: &str| {
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail);
            problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        };
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(first), None) = (sent.next(), sent.next()) else {
            return Err(unknown("this server wants one \"Authorization: Bearer TOKEN\""));
        };
        let (scheme, token) = first.as_bytes().split_at(first.len().min("Bearer ".len()));
        let known = scheme.eq_ignore_ascii_case(b"Bearer ").then(|| self.tokens.scope_of(token)).flatten();
        match known {
            None => Err(unknown("this server does not know that token")),
            Some(scope) if scope < wanted => {
                let insufficient = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");
                let problem = Problem::forbidden("this token allows to read, and not to change anything");
                Err(problem.header(header::WWW_AUTHENTICATE, insufficient))
            }
            Some(_) => Ok(()),
        }
    }
}

/// What a request needs: whoever only looks reads.
fn scope_for(method: &Method) -> Scope {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) { Scope::Read } else { Scope::Write }
}

/// Whether somebody may ask who has nothing to show: whether the server is there. The route tells, and not the address, which may
/// end in anything.
fn is_open(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    route.is_some_and(|route| route.as_str().ends_with("/v1/health"))
        && scope_for(request.method()) == Scope::Read
}

/// Lets a request through to its handler, if it may go there.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let page = match admit(&app, &request) {
        Ok(page) => page,
        Err(problem) => return problem.into_response(),
    };
    if let Some(answer) = page.preflight(&request) {
        return answer;
    }
    let wanted = scope_for(request.method());
    let mut admitted =
        if is_open(&request) { Ok(()) } else { app.access().admit_token(request.headers(), wanted) };
    if admitted.is_ok() && wanted == Scope::Write && app.access().read_only {
        admitted = Err(Problem::forbidden("this server only lets read"));
    }
    let answer = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    page.told(answer)
}

/// The same for what holds no data: a page, which shows a token itself once it asks.
#[cfg(feature = "inspect")]
pub(crate) async fn guard_page(State(app): State<App>, request: Request, next: Next) -> Response {
    match admit(&app, &request) {
        Ok(page) => page.told(next.run(request).await),
        Err(problem) => problem.into_response(),
    }
}

fn admit(app: &App, request: &Request) -> Answer<browser::Page> {
    let host = app.access().admit_host(request)?;
    let page = browser::admit(app.access(), request.headers(), &host)?;
    query::without_secret(request.uri())?;
    Ok(page)
}
