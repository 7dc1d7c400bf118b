//! A directory that says what a test tells it to, of every school alike.
//!
//! A test writes the school, its pupils and their links, and how the directory fails: it may be
//! away, have no roster, or take questions and never answer them. An answer that makes no sense
//! is one that the test has written. What it was asked can be looked at.

mod answers;
mod people;

use std::sync::{Arc, Mutex, MutexGuard};

use proto::directory::v1 as pb;
use proto::ids::{ClassId, PupilId};

pub use self::people::{parent, parents};

/// Clones are one directory.
#[derive(Clone, Default)]
pub struct FakeDirectory {
    state: Arc<Mutex<State>>,
}

struct State {
    school: pb::School,
    pupils: Vec<Pupil>,
    mood: Mood,
    hangs: Hangs,
    calls: Vec<Call>,
}

/// Whom the directory has on roll. Ids are texts, so that a test can write one that is none.
#[derive(Debug, Clone, Default)]
pub struct Pupil {
    /// Who.
    pub pupil_id: String,
    /// By which the child is called.
    pub first_name: String,
    /// The registration group; empty for none.
    pub class_id: String,
    /// As the school calls it.
    pub year_group: String,
    /// Whether no automation about this child runs.
    pub person_only: bool,
    /// Who stands behind the child, by priority.
    pub links: Vec<pb::Link>,
}

/// What it says as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Answers,
    Away,
    NoRoster,
}

/// Which questions it takes and never answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hangs {
    /// It answers all.
    #[default]
    None,
    /// Who is in the whole school.
    WholeSchool,
    /// All of them.
    Every,
}

/// What it was asked, whether it answered or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// What the school is.
    GetSchool,
    /// Who is on roll.
    CheckPupils(pb::CheckPupilsRequest),
    /// Who there is, with everybody linked to them.
    ResolveAudience(pb::ResolveAudienceRequest),
    /// Who may be told right now.
    ClearContacts(pb::ClearContactsRequest),
}

impl Default for State {
    fn default() -> Self {
        Self {
            school: people::elm_park(),
            pupils: Vec::new(),
            mood: Mood::Answers,
            hangs: Hangs::None,
            calls: Vec::new(),
        }
    }
}

impl FakeDirectory {
    /// A pupil with these links, in no class.
    pub fn add(&self, first_name: &str, links: &[pb::Link]) -> PupilId {
        let (first_name, links) = (first_name.to_owned(), links.to_vec());
        self.add_with_id(Pupil { first_name, links, ..Pupil::default() })
    }

    /// A pupil in this class, of whom nothing else matters.
    pub fn add_to(&self, class_id: ClassId, year_group: &str) -> PupilId {
        let (class_id, year_group) = (class_id.to_string(), year_group.to_owned());
        self.add_with_id(Pupil { first_name: "Amy".to_owned(), class_id, year_group, ..Pupil::default() })
    }

    /// A class of so many pupils.
    pub fn class(&self, pupils: usize, year_group: &str) -> (ClassId, Vec<PupilId>) {
        let class_id = ClassId::generate();
        (class_id, (0..pupils).map(|_| self.add_to(class_id, year_group)).collect())
    }

    /// A pupil as it stands here.
    pub fn enrol(&self, pupil: Pupil) {
        self.state().pupils.push(pupil);
    }

    fn add_with_id(&self, pupil: Pupil) -> PupilId {
        let id = PupilId::generate();
        self.enrol(Pupil { pupil_id: id.to_string(), ..pupil });
        id
    }

    /// From now on a pupil is not on roll.
    pub fn remove(&self, pupil: PupilId) {
        self.state().pupils.retain(|other| other.pupil_id != pupil.to_string());
    }

    /// From now on this is true of a pupil.
    pub fn change(&self, pupil: PupilId, change: impl FnOnce(&mut Pupil)) {
        let mut state = self.state();
        let found = state.pupils.iter_mut().find(|other| other.pupil_id == pupil.to_string());
        change(found.unwrap());
    }

    /// From now on this is true of the school.
    pub fn change_school(&self, change: impl FnOnce(&mut pb::School)) {
        change(&mut self.state().school);
    }

    /// From now on this is true of a link.
    pub fn restrict(&self, pupil: PupilId, link: &pb::Link, restriction: pb::Restriction) {
        self.change(pupil, |pupil| {
            let links = pupil.links.iter_mut();
            for own in links.filter(|own| own.contact_id == link.contact_id) {
                own.set_restriction(restriction);
                own.no_contact = restriction == pb::Restriction::NoContact;
            }
        });
    }

    /// From now on nobody answers.
    pub fn go_away(&self) {
        self.state().mood = Mood::Away;
    }

    /// From now on no roster has been imported.
    pub fn have_no_roster(&self) {
        self.state().mood = Mood::NoRoster;
    }

    /// From now on it answers again, whatever it did before.
    pub fn come_back(&self) {
        let mut state = self.state();
        (state.mood, state.hangs) = (Mood::Answers, Hangs::None);
    }

    /// From now on it takes these questions and never answers them.
    pub fn hang(&self, hangs: Hangs) {
        self.state().hangs = hangs;
    }

    /// What it was asked so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
