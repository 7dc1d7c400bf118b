//! What is wrong with a nats-server is said before anything runs on it.

use std::collections::BTreeMap;
use std::path::Path;

use tokio::process::Child;

use super::super::permissions::{Hearers, authorization};
use super::super::{Access, Bus, Error, probe, server};
use crate::config::Secret;
use crate::testing::tools;
use crate::unreached::Why;

fn hearers() -> Hearers {
    BTreeMap::from([("bell", vec![]), ("ear", vec!["bell"])])
}

fn permissions(hearers: &Hearers) -> String {
    authorization(hearers, |service| format!("\"of-{service}\""))
}

async fn nats(folder: &Path, users: &str) -> (Child, u16) {
    let settings = format!(
        "listen: \"127.0.0.1:-1\"\nports_file_dir: {folder:?}\njetstream {{ store_dir: {:?} }}\n{users}",
        folder.join("jetstream")
    );
    let program = server::find(&tools()).expect("deploy/tools/install nats-server");
    server::launch(&program, folder, &settings).await.unwrap()
}

/// What is said of a server to the hearer, with its right password or another.
async fn said(url: &str, password: &str) -> Result<String, Error> {
    let password = Secret::new(password);
    let access = Access { url, password: Some(&password), authorities: None, replicas: 1 };
    probe("ear", access, &hearers()).await
}

#[tokio::test]
async fn a_server_with_our_permissions_is_right_and_keeps_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, port) = nats(folder.path(), &permissions(&hearers())).await;
    let url = format!("nats://127.0.0.1:{port}");
    let password = Secret::new("of-bell");
    let access = Access { url: &url, password: Some(&password), authorities: None, replicas: 1 };
    let bell = Bus::connect("bell", access).await.unwrap();
    bell.own_stream().await.unwrap();
    said(&url, "of-ear").await.unwrap();
    probe("bell", access, &hearers()).await.unwrap();
    assert_eq!(bell.own_stream().await.unwrap().cached_info().state.messages, 0);
    bell.close().await;
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_user_who_may_do_less_or_more_than_the_service_is_said_with_the_first_difference() {
    let deaf = Hearers::from([("bell", vec![]), ("ear", vec![])]);
    let anybody = "authorization { users: [ { user: \"ear\", password: \"of-ear\" } ] }";
    for (users, what) in [
        (permissions(&deaf), "Publish to \"$JS.API.STREAM.INFO.schoolbell_bell\""),
        (
            permissions(&hearers()).replace("_INBOX_ear.>", "_INBOX_bell.>"),
            "Subscription to \"_INBOX_ear.check\"",
        ),
        (
            permissions(&hearers()).replace("schoolbell.ear.>", "bell.ear.>"),
            "Publish to \"schoolbell.ear.check\"",
        ),
        (anybody.to_owned(), "it may publish to \"schoolbell.bell.check\", in the name of another"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, port) = nats(folder.path(), &users).await;
        let error = said(&format!("nats://127.0.0.1:{port}"), "of-ear").await.unwrap_err();
        assert!(
            matches!(&error, Error::Permissions { what: said, .. } if said.contains(what)),
            "{what}: {error}"
        );
        child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_refuses_us_or_is_not_there_is_said_with_its_place_and_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, port) = nats(folder.path(), &permissions(&hearers())).await;
    for (url, expected) in [
        (format!("nats://127.0.0.1:{port}"), Why::Refused),
        (format!("tls://127.0.0.1:{port}"), Why::PlainText),
        ("nats://127.0.0.1:1".to_owned(), Why::Nobody),
    ] {
        let error = said(&url, "sesame").await.unwrap_err();
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
        let Error::Connect { place, why, .. } = error else { panic!("{url}: {error}") };
        assert_eq!((why, url.ends_with(&place)), (expected, true), "{url}: {place}");
    }
    let url = format!("nats://127.0.0.1:{port}");
    let access = Access { url: &url, password: None, authorities: None, replicas: 1 };
    let refused = Bus::connect("ear", access).await.err().unwrap();
    assert!(matches!(refused, Error::Connect { why: Why::Refused, .. }), "{refused}");
    child.kill().await.unwrap();
}
