//! Every test that `docs/reliability.md` names is there, in the file it is said to be in.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests look at files and may fail loudly")]

use std::path::Path;

/// What stands between backticks and reads as a path to a test, file and name.
fn named(table: &str) -> Vec<(&str, &str)> {
    table.split('`').skip(1).step_by(2).filter_map(|code| code.rsplit_once("::")).collect()
}

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let named = named(&table);
    assert!(named.len() > 40, "only {} tests are named", named.len());
    for (path, test) in named {
        let file = path.replace("::", "/");
        let places = [format!("tests/{file}.rs"), format!("tools/cli/tests/{file}.rs")];
        let found = places.iter().find_map(|place| std::fs::read_to_string(root.join(place)).ok());
        let source = found.unwrap_or_else(|| String::from("no such file"));
        assert!(source.contains(&format!("fn {test}(")), "{path}::{test} is not there");
    }
}

/// A fault without an answer must say so, and none may be left out.
#[test]
fn every_row_names_a_test_or_says_that_there_is_none() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .map(|line| line.split(" | ").collect())
        .filter(|cells: &Vec<&str>| cells[0].parse::<u32>().is_ok())
        .collect();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    for (index, cells) in rows.iter().enumerate() {
        assert_eq!(cells[0], (index + 1).to_string(), "rows are numbered from 1 without gaps");
        assert_eq!(cells.len(), 5, "{cells:?}");
        let answered = !named(cells[3]).is_empty() || cells[3].contains("no test yet");
        assert!(answered || cells[3].contains("not there yet"), "{cells:?}");
    }
}
