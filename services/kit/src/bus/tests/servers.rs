//! The server of our own: who may say and hear what, and how it comes and goes.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use async_nats::StatusCode;
use futures::FutureExt;
use futures::StreamExt;
use futures::future::join_all;
use rustix::process::{Pid, Signal, getpgid, kill_process};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::server::{Error, Hearers, Server, is_our_server};
use super::super::{Access, Bus, pulse};
use super::{launch, messages};
use crate::Tenant;
use crate::testing::{eventually, tools};

fn hearers() -> Hearers {
    Hearers::from([("bell", vec![]), ("ear", vec!["bell"]), ("spy", vec![])])
}

async fn bus(server: &Server, service: &'static str) -> Bus {
    let (url, password) = (server.url(), server.password(service));
    Bus::connect(service, Access { url: &url, password, authorities: None, replicas: 1 }).await.unwrap()
}

/// Whether the server answers a request at all; one that it refuses it leaves unanswered.
async fn answered(bus: &Bus, subject: &str, body: &str) -> bool {
    // By hand, because a fact that is handed out keeps its own subject, on which a request would
    // not know its answer.
    let inbox = bus.client.new_inbox();
    let mut answers = bus.client.subscribe(inbox.clone()).await.unwrap();
    bus.client.publish_with_reply(subject.to_owned(), inbox, body.to_owned().into()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(2), answers.next()).await;
    matches!(answer, Ok(Some(message)) if message.status != Some(StatusCode::NO_RESPONDERS))
}

async fn say(bus: &Bus) -> bool {
    answered(bus, &format!("schoolbell.bell.rang.{}", Tenant::generate()), "{}").await
}

#[tokio::test]
async fn a_service_may_say_its_own_facts_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    let (bell, ear, spy) = (bus(&server, "bell").await, bus(&server, "ear").await, bus(&server, "spy").await);
    bell.own_stream().await.unwrap();
    spy.own_stream().await.unwrap();
    assert!(say(&bell).await);
    let (said_by_ear, said_by_spy) = tokio::join!(say(&ear), say(&spy));
    assert!(!said_by_ear && !said_by_spy);
    assert_eq!(messages(&bell, "bell").await, Some(1));
}

#[tokio::test]
async fn a_service_may_use_its_own_streams_and_consumers_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    let (bell, ear, spy) = (bus(&server, "bell").await, bus(&server, "ear").await, bus(&server, "spy").await);
    bell.own_stream().await.unwrap();
    assert!(say(&bell).await);
    let create = |name: &str| {
        format!(
            r#"{{"stream_name":"schoolbell_bell","config":{{"durable_name":"{name}","ack_policy":"explicit"}}}}"#
        )
    };
    let ours = "$JS.API.CONSUMER.CREATE.schoolbell_bell.ear--bell";
    assert!(answered(&ear, ours, &create("ear--bell")).await);
    assert!(answered(&ear, "$JS.API.CONSUMER.MSG.NEXT.schoolbell_bell.ear--bell", "").await);
    let refused = [
        (&spy, "$JS.API.CONSUMER.MSG.NEXT.schoolbell_bell.ear--bell", String::new()),
        (&spy, ours, create("ear--bell")),
        (&spy, "$JS.API.CONSUMER.CREATE.schoolbell_bell.spy--bell", create("spy--bell")),
        (&ear, "$JS.API.CONSUMER.CREATE.schoolbell_bell.spy--bell", create("spy--bell")),
        (&spy, "$JS.API.CONSUMER.DELETE.schoolbell_bell.ear--bell", String::new()),
        (&ear, "$JS.API.STREAM.DELETE.schoolbell_bell", String::new()),
        (&bell, "$JS.API.STREAM.DELETE.schoolbell_bell", String::new()),
        (&bell, "$JS.API.STREAM.PURGE.schoolbell_bell", String::new()),
        (&spy, "$JS.API.STREAM.MSG.GET.schoolbell_bell", r#"{"seq":1}"#.to_owned()),
        (&spy, "$JS.API.DIRECT.GET.schoolbell_bell", r#"{"seq":1}"#.to_owned()),
        (&spy, "$JS.API.STREAM.CREATE.schoolbell_other", r#"{"name":"schoolbell_other"}"#.to_owned()),
        (&spy, "$JS.API.STREAM.UPDATE.schoolbell_bell", r#"{"name":"schoolbell_bell"}"#.to_owned()),
    ];
    let asking = refused.iter().map(|(who, subject, body)| answered(who, subject, body));
    for ((who, subject, _), may) in refused.iter().zip(join_all(asking).await) {
        assert!(!may, "{} may {subject}", who.service);
    }
    // What a hearer does after a restore, to be handed out everything once more.
    assert!(answered(&ear, "$JS.API.CONSUMER.DELETE.schoolbell_bell.ear--bell", "").await);
}

#[tokio::test]
async fn nobody_listens_past_the_streams_or_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    let (bell, spy) = (bus(&server, "bell").await, bus(&server, "spy").await);
    bell.own_stream().await.unwrap();
    let mut overheard = Vec::new();
    for subject in ["schoolbell.>", ">", "_INBOX_bell.>", "$JS.>", "schoolbell_pulse.bell"] {
        overheard.push(spy.client.subscribe(subject).await.unwrap());
    }
    spy.client.flush().await.unwrap();
    assert!(say(&bell).await);
    pulse::Heart::default().beat(&bell).await.unwrap();
    bell.client.flush().await.unwrap();
    spy.client.flush().await.unwrap();
    for mut subscription in overheard {
        // Ended or silent: either way nothing came.
        assert!(!matches!(subscription.next().now_or_never(), Some(Some(_))));
    }
    assert!(async_nats::connect(server.url()).await.is_err());
    let guess = async_nats::ConnectOptions::new().user_and_password("bell".to_owned(), "guess".to_owned());
    assert!(guess.connect(server.url()).await.is_err());
    let mode = std::fs::metadata(folder.path().join("nats.conf")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "the passwords are readable by their owner only");
}

#[tokio::test]
async fn a_server_that_dies_is_started_again_with_its_port_and_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    let bell = bus(&server, "bell").await;
    let id = server.process_id().unwrap();
    let (mut supervising, stop) = (JoinSet::new(), CancellationToken::new());
    supervising.spawn(server.supervise(stop.clone()));
    bell.own_stream().await.unwrap();
    assert!(say(&bell).await);
    kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), Signal::KILL).unwrap();
    eventually("the second fact", true, || say(&bell)).await;
    assert!(messages(&bell, "bell").await.unwrap() >= 2);
    stop.cancel();
    supervising.join_next().await.unwrap().unwrap().unwrap();
    let pid: u32 = std::fs::read_to_string(folder.path().join("nats.pid")).unwrap().parse().unwrap();
    assert!(!is_our_server(folder.path(), pid), "it ends when it is asked to");
}

