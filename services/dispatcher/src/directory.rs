//! Asking the directory: who there is, and who may be told right now.
//!
//! The only place that turns the directory's words on the wire into the domain's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use kit::asked::LARGEST_ANSWER;
use kit::service::Peer;
use kit::way::Way;
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::events::scope::Scope;
use proto::ids::{ContactId, PupilId, SchoolId};
use tonic::Status;

use crate::domain::{Address, AddressKind, Link, Preference, Pupil, Responsibility};

const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// The same for a whole school.
const PATIENCE_FOR_MANY: SignedDuration = SignedDuration::from_secs(60);
/// How many pupils or contacts the directory takes in one question.
const MOST: usize = 1_000;
/// For how long what a school is called is believed without asking.
const SCHOOL_FOR: Duration = Duration::from_mins(1);

/// Why the directory gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be asked, or refuses.
    #[error("the directory cannot be asked ({code:?})")]
    Call {
        /// What it said, without its words, which could repeat what was asked.
        code: tonic::Code,
    },
    /// Its answer makes no sense.
    #[error("the directory's answer makes no sense: {0}")]
    Answer(&'static str),
}

impl Error {
    /// Nobody answers, so the next question would fail like this one.
    #[must_use]
    pub fn is_away(&self) -> bool {
        use tonic::Code::{Cancelled, DeadlineExceeded, Unavailable, Unknown};
        matches!(self, Self::Call { code: Unavailable | DeadlineExceeded | Cancelled | Unknown })
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Call { code: status.code() }
    }
}

/// What the words need of a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// As parents know it.
    pub name: String,
    /// Where they ring.
    pub phone: String,
    /// Where its clocks are.
    pub zone: TimeZone,
}

/// The directory, as the dispatcher asks it.
pub struct Directory {
    peer: Peer,
    client: DirectoryServiceClient<Way>,
    schools: Mutex<HashMap<SchoolId, (Instant, School)>>,
}

impl Directory {
    /// Asks through this peer.
    #[must_use]
    pub fn new(peer: Peer) -> Self {
        let client = DirectoryServiceClient::new(peer.way()).max_decoding_message_size(LARGEST_ANSWER);
        Self { peer, client, schools: Mutex::new(HashMap::new()) }
    }

    /// These pupils with everybody linked to them. Who is no longer on roll is missing.
    pub async fn resolve(&self, school: SchoolId, pupils: &[PupilId]) -> Result<Vec<Pupil>, Error> {
        let mut found = Vec::with_capacity(pupils.len());
        for some in pupils.chunks(MOST) {
            found.extend(self.stream(school, &Scope::Pupils(some.to_vec()), PATIENCE).await?);
        }
        Ok(found)
    }

    /// Everybody whom something concerns, with everybody linked to them.
    pub async fn resolve_scope(&self, school: SchoolId, scope: &Scope) -> Result<Vec<Pupil>, Error> {
        match scope {
            Scope::Pupils(pupils) => self.resolve(school, pupils).await,
            Scope::WholeSchool | Scope::YearGroups(_) | Scope::Classes(_) => {
                self.stream(school, scope, PATIENCE_FOR_MANY).await
            }
        }
    }

    /// The time-out of a call ends with the first part of its answer, and a stream may stall after
    /// it; so the whole answer has a time-out too.
    async fn stream(
        &self,
        school: SchoolId,
        scope: &Scope,
        patience: SignedDuration,
    ) -> Result<Vec<Pupil>, Error> {
        let message = pb::ResolveAudienceRequest { audience: Some(scope.audience()) };
        let request = self.peer.request(school, message, patience)?;
        let read = async {
            let mut answers = self.client.clone().resolve_audience(request).await?.into_inner();
            let mut found = Vec::new();
            while let Some(answer) = answers.message().await? {
                for pupil in answer.pupils {
                    found.push(pupil_of(pupil)?);
                }
            }
            Ok(found)
        };
        let read = tokio::time::timeout(patience.unsigned_abs(), read).await;
        read.map_err(|_| Error::Call { code: tonic::Code::DeadlineExceeded })?
    }

