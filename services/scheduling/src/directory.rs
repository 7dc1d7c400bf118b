//! The directory, as this service asks it: a school's name, clocks and terms, and where the pupils of
//! a part of it are.
//!
//! When it cannot be asked, nothing is decided and nothing is lost: the caller sends the same
//! request again. Answers are not kept, because the next import may bring other terms.

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use kit::Tenant;
use kit::asked::{Asked, LARGEST_ANSWER};
use kit::service::Peer;
use kit::way::Way;
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::events::directory::{SchoolDescribed, Term};
use tonic::Status;

use crate::domain::part::Place;
use crate::domain::{Clocks, Part, Reach};

const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
const ASKED: Asked =
    Asked { peer: "directory", unavailable: "DIRECTORY_UNAVAILABLE", passed_on: &["NO_ROSTER"] };

/// The directory.
#[derive(Clone)]
pub struct Directory {
    peer: Peer,
}

/// What the directory says of a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// What the public may know of it.
    pub described: SchoolDescribed,
    /// Its clocks.
    pub clocks: Clocks,
}

impl Directory {
    /// The directory behind this peer.
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The school's clocks and terms.
    pub async fn school(&self, school: Tenant) -> Result<School, Status> {
        let request = self.peer.request(school, pb::GetSchoolRequest {}, PATIENCE)?;
        let answer = self.client().get_school(request).await.map_err(|status| ASKED.refused(&status))?;
        answer.into_inner().school.as_ref().and_then(read_school).ok_or_else(|| ASKED.unreadable())
    }

    /// Where the pupils of a part are. Of the whole school nobody is asked for: it touches
    /// everything.
    pub async fn reach(&self, school: Tenant, part: Part) -> Result<Reach, Status> {
        if part == Part::WholeSchool {
            return Ok(Reach { part, places: Vec::new() });
        }
        let message = pb::CheckPupilsRequest { audience: Some(part.scope().audience()) };
        let request = self.peer.request(school, message, PATIENCE)?;
        let answer = self.client().check_pupils(request).await.map_err(|status| ASKED.refused(&status))?;
        let pupils = answer.into_inner().pupils;
        let places =
            pupils.into_iter().map(read_place).collect::<Option<_>>().ok_or_else(|| ASKED.unreadable())?;
        Ok(Reach { part, places })
    }

    fn client(&self) -> DirectoryServiceClient<Way> {
        DirectoryServiceClient::new(self.peer.way()).max_decoding_message_size(LARGEST_ANSWER)
    }
}

fn read_school(school: &pb::School) -> Option<School> {
    let (morning, afternoon) = (school.morning.as_ref()?, school.afternoon.as_ref()?);
    let time = |text: &str| text.parse::<Time>().ok();
    Some(School {
        described: SchoolDescribed {
            name: school.name.clone(),
            time_zone: school.time_zone.clone(),
            terms: school.terms.iter().map(read_term).collect::<Option<_>>()?,
        },
        clocks: Clocks {
            zone: TimeZone::get(&school.time_zone).ok()?,
            morning_opens: time(&morning.opens)?,
            afternoon_opens: time(&afternoon.opens)?,
            afternoon_ends: time(&afternoon.session_ends)?,
        },
    })
}

fn read_term(term: &pb::Term) -> Option<Term> {
    let date = |text: &str| text.parse::<Date>().ok();
    let (first_day, last_day) = (date(&term.first_day)?, date(&term.last_day)?);
    Some(Term { title: term.title.clone(), first_day, last_day })
}

fn read_place(pupil: pb::PupilCheck) -> Option<Place> {
    let class_id = match pupil.class_id.as_str() {
        "" => None,
        class_id => Some(class_id.parse().ok()?),
    };
    Some(Place { class_id, year_group: pupil.year_group })
}
