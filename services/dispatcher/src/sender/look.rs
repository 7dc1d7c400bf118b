//! What a round of a sender knows: what the directory and the store said, in this order, under one
//! fresh recall generation. It decides nothing about a message; [`words`](super::words) does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;
use proto::ids::{ContactId, PupilId};
use tokio::time::Instant;

use super::{Error, Sender};
use crate::directory::{self, School};
use crate::domain::clearance::Barred;
use crate::domain::plan::Member;
use crate::domain::{About, Pupil, Reason};
use crate::store::chunks::{self, Carried, Chunk, Delivery, MemberRow};
use crate::store::{restrictions, schools, waits};

/// What a round knows.
pub(super) struct Round {
    pub known: Known,
    pub school: School,
    pub matters: HashMap<String, Carried>,
    members: HashMap<String, Vec<MemberRow>>,
    dealt_with: BTreeMap<String, BTreeSet<PupilId>>,
    /// When the directory was asked; when it did not answer, when the store was asked instead.
    pub cleared_at: Instant,
    /// The generation under which all this was read.
    pub generation: i64,
}

/// What the directory said about the people of a round.
pub(super) enum Known {
    /// The present truth.
    Cleared(Vec<Pupil>),
    /// Nothing, because it is away: what says that the school is closed or open goes to the
    /// addresses that were known.
    Away {
        /// Who has been barred since, as far as was heard.
        barred: Barred,
        /// How it is away.
        error: directory::Error,
    },
}

impl Sender {
    /// Asks the directory, then reads what the store says under a fresh generation. In this order,
    /// so that whatever changes afterwards raises the generation and is seen before the request.
    pub(super) async fn look(&self, chunk: &Chunk, live: &[Delivery]) -> Result<Round, Error> {
        let generation = self.generation.wait_fresh().await;
        let ids: Vec<String> = live.iter().map(|delivery| delivery.id.clone()).collect();
        let mut members: HashMap<String, Vec<MemberRow>> = HashMap::new();
        for (delivery, row) in chunks::members(&self.store, &ids).await? {
            members.entry(delivery).or_default().push(row);
        }
        let gatherings: BTreeSet<String> = live.iter().map(|delivery| delivery.gathering.clone()).collect();
        let matters = chunks::matters(&self.store, &gatherings).await?;
        let holding = || members.values().flatten().filter(|row| row.withdrawn.is_none());
        let contacts = holding().map(|row| row.member.0).collect();
        let pupils = holding().map(|row| row.member.1).collect();
        let cleared_at = Instant::now();
        let before = self.directory.school_as_known(chunk.school);
        let asked = async {
            let school = self.directory.school(chunk.school).await?;
            Ok((self.directory.clear(chunk.school, &contacts, &pupils).await?, school))
        };
        let (known, school, cleared_at) = match asked.await {
            Ok((pupils, school)) => {
                self.silence.is_over();
                if before.as_ref() != Some(&school) {
                    schools::keep(&self.store, chunk.school, &school).await?;
                }
                (Known::Cleared(pupils), school, cleared_at)
            }
            Err(error) => {
                self.silence.goes_on(self.store.clock().now());
                // A directory that hangs has taken all the time that a clearance lasts.
                let cleared_at = Instant::now();
                let (known, school) = self.without_directory(chunk, live, (&contacts, error)).await?;
                (known, school, cleared_at)
            }
        };
        // Read last: while the directory was away, a person may have completed the task.
        let dealt_with = waits::dealt_with(&self.store, gatherings.iter().map(String::as_str)).await?;
        Ok(Round { known, school, matters, members, dealt_with, cleared_at, generation })
    }

    /// What can be done while the directory is away; its error when that is nothing.
    async fn without_directory(
        &self,
        chunk: &Chunk,
        live: &[Delivery],
        (contacts, error): (&BTreeSet<ContactId>, directory::Error),
    ) -> Result<(Known, School), Error> {
        let waits = SignedDuration::from_secs(self.timing.closure_waits_for_directory_seconds);
        let goes_all_the_same = live.iter().any(|delivery| delivery.kind.is_about_closing())
            && self.silence.has_lasted(waits, self.store.clock().now());
        let known = match self.directory.school_as_known(chunk.school) {
            Some(school) => Some(school),
            // This process may have started after the directory went away.
            None => schools::known(&self.store, chunk.school).await?,
        };
        match known {
            Some(school) if error.is_away() && goes_all_the_same => {
                let barred = restrictions::barred(&self.store, contacts).await?;
                tracing::warn!(school = %chunk.school, "the directory is away: closures go to the addresses that were known");
                Ok((Known::Away { barred, error }, school))
            }
            _ => Err(error.into()),
        }
    }
}

impl Round {
    /// Whether a gathering has words about when and where children are collected.
    pub(super) fn says_where_children_are(&self, gathering: &str) -> bool {
        let about = self.matters.get(gathering).map(|carried| &carried.about);
        matches!(about, Some(About::Closure(closure)) if closure.collection.is_some())
    }

    /// Whether a message is an exercise: nothing of it leaves.
    pub(super) fn is_drill(&self, delivery: &Delivery) -> bool {
        self.matters.get(&delivery.gathering).is_some_and(|carried| carried.drill)
    }

    /// The traces of the facts that a message tells, each once.
    pub(super) fn traces(&self, delivery: &Delivery) -> Vec<Arc<str>> {
        let mut seen = BTreeSet::new();
        let rows = self.members.get(&delivery.id).into_iter().flatten();
        rows.filter_map(|row| row.trace.clone()).filter(|trace| seen.insert(Arc::clone(trace))).collect()
    }

    /// Those about whom there is still something to tell, and the others with the reason.
    pub(super) fn hold(&self, delivery: &Delivery) -> (BTreeSet<Member>, Vec<(Member, Reason)>) {
        let (mut holding, mut dropped) = (BTreeSet::new(), Vec::new());
        let dealt_with = self.dealt_with.get(&delivery.gathering);
        for row in self.members.get(&delivery.id).into_iter().flatten() {
            let by_person = || dealt_with.is_some_and(|pupils| pupils.contains(&row.member.1));
            match row.withdrawn.or_else(|| by_person().then_some(Reason::HandledByPerson)) {
                None => {
                    holding.insert(row.member);
                }
                Some(reason) => dropped.push((row.member, reason)),
            }
        }
        (holding, dropped)
    }
}
