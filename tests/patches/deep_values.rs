//! Values nested far beyond the limit are errors where they would be stored, and never a crash.

use redraft::value::{DEPTH_MAX, JsonError, Map};
use redraft::{DraftError, Patch, Value, apply, draft};

const DEEP: usize = 100_000;

/// Runs on a stack far too small for recursion in proportion to the depth.
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(test).unwrap();
    thread.join().expect("the small stack sufficed and nothing failed");
}

fn lists(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| [inner].into())
}

fn maps(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| [("k", inner)].into_iter().collect::<Map>().into())
}

#[test]
fn deep_values_are_built_and_dropped() {
    on_small_stack(|| drop((lists(DEEP), maps(DEEP))));
}

#[test]
fn deep_values_are_dropped_where_they_branch() {
    on_small_stack(|| {
        let wide: Value = (0..50).map(|_| maps(2_000)).collect();
        let shared = wide.clone();
        drop(wide);
        drop(shared);
    });
}

#[test]
fn deep_values_compare() {
    on_small_stack(|| {
        assert_eq!(lists(DEEP), lists(DEEP));
        assert_eq!(maps(DEEP), maps(DEEP));
        assert_ne!(lists(DEEP), lists(DEEP + 1));
        assert_ne!(maps(DEEP), lists(DEEP));
    });
}

#[test]
fn deep_values_print_cut() {
    on_small_stack(|| {
        for value in [lists(DEEP), maps(DEEP)] {
            assert!(format!("{value:?}").contains(".."));
            assert!(format!("{value:#?}").contains(".."));
            assert!(value.to_string().contains("\"..\""));
            assert!(value.to_json_pretty().contains("\"..\""));
            assert!(serde_json::to_string(&value).is_err());
        }
    });
}

#[test]
fn deep_values_do_not_enter_a_patch() {
    on_small_stack(|| {
        let base = redraft::value!({ "a": {} });
        for value in [lists(DEEP), maps(DEEP)] {
            let added = draft(&base, |doc| doc["a"]["b"] = value.clone());
            assert!(matches!(added, Err(DraftError::Depth { path }) if path.to_string() == "/a/b"));
            let replaced = draft(&base, |doc| *doc = value.clone());
            assert!(matches!(replaced, Err(DraftError::Depth { .. })));
        }
    });
}

#[test]
fn telling_two_deep_states_apart_stops_at_the_limit() {
    on_small_stack(|| {
        for value in [lists(DEEP / 20), maps(DEEP / 20)] {
            let deeper = draft(&value, |doc| *doc = [value.clone()].into());
            assert!(matches!(deeper, Err(DraftError::Depth { .. })));
        }
    });
}

#[test]
fn the_limit_itself_is_allowed_and_one_more_is_not() {
    on_small_stack(|| {
        let base = Value::Null;
        for value in [lists(DEPTH_MAX), maps(DEPTH_MAX)] {
            let drafted = draft(&base, |doc| *doc = value.clone()).unwrap();
            assert_eq!(apply(&base, &drafted.patch).unwrap().state, value);
            let text = value.to_string();
            assert_eq!(text.parse::<Value>().unwrap(), value);
            let native = drafted.patch.to_native().unwrap().to_string();
            assert_eq!(Patch::from_native(native.as_bytes(), &base).unwrap(), drafted.patch);
            let more = draft(&base, |doc| *doc = [value.clone()].into());
            assert!(matches!(more, Err(DraftError::Depth { .. })));
        }
    });
}

#[test]
fn deep_json_is_an_error_with_its_position() {
    on_small_stack(|| {
        let text = "[".repeat(DEEP) + &"]".repeat(DEEP);
        let error: JsonError = text.parse::<Value>().unwrap_err();
        assert_eq!((error.line, error.column), (1, DEPTH_MAX + 1));
        let text = "{\"k\":".repeat(DEEP) + "1" + &"}".repeat(DEEP);
        assert!(text.parse::<Value>().unwrap_err().message.contains("128"));
        assert!(Patch::from_json_patch(text.as_bytes(), &Value::Null).is_err());
    });
}