#[tokio::test]
async fn what_a_former_run_left_behind_is_ended_first() {
    let folder = tempfile::tempdir().unwrap();
    let (former, _) = launch(folder.path().to_owned(), -1).await;
    let left = former.id().unwrap();
    std::fs::write(folder.path().join("nats-server_1.ports"), r#"{"nats":["nats://127.0.0.1:1"]}"#).unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    assert!(!is_our_server(folder.path(), left));
    assert!(is_our_server(folder.path(), server.process_id().unwrap()));
    assert!(!folder.path().join("nats-server_1.ports").exists());
    assert!(answered(&bus(&server, "bell").await, "$JS.API.INFO", "").await);
}

#[tokio::test]
async fn the_folder_of_a_server_that_is_needed_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    let settings = || std::fs::read(folder.path().join("nats.conf")).unwrap();
    let before = settings();
    let error = Server::start(folder.path(), &tools(), hearers()).await.err().unwrap();
    assert!(error.to_string().ends_with("is in use by another process"), "{error}");
    assert_eq!(settings(), before);
    assert!(answered(&bus(&server, "bell").await, "$JS.API.INFO", "").await);
    drop(server);
    assert!(Server::start(folder.path(), &tools(), hearers()).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_pressed_in_the_terminal_does_not_reach_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &tools(), hearers()).await.unwrap();
    let id = Pid::from_raw(i32::try_from(server.process_id().unwrap()).unwrap());
    assert_eq!(getpgid(id).unwrap(), id.unwrap());
}

#[tokio::test]
async fn a_server_ends_with_the_process_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    // To the kernel the thread that started a process is its parent, so a thread can stand for us.
    let id = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(Server::start(&path, &tools(), hearers())).unwrap();
        let id = server.process_id().unwrap();
        std::mem::forget((server, runtime));
        id
    })
    .join()
    .unwrap();
    eventually("a server without a parent", false, || async { is_our_server(folder.path(), id) }).await;
}

#[tokio::test]
async fn a_server_that_does_not_start_says_where_its_words_are() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = tools.path().join("nats-server");
    std::fs::write(&program, "#!/bin/sh\necho 'no room' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tools = [tools.path().to_owned()];
    let error = Server::start(folder.path(), &tools, hearers()).await.err().unwrap();
    let Error::NotReady { log } = error else { panic!("{error:?}") };
    assert!(std::fs::read_to_string(log).unwrap().contains("no room"));
}
