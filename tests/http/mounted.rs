//! An application mounts the routes in an axum app of its own, wherever it likes, and keeps everything else.

use crate::client::Client;
use axum::Router;
use axum::routing::get;
use redraft::http::{Access, Limits, router};
use redraft::{Store, Value, value};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Serves an app with the plain tools of hyper, as an application could.
fn serving<T>(app: Router, asks: impl FnOnce(SocketAddr) -> T) -> T {
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let serve = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
            serve.await.unwrap();
        });
    };
    let thread = std::thread::spawn(serve);
    let answer = asks(told.recv().unwrap());
    drop(stop);
    thread.join().unwrap();
    answer
}

fn store(dir: &tempfile::TempDir, name: &str) -> Arc<Store<Value>> {
    let store = Store::<Value>::open(dir.path().join(name)).unwrap();
    store.produce(|doc| doc["name"] = name.into()).unwrap();
    Arc::new(store)
}

#[test]
fn two_stores_and_the_application_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b, c) = (store(&dir, "a"), store(&dir, "b"), store(&dir, "c"));
    let of = |store: &Arc<Store<Value>>| router(Arc::clone(store), Access::new(), Limits::new());
    let app = Router::new()
        .route("/", get(async || "home"))
        .nest("/a", of(&a))
        .nest("/deep/b", of(&b))
        .merge(of(&c))
        .fallback(async || "lost");
    serving(app, |address| {
        let ask = |target: &str| {
            let mut client = Client::to(address);
            client.ask("GET", target, &["connection: close"], "")
        };
        assert_eq!(ask("/").text(), "home");
        assert_eq!(ask("/a/v1/state").with(200), json!({ "name": "a" }));
        assert_eq!(ask("/deep/b/v1/state").with(200), json!({ "name": "b" }));
        assert_eq!(ask("/v1/state").with(200), json!({ "name": "c" }));
        // What is not below `/v1` is the application's.
        assert_eq!((ask("/elsewhere").text(), ask("/a/elsewhere").text()), ("lost", "lost"));
        ask("/a/v1/elsewhere").problem(404);
        // Addresses in answers lead on from where they stand.
        a.produce(|doc| doc["n"] = 1.into()).unwrap();
        let page = ask("/a/v1/changes?limit=1");
        assert_eq!(page.header("link"), "<?limit=1&from=2>; rel=\"next\"");
        assert_eq!(ask("/a/v1/changes?limit=1&from=2").with(200)[0]["version"], 2);
        let metrics = ask("/a/v1/metrics");
        assert!(
            metrics.text().contains("redraft_http_requests_total{route=\"/v1/changes\",status=\"200\"} 2\n")
        );
    });
    // The application has its stores back, and nobody else has them.
    for store in [a, b, c] {
        Arc::into_inner(store).unwrap().close().unwrap();
    }
}

/// An application's server may wait for a reader for ever; the thread that writes for it does not.
#[test]
fn a_large_state_whose_reader_was_given_up_ends_as_a_broken_one() {
    let _alone = crate::server::much_memory();
    let dir = tempfile::tempdir().unwrap();
    let large = store(&dir, "large");
    let rows: Value =
        (0..400_000).map(|n| value!({ "row": n, "text": "some text that takes room" })).collect();
    large.produce(|doc| doc["rows"] = rows).unwrap();
    let limits = Limits::new().idle(Duration::from_millis(100));
    serving(router(Arc::clone(&large), Access::new(), limits), |address| {
        let mut client = Client::to(address);
        client.begin("GET", "/v1/state", &["connection: close"], "");
        assert_eq!(client.head().unwrap().0, 200);
        // Many times as long as it is waited for.
        std::thread::sleep(Duration::from_secs(3));
        let mut read = 0;
        while let Some(piece) = client.chunk().flatten() {
            assert!(!piece.is_empty(), "the answer ends as if it were whole");
            read += piece.len();
        }
        assert!(read < large.state().to_json_string().len());
    });
}
