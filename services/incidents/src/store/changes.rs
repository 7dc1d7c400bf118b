//! Puts what was decided into a commit: the accident, its account, the fact and the task, all or
//! nothing.
//!
//! A first account adds the accident; an amendment moves it on from the version that it was decided
//! on, and anything else is a conflict: the caller decides again.

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::micros;
use kit::identity::Caller;
use kit::store::{Commit, Error, Store};
use proto::events::{About, Event};
use proto::ids::EventId;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::convert::{Given, accident_row, account_row, stored_version};
use crate::domain::{Accident, Step, Telling, tasks};

/// Whose decision is being written, and when.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// Who decided.
    pub caller: &'a Caller,
    /// By which RPC.
    pub rpc: &'static str,
    /// When.
    pub at: Timestamp,
}

impl Hand<'_> {
    fn school(&self) -> Tenant {
        self.caller.tenant
    }

    /// Writes an accident that was not there before.
    pub fn recorded(&self, step: &Step) -> Result<Commit, Error> {
        let row = accident_row(self.school(), &step.accident).into_active_model();
        self.account(insert(self.audited(step, ""), row), step, "")
    }

    /// Writes an amendment over the version that it was decided on.
    pub fn amended(&self, store: &Store, step: &Step, why: &str) -> Result<Commit, Error> {
        let Accident { id, version, amended_at, .. } = &step.accident;
        let version = stored_version(*version);
        let moved_on = store.statement(
            "UPDATE accidents SET amended_at = $1, version = $2 WHERE id = $3 AND version = $4",
            [amended_at.map(micros).into(), version.into(), id.to_string().into(), (version - 1).into()],
        );
        self.account(self.audited(step, why).guarded(moved_on), step, why)
    }

    fn audited(&self, step: &Step, why: &str) -> Commit {
        let subjects = [step.accident.pupil_id.to_string()];
        Commit::new().audit_because(self.caller, self.rpc, (&subjects, why), self.at)
    }

    fn account(&self, commit: Commit, step: &Step, why: &str) -> Result<Commit, Error> {
        let given = Given { who: &self.caller.subject, why, at: self.at };
        let commit = insert(commit, account_row(&step.accident, given).into_active_model());
        let commit = match &step.telling {
            Telling::Said(fact) => {
                let about = About {
                    school: self.school(),
                    subject: step.accident.id.to_string(),
                    version: step.accident.version,
                    time: self.at,
                };
                commit.fact(&Event::new(EventId::generate(), about, fact.clone()))?
            }
            Telling::ByPerson | Telling::Nothing => commit,
        };
        Ok(tasks::of_step(self.school(), step, self.at).into_iter().fold(commit, Commit::task))
    }
}

fn insert<A>(commit: Commit, row: A) -> Commit
where
    A: ActiveModelTrait + Clone + Send + Sync + 'static,
    A::Entity: EntityTrait,
{
    commit.work(move |tx| {
        let row = row.clone();
        Box::pin(async move {
            <A::Entity as EntityTrait>::insert(row).exec_without_returning(tx).await?;
            Ok(())
        })
    })
}
