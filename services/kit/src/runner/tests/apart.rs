//! Two services in processes of their own, as far as they can tell: each with its own folder and
//! key, over one nats-server, protected all the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use proto::options::v1::Role;
use proto::tasks::v1::ListTasksRequest;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tokio::process::Child;

use super::super::{Host, Running, Settings};
use super::{Bell, Ear, Told, hearers, settings};
use crate::Tenant;
use crate::bus::permissions::authorization;
use crate::bus::{self, Access, Bus, server};
use crate::config::{Issuer, Mode, Secret, Tls};
use crate::fixtures::{rang, rows, task};
use crate::identity::Keys;
use crate::service::{Parts, Platform};
use crate::store::Commit;
use crate::testing::authority::Authority;
use crate::testing::{eventually, tools};
use crate::unreached::Why;

const HERE: &[&str] = &["localhost", "127.0.0.1"];

/// A nats-server of somebody else's that is spoken to with TLS only.
async fn nats(folder: &Path, authority: &Authority) -> (Child, String) {
    let issued = authority.settings(folder, HERE);
    let users = authorization(&hearers(), |service| format!("\"of-{service}\""));
    let text = format!(
        "listen: \"127.0.0.1:-1\"\nports_file_dir: {folder:?}\njetstream {{ store_dir: {:?} }}\n\
         tls {{ cert_file: {:?}, key_file: {:?} }}\n{users}",
        folder.join("jetstream"),
        issued.certificate.unwrap(),
        issued.key.unwrap(),
    );
    let program = server::find(&tools()).unwrap();
    // Its file of ports says tls://, with the port where kit looks for it.
    let (child, port) = server::launch(&program, folder, &text).await.unwrap();
    (child, format!("tls://127.0.0.1:{port}"))
}

/// Settings of the one service that runs in a process.
fn alone(service: &str, folder: &Path, tls: Tls, url: &str) -> Settings {
    let mut settings = settings(folder);
    settings.serves = vec![service.to_owned()];
    settings.nats.url = Some(url.to_owned());
    settings.nats.passwords.insert(service.to_owned(), Secret::new(format!("of-{service}")));
    settings.tls = tls;
    settings
}

/// The public half of a service's key, which is made when it is not there.
fn issuer(service: &str, folder: &Path) -> (String, Issuer) {
    let keys = Keys::open(&folder.join("keys"), &[service]).unwrap();
    (service.to_owned(), keys.issuer(service, &[Role::Service]).unwrap())
}

async fn bell(settings: Settings) -> (Running, Platform) {
    let (told, mut host) = (Told::default(), Host::bind(settings, hearers()).await.unwrap());
    host.add::<Bell>((Arc::clone(&told), Parts::new()));
    let running = host.run().await.unwrap();
    let platform = told.lock().unwrap().take().unwrap();
    (running, platform)
}

async fn ear(settings: Settings) -> (Running, Platform) {
    let (told, mut host) = (Told::default(), Host::bind(settings, hearers()).await.unwrap());
    host.add::<Ear>((Arc::clone(&told), 1));
    let running = host.run().await.unwrap();
    let platform = told.lock().unwrap().take().unwrap();
    (running, platform)
}

async fn stop(running: Running) {
    running.stop_token().cancel();
    running.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_apart_ask_and_hear_each_other_with_tls() {
    let authority = Authority::new();
    let [at_bell, at_ear, at_nats] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let (mut server, url) = nats(at_nats.path(), &authority).await;
    let issuers = BTreeMap::from([issuer("bell", at_bell.path()), issuer("ear", at_ear.path())]);
    let mut here = alone("bell", at_bell.path(), authority.settings(at_bell.path(), HERE), &url);
    here.identity.issuers = issuers.clone();
    let (bell_runs, bell) = bell(here).await;
    let mut there = alone("ear", at_ear.path(), authority.settings(at_ear.path(), HERE), &url);
    there.identity.issuers = issuers;
    there.peers.insert("bell".to_owned(), format!("https://localhost:{}", bell_runs.grpc.port()));
    let (ear_runs, ear) = ear(there).await;

    // A question over gRPC, signed with a key of which the other knows only the public half.
    let tenant = Tenant::generate();
    bell.store.commit(Commit::new().task(task(tenant, Role::Office))).await.unwrap();
    let peer = ear.peer("bell").unwrap();
    let list = ListTasksRequest { service: "bell".to_owned(), ..Default::default() };
    let request = peer.request(tenant, list, SignedDuration::from_secs(5)).unwrap();
    let listed = TasksServiceClient::new(peer.way()).list_tasks(request).await.unwrap().into_inner();
    assert_eq!(listed.tasks.len(), 1);
    // A fact over NATS.
    bell.store.commit(Commit::new().fact(&rang(tenant, 1)).unwrap()).await.unwrap();
    eventually("accounts", 1, || rows(&ear.store, "ledger")).await;
    assert!(!at_bell.path().join("keys/ear.pem").exists(), "a private key that is not ours");

    stop(ear_runs).await;
    stop(bell_runs).await;
    server.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_server_that_cannot_prove_its_name_is_not_spoken_to() {
    let (authority, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let (mut server, url) = nats(folder.path(), &authority).await;
    let password = Secret::new("of-bell");
    let known = authority.trust(folder.path()).authorities.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = other.trust(elsewhere.path()).authorities.unwrap();
    for (authorities, spoken_to) in [(Some(&known), true), (Some(&stranger), false), (None, false)] {
        let authorities = authorities.map(std::path::PathBuf::as_path);
        let access = Access { url: &url, password: Some(&password), authorities, replicas: 1 };
        match Bus::connect("bell", access).await {
            Ok(bus) => assert!(spoken_to && bus.own_stream().await.is_ok(), "{authorities:?}"),
            Err(bus::Error::Connect { why, .. }) => assert!(!spoken_to && why == Why::Stranger, "{why}"),
            Err(other) => panic!("{other}"),
        }
    }
    server.kill().await.unwrap();
}

#[tokio::test]
async fn production_asks_for_the_keys_of_its_own_services_and_the_public_ones_of_the_others() {
    let [folder, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (name, public) = issuer("bell", elsewhere.path());
    let (_, unrelated) = issuer("ear", folder.path());
    let bind = |change: &dyn Fn(&mut Settings)| {
        let mut settings = alone("ear", folder.path(), Tls::default(), "nats://127.0.0.1:1");
        (settings.mode, settings.people_issuers) = (Mode::Production, Vec::new());
        change(&mut settings);
        Host::bind(settings, hearers())
    };
    let own = elsewhere.path().join("ear.pem");
    std::fs::copy(folder.path().join("keys/ear.pem"), &own).unwrap();
    let refused = |error: Option<anyhow::Error>| error.unwrap().to_string();
    let none = |_: &mut Settings| {};
    assert!(refused(bind(&none).await.err()).starts_with("production needs identity.keys.ear"));
    let key = |settings: &mut Settings| {
        settings.identity.keys.insert("ear".to_owned(), own.clone());
    };
    assert!(refused(bind(&key).await.err()).starts_with("production needs identity.issuers.bell"));
    let both = |settings: &mut Settings| {
        key(settings);
        settings.identity.issuers.insert(name.clone(), public.clone());
    };
    assert!(bind(&both).await.is_ok());
    let stranger = |settings: &mut Settings| {
        both(settings);
        settings
            .identity
            .issuers
            .insert("ear".to_owned(), Issuer { public_key: public.public_key.clone(), ..unrelated.clone() });
    };
    let said = refused(bind(&stranger).await.err());
    assert_eq!(said, "the key of ear is not the one that identity.issuers.ear names");
}