    /// The present truth about these contacts and pupils; only links of these contacts.
    pub async fn clear(
        &self,
        school: SchoolId,
        contacts: &BTreeSet<ContactId>,
        pupils: &BTreeSet<PupilId>,
    ) -> Result<Vec<Pupil>, Error> {
        let contacts: Vec<String> = contacts.iter().map(ToString::to_string).collect();
        let pupils: Vec<String> = pupils.iter().map(ToString::to_string).collect();
        let mut found: BTreeMap<PupilId, Pupil> = BTreeMap::new();
        for contact_ids in contacts.chunks(MOST) {
            for pupil_ids in pupils.chunks(MOST) {
                let (contact_ids, pupil_ids) = (contact_ids.to_vec(), pupil_ids.to_vec());
                let request = pb::ClearContactsRequest { contact_ids, pupil_ids };
                let request = self.peer.request(school, request, PATIENCE)?;
                let answer = self.client.clone().clear_contacts(request).await?.into_inner();
                for pupil in answer.pupils {
                    let mut pupil = pupil_of(pupil)?;
                    match found.get_mut(&pupil.id) {
                        Some(known) => known.links.append(&mut pupil.links),
                        None => {
                            found.insert(pupil.id, pupil);
                        }
                    }
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// What a school was called when it was last asked for, however long ago.
    pub fn school_as_known(&self, school: SchoolId) -> Option<School> {
        let schools = self.schools.lock().unwrap_or_else(PoisonError::into_inner);
        schools.get(&school).map(|(_, known)| known.clone())
    }

    /// What a school is called; believed for a minute.
    pub async fn school(&self, school: SchoolId) -> Result<School, Error> {
        let known = self.schools.lock().unwrap_or_else(PoisonError::into_inner).get(&school).cloned();
        if let Some((asked_at, known)) = known
            && asked_at.elapsed() < SCHOOL_FOR
        {
            return Ok(known);
        }
        let request = self.peer.request(school, pb::GetSchoolRequest {}, PATIENCE)?;
        let answer = self.client.clone().get_school(request).await?.into_inner();
        let found = answer.school.ok_or(Error::Answer("no school"))?;
        let zone = TimeZone::get(&found.time_zone).map_err(|_| Error::Answer("a time zone"))?;
        let found = School { name: found.name, phone: found.phone, zone };
        let mut schools = self.schools.lock().unwrap_or_else(PoisonError::into_inner);
        schools.insert(school, (Instant::now(), found.clone()));
        Ok(found)
    }
}

fn pupil_of(pupil: pb::AudiencePupil) -> Result<Pupil, Error> {
    Ok(Pupil {
        id: pupil.pupil_id.parse().map_err(|_| Error::Answer("a pupil's id"))?,
        first_name: pupil.first_name,
        person_only: pupil.person_only,
        links: pupil.links.into_iter().map(link_of).collect::<Result<_, _>>()?,
    })
}

fn link_of(link: pb::Link) -> Result<Link, Error> {
    // What is not said clearly is read as the stricter of the possibilities.
    let responsibility = match link.parental_responsibility() {
        pb::ParentalResponsibility::Yes => Responsibility::Yes,
        pb::ParentalResponsibility::No => Responsibility::No,
        pb::ParentalResponsibility::Unknown | pb::ParentalResponsibility::Unspecified => {
            Responsibility::Unknown
        }
    };
    let (no_child_information, no_contact) = match link.restriction() {
        pb::Restriction::None => (false, false),
        pb::Restriction::NoChildInformation => (true, false),
        pb::Restriction::NoContact | pb::Restriction::Unspecified => (true, true),
    };
    let prefers = match link.prefers() {
        pb::Preference::Text => Preference::Text,
        pb::Preference::Email => Preference::Email,
        pb::Preference::None | pb::Preference::Unspecified => Preference::None,
    };
    Ok(Link {
        contact: link.contact_id.parse().map_err(|_| Error::Answer("a contact's id"))?,
        parent_or_guardian: link.parent_or_guardian,
        responsibility,
        lives_with: link.lives_with,
        emergency_only: link.emergency_only,
        no_child_information,
        no_contact: no_contact || link.no_contact,
        no_voice: link.no_voice,
        prefers,
        addresses: link.addresses.into_iter().filter_map(address_of).collect(),
    })
}

fn address_of(address: pb::Address) -> Option<Address> {
    let kind = match address.kind() {
        pb::AddressKind::Mobile => AddressKind::Mobile,
        pb::AddressKind::Landline => AddressKind::Landline,
        pb::AddressKind::Email => AddressKind::Email,
        pb::AddressKind::Unspecified => return None,
    };
    Some(Address { kind, value: address.value, barred: address.barred, no_contact: address.no_contact })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_says_nothing_is_read_strictly() {
        let link = pb::Link { contact_id: ContactId::generate().to_string(), ..Default::default() };
        let link = link_of(link).unwrap();
        assert!(link.no_contact && link.no_child_information && !link.parent_or_guardian);
        assert_eq!(link.responsibility, Responsibility::Unknown);
    }
}
