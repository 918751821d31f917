//! The page: its files, embedded in the program, and what browsers are told of everything that is answered.
//!
//! Always: nothing of a store is in these files; a browser lets the page load from here and nowhere else, run no script that is not one
//! of these files, and be put into no other page.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// What a browser lets the page do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// A file of the page: its name, what it is, and what is in it.
type Asset = (&'static str, &'static str, &'static [u8]);

/// Embeds files of the page.
macro_rules! assets {
    ($($name:literal: $kind:expr),* $(,)?) => {
        [$(($name, $kind, include_bytes!(concat!("page/", $name)))),*]
    };
}

/// Every file of the page. One more is one more line.
const ASSETS: &[Asset] = &assets! {
    "index.html": HTML,
    "style.css": CSS,
    "api.js": JAVASCRIPT,
    "app.js": JAVASCRIPT,
    "bisect.js": JAVASCRIPT,
    "change.js": JAVASCRIPT,
    "changes.js": JAVASCRIPT,
    "compare.js": JAVASCRIPT,
    "dom.js": JAVASCRIPT,
    "health.js": JAVASCRIPT,
    "keys.js": JAVASCRIPT,
    "life.js": JAVASCRIPT,
    "live.js": JAVASCRIPT,
    "node.js": JAVASCRIPT,
    "nodes.js": JAVASCRIPT,
    "patch.js": JAVASCRIPT,
    "place.js": JAVASCRIPT,
    "play.js": JAVASCRIPT,
    "rows.js": JAVASCRIPT,
    "search.js": JAVASCRIPT,
    "text.js": JAVASCRIPT,
    "theme.js": JAVASCRIPT,
    "timeline.js": JAVASCRIPT,
    "tree.js": JAVASCRIPT,
    "undo.js": JAVASCRIPT,
};

/// The files, and the page itself where no name is said.
pub(super) fn router() -> Router {
    let router = ASSETS.iter().fold(Router::new(), |router, &(name, kind, bytes)| {
        router.route(&format!("/{name}"), get(move || async move { file(kind, bytes) }))
    });
    let index = ASSETS.iter().find(|(name, ..)| *name == "index.html");
    let Some(&(_, kind, bytes)) = index else { return router };
    router.route("/", get(move |_: Request| async move { file(kind, bytes) }))
}

fn file(kind: &'static str, bytes: &'static [u8]) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// What is told of every answer.
pub(super) async fn enclosed(mut response: Response) -> Response {
    let told = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in told {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What is told of all that is in the store.
pub(super) async fn not_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the policy lets a browser refuse is not in the page, or the page would be broken by it.
    #[test]
    fn the_page_has_nothing_in_it_that_its_own_policy_forbids() {
        for (name, _, bytes) in ASSETS {
            let text = std::str::from_utf8(bytes).unwrap();
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "http://",
                "https://",
            ] {
                // The names of XML's vocabularies are no addresses that anybody asks.
                let text = text.replace("http://www.w3.org/", "");
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
            assert!(
                !name.ends_with(".html") || !text.contains(" style=") && !text.contains(" onclick="),
                "{name}"
            );
        }
    }

    /// A file that is not in the table would not be served, and nothing else would tell.
    #[test]
    fn every_file_of_the_page_is_embedded() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/inspect/page");
        #[expect(clippy::disallowed_methods, reason = "the test looks at the sources")]
        let files = std::fs::read_dir(dir).unwrap();
        let mut files: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let mut embedded: Vec<String> = ASSETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
        files.sort();
        embedded.sort();
        assert_eq!(embedded, files);
    }
}
