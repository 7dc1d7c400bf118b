//! What the head and the safeguarding lead decide by hand, at once: restrictions, what a contact is
//! to a pupil, and "person only".

use jiff::Timestamp;
use kit::clock::to_proto;
use kit::identity::Caller;
use kit::rejection::{self, Rejection};
use kit::store::{Call, Commit, Error, decide_once};
use proto::directory::v1 as pb;
use proto::events::directory::Restricted;
use proto::events::{About, Event};
use proto::ids::{ContactId, EventId, PupilId};
use tonic::{Response, Status};

use super::{Directory, no_roster};
use crate::domain::decide::{self, PersonOnly, SetRestriction, SetStanding};
use crate::domain::link::{Bar, Link, Responsibility, Role};
use crate::store::change;
use crate::store::decisions::{Decision, Subject};
use crate::store::write::guard;

const LONGEST_REASON: usize = 500;

impl Directory {
    pub(super) async fn restrict(
        &self,
        caller: Caller,
        request: pb::SetRestrictionRequest,
    ) -> Result<Response<pb::SetRestrictionResponse>, Status> {
        let pupil: PupilId = rejection::id(&request.pupil_id, "pupil_id")?;
        let contact: ContactId = rejection::id(&request.contact_id, "contact_id")?;
        let command = restriction_of(&request)?;
        let call = Call { caller: &caller, rpc: "SetRestriction", request_id: &request.request_id };
        decide_once(&self.store, call, &request, || async {
            self.decide_restriction(&caller, (pupil, contact), command.clone()).await
        })
        .await
    }

    async fn decide_restriction(
        &self,
        caller: &Caller,
        (pupil, contact): (PupilId, ContactId),
        command: SetRestriction,
    ) -> Result<(Commit, pb::SetRestrictionResponse), Status> {
        let standing = self.school(caller.tenant).await?;
        let now = self.store.clock().now();
        let (link, mut revision) = self.link(caller, (pupil, contact)).await?;
        let evidence = command.evidence.clone();
        let decided = decide::set_restriction(link.restriction.as_ref(), command, standing.day(now))
            .map_err(refused)?;
        let mut commit = Commit::new();
        if decided.changes {
            revision += 1;
            let after = decided.after.as_ref();
            commit = guard(commit, caller.tenant, standing.version);
            commit = change::set_restriction(&self.store, commit, (pupil, contact), after);
            let subject = Subject::Restriction(contact, decided.after.clone());
            let by = (caller.subject.clone(), now);
            let evidence = evidence.clone();
            let decision = Decision { school: caller.tenant, pupil, subject, evidence, by };
            commit = Decision::keep(commit, decision);
        }
        if let Some(bar) = decided.barred {
            let no_contact = bar == Bar::Contact;
            let fact = Restricted { pupil_id: pupil, contact_id: Some(contact), no_contact };
            commit = restricted(commit, caller, fact, (revision, now))?;
        }
        let commit = commit.audit_because(
            caller,
            "SetRestriction",
            (&[pupil.to_string(), contact.to_string()], &evidence),
            now,
        );
        Ok((commit, pb::SetRestrictionResponse { set_at: Some(to_proto(now)), revision }))
    }

    pub(super) async fn standing(
        &self,
        caller: Caller,
        request: pb::SetStandingRequest,
    ) -> Result<Response<pb::SetStandingResponse>, Status> {
        let pupil: PupilId = rejection::id(&request.pupil_id, "pupil_id")?;
        let contact: ContactId = rejection::id(&request.contact_id, "contact_id")?;
        let command = standing_of(&request)?;
        let call = Call { caller: &caller, rpc: "SetStanding", request_id: &request.request_id };
        decide_once(&self.store, call, &request, || self.decide_standing(&caller, (pupil, contact), &command))
            .await
    }

    async fn decide_standing(
        &self,
        caller: &Caller,
        (pupil, contact): (PupilId, ContactId),
        command: &SetStanding,
    ) -> Result<(Commit, pb::SetStandingResponse), Status> {
        let school = self.school(caller.tenant).await?;
        let now = self.store.clock().now();
        let (before, mut revision) = self.link(caller, (pupil, contact)).await?;
        let decided = decide::set_standing(&before, command).map_err(refused)?;
        let mut commit = Commit::new();
        if decided.changes {
            revision += 1;
            commit = guard(commit, caller.tenant, school.version);
            commit = change::set_standing(commit, (pupil, contact), &decided.after);
            let subject = Subject::Standing(contact, decided.after);
            let (evidence, by) = (command.evidence.clone(), (caller.subject.clone(), now));
            let decision = Decision { school: caller.tenant, pupil, subject, evidence, by };
            commit = Decision::keep(commit, decision);
        }
        let commit = commit.audit_because(
            caller,
            "SetStanding",
            (&[pupil.to_string(), contact.to_string()], &command.evidence),
            now,
        );
        Ok((commit, pb::SetStandingResponse { set_at: Some(to_proto(now)), revision }))
    }

    /// A link of the school, and the revision of its contact.
    async fn link(&self, caller: &Caller, key: (PupilId, ContactId)) -> Result<(Link, i64), Status> {
        let link = change::link_of(&self.store, caller.tenant, key).await?;
        let contact = change::contact_of(&self.store, caller.tenant, key.1).await?;
        let found = link.zip(contact.map(|contact| contact.revision));
        found.ok_or_else(|| {
            Rejection::not_found("UNKNOWN_LINK", "this contact is not linked to this pupil").into()
        })
    }

