//! Puts what was decided into a commit: rows, their history, facts and tasks, all or nothing.
//!
//! Every row carries the version that was decided on plus one, and is written only over that
//! version; anything else is a conflict, and the caller decides again. A mark that is posted while
//! the session is open is guarded by the session being open still, the close by the session's
//! version: so an `N` is either seen by the close, or sees that the register is closed.

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::micros;
use kit::identity::Caller;
use kit::store::{Commit, Error, Store};
use proto::events::{About, Event, Fact};
use proto::ids::{ClassId, EventId};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};

use super::convert::{case_row, known_texts, session_text, stored_version};
use super::read::Closed;
use super::rows::{cases, entries, entry_changes};
use crate::domain::case::Saying;
use crate::domain::{Case, SessionTimes, Sitting, Step, tasks};

/// How many rows one statement carries; PostgreSQL takes 65,535 parameters.
const ROWS: usize = 1_000;

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

    /// A commit that says whose data this hand touches.
    #[must_use]
    pub fn commit(&self, subjects: &[String]) -> Commit {
        Commit::new().audit(self.caller, self.rpc, subjects, self.at)
    }

    /// Writes steps: entries with their history, cases, facts, and tasks.
    pub fn steps(&self, mut commit: Commit, steps: &[Step]) -> Result<Commit, Error> {
        let changed: Vec<&Step> = steps.iter().filter(|step| step.changes_entry()).collect();
        let entries = changed.iter().map(|step| self.entry(step)).collect();
        let history = changed.iter().map(|step| self.history(step)).collect();
        let cases: Vec<&Case> = steps.iter().filter_map(Step::case).collect();
        let rows = cases.iter().map(|case| case_row(self.school(), case).into_active_model()).collect();
        commit = insert_exactly::<entries::ActiveModel>(commit, entries, Some(over_last_entry()));
        commit = insert_exactly::<cases::ActiveModel>(commit, rows, Some(over_last_case()));
        // After the guarded rows: a second writer must meet their guard, not the history's unique key.
        commit = insert_exactly::<entry_changes::ActiveModel>(commit, history, None);
        for case in cases {
            commit = self.say(commit, case)?;
        }
        let tasks = steps.iter().filter_map(|step| tasks::of_step(self.school(), step, self.at));
        Ok(tasks.fold(commit, Commit::task))
    }

    fn entry(&self, step: &Step) -> entries::ActiveModel {
        let (line, entry) = (&step.after, &step.after.entry);
        let (known, known_code) = known_texts(entry.known);
        entries::ActiveModel {
            school: Set(self.school().to_string()),
            date: Set(line.sitting.date.to_string()),
            session: Set(session_text(line.sitting.session).to_owned()),
            pupil_id: Set(line.pupil_id.to_string()),
            class_id: Set(entry.class_id.map(|class_id| class_id.to_string())),
            code: Set(entry.code.map(|code| code.text().to_owned())),
            known: Set(known.to_owned()),
            known_code: Set(known_code.map(ToOwned::to_owned)),
            note: Set(entry.note.clone()),
            version: Set(stored_version(entry.version)),
        }
    }

    fn history(&self, step: &Step) -> entry_changes::ActiveModel {
        let (line, entry) = (&step.after, &step.after.entry);
        let (known, known_code) = known_texts(entry.known);
        entry_changes::ActiveModel {
            school: Set(self.school().to_string()),
            date: Set(line.sitting.date.to_string()),
            session: Set(session_text(line.sitting.session).to_owned()),
            pupil_id: Set(line.pupil_id.to_string()),
            version: Set(stored_version(entry.version)),
            at: Set(micros(self.at)),
            who: Set(self.caller.subject.clone()),
            rpc: Set(self.rpc.to_owned()),
            code_before: Set(step.before.entry.code.map(|code| code.text().to_owned())),
            code_after: Set(entry.code.map(|code| code.text().to_owned())),
            known_after: Set(known.to_owned()),
            known_code_after: Set(known_code.map(ToOwned::to_owned)),
            note_after: Set(entry.note.clone()),
            ..Default::default()
        }
    }

    fn say(&self, commit: Commit, case: &Case) -> Result<Commit, Error> {
        match case.saying() {
            None => Ok(commit),
            Some(Saying::Unexplained(fact)) => commit.fact(&self.event(case, fact)),
            Some(Saying::Explained(fact)) => commit.fact(&self.event(case, fact)),
            Some(Saying::Arrived(fact)) => commit.fact(&self.event(case, fact)),
        }
    }

    fn event<T: Fact>(&self, case: &Case, fact: T) -> Event<T> {
        let about = About {
            school: self.school(),
            subject: case.opening.id.to_string(),
            version: case.version,
            time: self.at,
        };
        Event::new(EventId::generate(), about, fact)
    }

    /// Guards what was decided while the session was open: by now it may be closed.
    pub fn while_open(
        &self,
        commit: Commit,
        store: &Store,
        sitting: Sitting,
        posting: Posting<'_>,
    ) -> Commit {
        let (times, posted_at) = match posting {
            Posting::Register(times) => (times, Some(micros(self.at))),
            Posting::Arrival(times) => (times, None),
        };
        commit.guarded(store.statement(
            "INSERT INTO sessions (school, date, session, closes_at, ends_at, posted_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, 1) \
             ON CONFLICT (school, date, session) DO UPDATE SET closes_at = excluded.closes_at, \
             ends_at = excluded.ends_at, posted_at = COALESCE(excluded.posted_at, sessions.posted_at), \
             version = sessions.version + 1 WHERE sessions.closed_at IS NULL",
            [
                self.school().to_string().into(),
                sitting.date.to_string().into(),
                session_text(sitting.session).into(),
                micros(times.closes).into(),
                micros(times.ends).into(),
                posted_at.into(),
            ],
        ))
    }

    /// Writes that a class's register was posted, over the version that was decided on.
    pub fn register(
        &self,
        commit: Commit,
        store: &Store,
        sitting: Sitting,
        (class_id, version): (ClassId, u64),
    ) -> Commit {
        commit.guarded(store.statement(
            "INSERT INTO registers (school, date, session, class_id, posted_at, posted_by, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (school, date, session, class_id) DO UPDATE SET posted_at = excluded.posted_at, \
             posted_by = excluded.posted_by, version = excluded.version \
             WHERE registers.version = excluded.version - 1",
            [
                self.school().to_string().into(),
                sitting.date.to_string().into(),
                session_text(sitting.session).into(),
                class_id.to_string().into(),
                micros(self.at).into(),
                self.caller.subject.clone().into(),
                stored_version(version + 1).into(),
            ],
        ))
    }

    /// Writes the close, over the version of the session that was decided on.
    pub fn closed(&self, commit: Commit, store: &Store, close: &Close<'_>) -> Result<Commit, Error> {
        let closing = serde_json::to_string(close.closed)
            .map_err(|_| Error::Corrupt { what: "closing of a session" })?;
        Ok(commit.guarded(store.statement(
            "INSERT INTO sessions (school, date, session, closes_at, ends_at, closed_at, closing, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (school, date, session) DO UPDATE SET closed_at = excluded.closed_at, \
             closing = excluded.closing, version = excluded.version \
             WHERE sessions.closed_at IS NULL AND sessions.version = excluded.version - 1",
            [
                self.school().to_string().into(),
                close.sitting.date.to_string().into(),
                session_text(close.sitting.session).into(),
                micros(close.closes_at).into(),
                micros(close.ends_at).into(),
                micros(self.at).into(),
                closing.into(),
                stored_version(close.version + 1).into(),
            ],
        )))
    }
}

