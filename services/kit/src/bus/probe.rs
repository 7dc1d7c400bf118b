//! Whether a nats-server is what a service needs, asked before anything runs (`schoolbell check`).
//!
//! It answers, can be believed, takes our password, is new enough, and lets the service do what it must
//! and say nothing in the name of another. Makes nothing and waits for nothing that is not there: what it
//! publishes to see whether it may names a stream that nobody has, so that no stream takes it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Event, HeaderMap, ServerError};
use futures::StreamExt as _;
use tokio::sync::Notify;

use super::permissions::{Hearers, questions};
use super::{Access, Error, inbox_prefix, new_enough};
use crate::unreached::{Why, place};

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What the server objected to, in its order, until the connection was closed.
struct Objections {
    said: Mutex<Vec<String>>,
    /// The subject of what is published last.
    last: String,
    to_the_last: Notify,
    closed: Notify,
}

impl Objections {
    fn of(service: &str) -> Self {
        let last = format!("{}.check.last", inbox_prefix(service));
        Self { said: Mutex::default(), last, to_the_last: Notify::new(), closed: Notify::new() }
    }

    fn note(&self, event: &Event) {
        match event {
            Event::ServerError(ServerError::Other(what)) if is_about(what, &self.last) => {
                self.to_the_last.notify_one();
            }
            Event::ServerError(ServerError::Other(what)) => {
                self.said.lock().unwrap_or_else(PoisonError::into_inner).push(what.clone());
            }
            Event::Closed => self.closed.notify_one(),
            _ => {}
        }
    }
}

fn is_about(said: &str, subject: &str) -> bool {
    said.contains(&format!("Publish to {subject:?}"))
}

/// Whether a server is what `service` needs; its version. `hearers` says who hears whom.
pub async fn probe(service: &'static str, server: Access<'_>, hearers: &Hearers) -> Result<String, Error> {
    let objections = Arc::new(Objections::of(service));
    let noted = Arc::clone(&objections);
    let options = server.options(service).name(format!("schoolbell-check-{service}"));
    let options = options.connection_timeout(ANSWERS_WITHIN).event_callback(move |event| {
        noted.note(&event);
        std::future::ready(())
    });
    let client = options.connect(server.addresses()?).await;
    let client = client.map_err(|error| server.refused(service, &error))?;
    let found = client.server_info().version;
    if !new_enough(&found) {
        return Err(Error::TooOld { found });
    }
    let others = || hearers.keys().filter(|other| **other != service).map(|other| trial_subject(other));
    let asked = ask(&client, (service, hearers), others(), &objections);
    let asked = tokio::time::timeout(ANSWERS_WITHIN, asked).await;
    let objections = objections.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if objections.is_empty() && !matches!(asked, Ok(Ok(()))) {
        return Err(Error::Connect { service, place: place(server.url), why: Why::Silent });
    }
    let wrong = |what: String| Err(Error::Permissions { service, place: place(server.url), what });
    let expected = |said: &String| others().any(|other| is_about(said, &other));
    if let Some(said) = objections.iter().find(|said| !expected(said)) {
        return wrong(said.clone());
    }
    // Without passwords everybody is everybody.
    let forged = others().find(|other| !objections.iter().any(|said| is_about(said, other)));
    if let Some(other) = forged.filter(|_| server.password.is_some()) {
        return wrong(format!("it may publish to {other:?}, in the name of another"));
    }
    Ok(found)
}

fn trial_subject(service: &str) -> String {
    format!("schoolbell.{service}.check")
}

/// Does what the service will do, and what it must not, and waits until the server has come to the end of it
/// and everything that it objected to is known.
async fn ask(
    client: &Client,
    (service, hearers): (&str, &Hearers),
    others: impl Iterator<Item = String>,
    objections: &Objections,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let inbox = format!("{}.check", inbox_prefix(service));
    let _answers = client.subscribe(inbox.clone()).await?;
    let mut last = client.subscribe(objections.last.clone()).await?;
    let sayers = hearers.get(service).map(Vec::as_slice).unwrap_or_default();
    for question in questions(service, sayers) {
        client.publish_with_reply(question, inbox.clone(), "".into()).await?;
    }
    for subject in std::iter::once(trial_subject(service)).chain(others) {
        let mut nowhere = HeaderMap::new();
        nowhere.insert("Nats-Expected-Stream", "schoolbell-check");
        client.publish_with_headers(subject, nowhere, "".into()).await?;
    }
    // The server takes one after the other: it objects to the last, or hands it back to us.
    client.publish(objections.last.clone(), "".into()).await?;
    client.flush().await?;
    tokio::select! {
        () = objections.to_the_last.notified() => {}
        _ = last.next() => {}
    }
    client.drain().await?;
    objections.closed.notified().await;
    Ok(())
}
