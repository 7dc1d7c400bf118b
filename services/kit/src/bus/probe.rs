//! Whether a nats-server is what a service needs, asked before anything runs (`schoolbell check`).
//!
//! It answers, can be believed, takes our password, is new enough, and lets the service do what it must
//! and say nothing in the name of another. Makes nothing and waits for nothing that is not there: what it
//! publishes to see whether it may names a stream that nobody has, so that no stream takes it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Event, HeaderMap, ServerError};
use tokio::sync::Notify;

use super::permissions::{Hearers, questions};
use super::{Access, Error, inbox_prefix, new_enough};
use crate::unreached::{Why, place};

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What the server objected to, in its order, until the connection was closed.
#[derive(Default)]
struct Objections {
    said: Mutex<Vec<String>>,
    closed: Notify,
}

impl Objections {
    fn note(&self, event: &Event) {
        match event {
            Event::ServerError(ServerError::Other(what)) => {
                self.said.lock().unwrap_or_else(PoisonError::into_inner).push(what.clone());
            }
            Event::Closed => self.closed.notify_one(),
            _ => {}
        }
    }
}

/// Whether a server is what `service` needs; its version. `hearers` says who hears whom.
pub async fn probe(service: &'static str, server: Access<'_>, hearers: &Hearers) -> Result<String, Error> {
    let objections = Arc::new(Objections::default());
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
    let asked = ask(&client, (service, hearers), others()).await;
    // What the server objects to comes before the end of the connection.
    let silent = || Error::Connect { service, place: place(server.url), why: Why::Silent };
    asked.map_err(|_| silent())?;
    tokio::time::timeout(ANSWERS_WITHIN, objections.closed.notified()).await.map_err(|_| silent())?;
    let objections = objections.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_about = |said: &String, subject: &str| said.contains(&format!("{subject:?}"));
    let wrong = |what: String| Err(Error::Permissions { service, place: place(server.url), what });
    if let Some(said) = objections.iter().find(|said| !others().any(|other| is_about(said, &other))) {
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

/// Does what the service will do, and what it must not, and closes the connection.
async fn ask(
    client: &Client,
    (service, hearers): (&str, &Hearers),
    others: impl Iterator<Item = String>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let inbox = format!("{}.check", inbox_prefix(service));
    let _answers = client.subscribe(inbox.clone()).await?;
    let sayers = hearers.get(service).map(Vec::as_slice).unwrap_or_default();
    for question in questions(service, sayers) {
        client.publish_with_reply(question, inbox.clone(), "".into()).await?;
    }
    for subject in std::iter::once(trial_subject(service)).chain(others) {
        let mut nowhere = HeaderMap::new();
        nowhere.insert("Nats-Expected-Stream", "schoolbell-check");
        client.publish_with_headers(subject, nowhere, "".into()).await?;
    }
    client.flush().await?;
    client.drain().await?;
    Ok(())
}
