//! What a message said, where that depends on who reads it: words about when and where children are
//! collected are left out for whoever may not know. The watch after restrictions asks for it.
//!
//! Written by a sender before the message leaves, so that no crash hides what was said. Invariant:
//! once a message may have left in words that say more, nothing that is said later makes it harmless.

use std::sync::Arc;

use kit::store::{Commit, Error, Store};
use sea_orm::{ConnectionTrait, Statement};
use serde::Serialize;

use super::chunks::Delivery;
use super::json_rows;
use crate::domain::About;
use crate::domain::clearance::Readers;

/// What one message is about to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The delivery.
    delivery: String,
    /// Whether its words say nothing about any child.
    general: bool,
}

/// What is to be written before a message leaves in the words for these readers; none where it is
/// known, or where every reader gets the same words.
#[must_use]
pub fn said(delivery: &Delivery, about: &About, readers: Readers) -> Option<Said> {
    let general = about.concerns_nobody(readers);
    let depends = about.concerns_nobody(Readers::Entitled) != about.concerns_nobody(Readers::Barred);
    let is_known = delivery.general == Some(false) || delivery.general == Some(general);
    (depends && !is_known).then(|| Said { delivery: delivery.id.clone(), general })
}

/// Writes it down for a round.
pub async fn write(store: &Store, said: &[Said]) -> Result<(), Error> {
    if said.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(said).map_err(|_| Error::Corrupt { what: "batch" })?;
    let json = Arc::new(json);
    let commit = Commit::new().work(move |tx| {
        let json = Arc::clone(&json);
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let from = json_rows(backend, &[("delivery", "TEXT"), ("general", "BOOLEAN")]);
            let sql = format!(
                "UPDATE deliveries SET general = (COALESCE(deliveries.general, TRUE) AND j.general) \
                 FROM {from} WHERE deliveries.id = j.delivery"
            );
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.as_str().into()])).await?;
            Ok(())
        })
    });
    store.commit(commit).await?;
    Ok(())
}