/// What is done while a session is open.
#[derive(Debug, Clone, Copy)]
pub enum Posting<'a> {
    /// A register is posted: from now on the session is closed at its time.
    Register(&'a SessionTimes),
    /// A pupil arrived.
    Arrival(&'a SessionTimes),
}

/// A close that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Close<'a> {
    /// Of which session.
    pub sitting: Sitting,
    /// The version of the session that was decided on.
    pub version: u64,
    /// When its register was to close.
    pub closes_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// What it has to say.
    pub closed: &'a Closed,
}

fn over_last_entry() -> OnConflict {
    use entries::Column;
    OnConflict::columns([Column::School, Column::Date, Column::Session, Column::PupilId])
        .update_columns([
            Column::ClassId,
            Column::Code,
            Column::Known,
            Column::KnownCode,
            Column::Note,
            Column::Version,
        ])
        .action_and_where(Expr::cust("entries.version = excluded.version - 1"))
        .to_owned()
}

fn over_last_case() -> OnConflict {
    use cases::Column;
    OnConflict::columns([Column::School, Column::Date, Column::Session, Column::PupilId])
        .update_columns([
            Column::State,
            Column::StateAt,
            Column::ToldAt,
            Column::Code,
            Column::Because,
            Column::Version,
        ])
        .action_and_where(Expr::cust("cases.version = excluded.version - 1"))
        .to_owned()
}

/// Writes rows of which every one must be written; one that is not has been changed by others.
fn insert_exactly<A>(commit: Commit, rows: Vec<A>, over: Option<OnConflict>) -> Commit
where
    A: ActiveModelTrait + Clone + Send + Sync + 'static,
    A::Entity: EntityTrait,
{
    if rows.is_empty() {
        return commit;
    }
    commit.work(move |tx| {
        let (rows, over) = (rows.clone(), over.clone());
        Box::pin(async move {
            for chunk in rows.chunks(ROWS) {
                let wanted = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                let insert = <A::Entity as EntityTrait>::insert_many(chunk.to_vec());
                let insert = match &over {
                    Some(over) => insert.on_conflict(over.clone()),
                    None => insert,
                };
                if insert.exec_without_returning(tx).await? != wanted {
                    return Err(Error::Conflict);
                }
            }
            Ok(())
        })
    })
}
