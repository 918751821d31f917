//! A history whose changes tell their own version, so that whoever finds one knows whether it is the right one.

use redraft::{Options, Patch, Store, Value, verify};

/// The patch for a version: its number, and something of varying length.
pub(crate) fn line(version: u64) -> String {
    let (slot, text) = (version % 7, format!("{version} ").repeat(1 + (version * 31 % 97) as usize));
    format!(
        "[{{\"op\":\"add\",\"path\":\"/n\",\"value\":{version}}},{{\"op\":\"add\",\"path\":\"/slot{slot}\",\"value\":\"{text}\"}}]\n"
    )
}

/// Makes the next version.
pub(crate) fn produce(store: &Store<Value>, padding_bytes: usize) -> redraft::Result<u64> {
    let version = store.version() + 1;
    let mut patch = Patch::from_json_patch(line(version).as_bytes(), &store.state()).unwrap();
    if padding_bytes > 0 {
        let text = format!(
            "[{{\"op\":\"add\",\"path\":\"/n\",\"value\":{version}}},{{\"op\":\"add\",\"path\":\"/padding\",\"value\":\"{}\"}}]",
            format!("{version:08} ").repeat(padding_bytes / 9)
        );
        patch = Patch::from_json_patch(text.as_bytes(), &store.state()).unwrap();
    }
    Ok(store.apply(&patch)?.version())
}

/// Opens the store as the next writer would, and looks at everything since `from`.
pub(crate) fn check(store: &str, from: u64, acknowledged: u64) -> u64 {
    let store: Store<Value> = Options::new().create(false).open(store).unwrap();
    let head = check_open(&store, from, acknowledged);
    store.close().unwrap();
    head
}

/// The same of a store that is open.
pub(crate) fn check_open(store: &Store<Value>, from: u64, acknowledged: u64) -> u64 {
    let head = store.version();
    assert!(head >= acknowledged, "version {acknowledged} was acknowledged, {head} is the newest there");
    let mut version = from;
    for change in store.changes(from + 1..).unwrap() {
        let change = change.unwrap();
        version += 1;
        assert_eq!(change.version, version);
        assert_eq!(change.patch.to_native().unwrap()[0]["value"], version);
    }
    assert_eq!(version, head);
    if head > 0 {
        assert_eq!(store.state()["n"].as_u64(), Some(head));
        assert_eq!(store.at(acknowledged).unwrap()["n"].as_u64(), (acknowledged > 0).then_some(acknowledged));
    }
    head
}

/// Checks everything, and that the store goes on. One that acknowledged nothing need not be there yet.
pub(crate) fn check_and_go_on(store: &str, acknowledged: u64) -> u64 {
    let open: Store<Value> = Options::new().create(acknowledged == 0).open(store).unwrap();
    let head = check_open(&open, 0, acknowledged);
    assert_eq!(produce(&open, 0).unwrap(), head + 1);
    open.close().unwrap();
    let report = verify(store).unwrap();
    assert!(report.is_sound() && report.intact == head + 1, "{report:?}");
    head
}
