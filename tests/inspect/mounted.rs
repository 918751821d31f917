//! An application nests the page in an axum app of its own, under any name.

use crate::client::Client;
use axum::Router;
use axum::routing::get;
use redraft::inspect::Inspector;
use redraft::{Store, Value};
use std::sync::Arc;

#[test]
fn under_a_name_the_page_and_its_answers_are_there_and_the_rest_is_the_applications() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::<Value>::open(dir.path().join("board")).unwrap());
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let inspected = Arc::clone(&store);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = Router::new()
                .route("/", get(async || "home"))
                .nest("/deep/inspect/", Inspector::new(inspected).name("mine").router())
                .fallback(async || "lost");
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let serve = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
            serve.await.unwrap();
        });
    });
    let address = told.recv().unwrap();
    let ask = |target: &str| Client::to(address).ask("GET", target, &["connection: close"], "");
    assert_eq!(ask("/").text(), "home");
    assert_eq!(ask("/elsewhere").text(), "lost");
    let page = ask("/deep/inspect/");
    assert!(page.status == 200 && page.text().to_lowercase().starts_with("<!doctype html>"), "{page:?}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let about = ask("/deep/inspect/api/store").with(200);
    assert_eq!((&about["name"], &about["version"]), (&"mine".into(), &1.into()));
    ask("/deep/inspect/api/none").problem(404);
    drop(stop);
    thread.join().unwrap();
    // Once nobody serves it any more, nothing holds the store.
    crate::common::waiting::until(|| Arc::strong_count(&store) == 1);
}
