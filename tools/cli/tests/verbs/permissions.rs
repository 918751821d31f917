//! What the documentation tells a user to allow a node is enough, and no more than it says.

use crate::common::nats::{Server, server};
use crate::common::{Done, Place, done};

const GUIDE: &str = include_str!("../../../../docs/jetstream.md");

/// The block of configuration that begins so.
fn block(beginning: &str) -> String {
    let block = GUIDE.split("```conf\n").skip(1).find(|block| block.starts_with(beginning)).unwrap();
    block.split("```").next().unwrap().to_owned()
}

fn with(server: &Server, user: &str, args: &[&str], input: &str) -> Done {
    let place = Place::new();
    let input = place.write("input", input);
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "INPUT" { &*input } else { arg }).collect();
    let mut command = server.command(&args);
    command.env("REDRAFT_NATS_USER", user).env("REDRAFT_NATS_PASSWORD", user);
    done(command)
}

#[test]
fn the_permissions_that_the_documentation_lists_are_enough() {
    if server().is_none() {
        return;
    }
    let place = Place::new();
    let named =
        |text: String, user: &str| text.replace(&format!("${}\"", user.to_uppercase()), &format!("{user}\""));
    let permissions = ["admin", "node", "reader"].into_iter().fold(block("authorization {"), named);
    let config = place.write("server.conf", "max_payload: 262144\n".to_owned() + &permissions);
    let server = Server::with(&["-c", &config]);
    let url = server.url("board");
    with(&server, "admin", &["init", &url], "").ok();
    // Larger than a message: the bucket is the administrator's to make.
    let large = format!(r#"[{{"op":"add","path":"/large","value":"{}"}}]"#, "x".repeat(600_000));
    with(&server, "admin", &["apply", &url, "INPUT"], &large).ok();
    let copy = |name: &str| place.at(name);
    with(
        &server,
        "node",
        &["apply", &url, "INPUT", "--cache", &copy("node")],
        r#"[{"op":"add","path":"/n","value":1}]"#,
    )
    .ok();
    with(
        &server,
        "node",
        &["apply", &url, "INPUT", "--cache", &copy("node")],
        &large.replace("large", "more"),
    )
    .ok();
    with(&server, "node", &["undo", &url, "2", "--cache", &copy("node")], "").ok();
    for user in ["node", "reader"] {
        let told =
            with(&server, user, &["log", &url, "--json", "--cache", &copy(&format!("{user}-new"))], "");
        assert_eq!(told.json_lines().len(), 4, "{user}");
    }
    let told = with(
        &server,
        "reader",
        &["apply", &url, "INPUT", "--cache", &copy("reader")],
        r#"[{"op":"add","path":"/n","value":2}]"#,
    );
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.err.contains("does not permit this user to publish to redraft.board"), "{told:?}");
    let told =
        with(&server, "node", &["init", &server.url("other"), "--cache", &copy("other")], "").refused(1);
    assert!(told.contains("$JS.API.STREAM.INFO.other"), "{told}");
    with(&server, "node", &["show", &server.url("other"), "--cache", &copy("other")], "").refused(1);
    assert_eq!(with(&server, "admin", &["log", &url, "--json"], "").json_lines().len(), 4);
}

#[test]
fn the_servers_of_the_documentation_start_as_they_are_written() {
    if server().is_none() {
        return;
    }
    let place = Place::new();
    // Servers before 2.10 refuse what they do not know, which the file says.
    let version = std::process::Command::new("nats-server").arg("--version").output().unwrap();
    let is_old = String::from_utf8_lossy(&version.stdout).contains("v2.9.");
    let lines = block("# nats-a.conf");
    assert!(lines.contains("sync_interval: always"));
    let known = |line: &&str| !(is_old && line.contains("sync_interval"));
    let lines: Vec<&str> = lines.lines().filter(known).collect();
    let config = place.write("nats-a.conf", lines.join("\n"));
    let checked = std::process::Command::new("nats-server").args(["-t", "-c", &config]).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