    pub(super) async fn person_only(
        &self,
        caller: Caller,
        request: pb::SetPersonOnlyRequest,
    ) -> Result<Response<pb::SetPersonOnlyResponse>, Status> {
        let pupil: PupilId = rejection::id(&request.pupil_id, "pupil_id")?;
        let reason = rejection::optional(&request.reason, "reason", LONGEST_REASON)?;
        let command = if request.person_only { PersonOnly::Starts } else { PersonOnly::Ends };
        let call = Call { caller: &caller, rpc: "SetPersonOnly", request_id: &request.request_id };
        decide_once(&self.store, call, &request, || async {
            self.decide_person_only(&caller, pupil, command, reason.clone()).await
        })
        .await
    }

    async fn decide_person_only(
        &self,
        caller: &Caller,
        pupil: PupilId,
        command: PersonOnly,
        reason: String,
    ) -> Result<(Commit, pb::SetPersonOnlyResponse), Status> {
        let now = self.store.clock().now();
        let found = change::automation_of(&self.store, caller.tenant, pupil).await?;
        let (version, found) = found.ok_or_else(no_roster)?;
        let before = found.ok_or_else(unknown_pupil)?;
        let (person_only, revision) = (before.person_only.as_deref(), before.revision);
        let decided = decide::set_person_only(person_only, command, reason.clone()).map_err(refused)?;
        let mut commit = Commit::new();
        if decided.changes {
            let after = decided.after.as_deref();
            commit = guard(commit, caller.tenant, version);
            commit = change::set_person_only(commit, pupil, after);
            let subject = Subject::PersonOnly(after.is_some());
            let by = (caller.subject.clone(), now);
            let evidence = reason.clone();
            let decision = Decision { school: caller.tenant, pupil, subject, evidence, by };
            commit = Decision::keep(commit, decision);
        }
        if decided.barred.is_some() {
            let fact = Restricted { pupil_id: pupil, contact_id: None, no_contact: false };
            commit = restricted(commit, caller, fact, (revision + 1, now))?;
        }
        let commit = commit.audit_because(caller, "SetPersonOnly", (&[pupil.to_string()], &reason), now);
        Ok((commit, pb::SetPersonOnlyResponse { set_at: Some(to_proto(now)) }))
    }
}

fn restriction_of(request: &pb::SetRestrictionRequest) -> Result<SetRestriction, Rejection> {
    let bar = match request.restriction() {
        pb::Restriction::Unspecified => {
            let unknown = "must be none, no_child_information or no_contact";
            return Err(Rejection::invalid("UNKNOWN_RESTRICTION", "restriction", unknown));
        }
        pb::Restriction::None => None,
        pb::Restriction::NoChildInformation => Some(Bar::ChildInformation),
        pb::Restriction::NoContact => Some(Bar::Contact),
    };
    let date = |text: &str, field| match text {
        "" => Ok(None),
        text => rejection::date(text, field).map(Some),
    };
    Ok(SetRestriction {
        bar,
        evidence: rejection::optional(&request.evidence, "evidence", LONGEST_REASON)?,
        from: date(&request.from, "from")?,
        until: date(&request.until, "until")?,
    })
}

fn standing_of(request: &pb::SetStandingRequest) -> Result<SetStanding, Rejection> {
    let unknown = |field, message| Rejection::invalid("UNKNOWN_WORD", field, message);
    let role = match request.role.as_deref() {
        None => None,
        Some(word) => {
            let words: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
            let message = format!("must be one of {}", words.join(", "));
            Some(Role::of_word(word).ok_or_else(|| unknown("role", message))?)
        }
    };
    let responsibility = match pb::ParentalResponsibility::try_from(request.parental_responsibility) {
        Ok(pb::ParentalResponsibility::Unspecified) => None,
        Ok(pb::ParentalResponsibility::Unknown) => Some(Responsibility::Unknown),
        Ok(pb::ParentalResponsibility::Yes) => Some(Responsibility::Yes),
        Ok(pb::ParentalResponsibility::No) => Some(Responsibility::No),
        Err(_) => {
            return Err(unknown("parental_responsibility", "must be yes, no or unknown".to_owned()));
        }
    };
    Ok(SetStanding {
        role,
        responsibility,
        emergency_only: request.emergency_only,
        evidence: rejection::optional(&request.evidence, "evidence", LONGEST_REASON)?,
    })
}

/// Says that somebody may be told less from now on.
pub fn restricted(
    commit: Commit,
    caller: &Caller,
    fact: Restricted,
    (version, time): (i64, Timestamp),
) -> Result<Commit, Error> {
    let subject = match fact.contact_id {
        Some(contact) => format!("{}/{contact}", fact.pupil_id),
        None => fact.pupil_id.to_string(),
    };
    let version = u64::try_from(version).map_err(|_| Error::Corrupt { what: "revision" })?;
    let about = About { school: caller.tenant, subject, version, time };
    commit.fact(&Event::new(EventId::generate(), about, fact))
}

fn refused(rejection: decide::Rejection) -> Rejection {
    let (reason, field) = match rejection {
        decide::Rejection::NoEvidence => ("REQUIRED", "evidence"),
        decide::Rejection::NoReason => ("REQUIRED", "reason"),
        decide::Rejection::EndsBeforeItStarts => ("INVALID_DATE", "until"),
        decide::Rejection::DatesWithoutRestriction => ("INVALID_DATE", "from"),
    };
    Rejection::invalid(reason, field, rejection.to_string())
}

fn unknown_pupil() -> Rejection {
    Rejection::not_found("UNKNOWN_PUPIL", "there is no such pupil")
}
