//! The attendance codes of England since 19 August 2024: regulation 10 of the School Attendance
//! (Pupil Registration) (England) Regulations 2024 and *Working together to improve school
//! attendance*.
//!
//! Withdrawn codes (`H`, `J`, `Y`, `F`) can be recognised, to be refused by their own reason, but
//! there is no [`Code`] for them: nothing can write one. Codes of an MIS's own (`I01`) are unknown
//! here; so are small letters.

use proto::events::absences::Session;

use super::Fault;

/// How a code counts in the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Attended, in the school.
    Present,
    /// Attended, elsewhere.
    ApprovedEducationalActivity,
    /// Absent with leave or for a reason that the school accepts.
    AuthorisedAbsence,
    /// Absent without.
    UnauthorisedAbsence,
    /// Not a possible attendance: counts in no percentage.
    NotPossible,
    /// Not collected.
    Administrative,
}

/// Where the pupil is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the building: counted in a fire roll-call.
    OnSite,
    /// Not in the building.
    OffSite,
}

/// Why a text is not a code that may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Nothing, or the `-` that registers print where there is no mark yet.
    #[error("is no mark: leave the pupil out until there is one")]
    NoMark,
    /// It was a code until August 2024.
    #[error("was withdrawn in August 2024")]
    Withdrawn,
    /// It never was one.
    #[error("is not a code of the 2024 regulations")]
    Unknown,
    /// It is the present mark of the other session.
    #[error("is the present mark of the other session")]
    OtherSession,
}

impl CodeError {
    /// Says of a field that it holds no code that may be written.
    pub fn fault(self, field: impl Into<String>) -> Fault {
        let reason = match self {
            Self::NoMark => "NO_MARK",
            Self::Withdrawn => "WITHDRAWN_CODE",
            Self::Unknown => "UNKNOWN_CODE",
            Self::OtherSession => "WRONG_SESSION",
        };
        Fault::new(field, reason, self.to_string())
    }
}

macro_rules! codes {
    ($($name:ident = $text:literal, $class:ident, $place:ident, $meaning:literal;)*) => {
        /// A code that may be written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "` ", $meaning, ".")] $name,)*
        }

        impl Code {
            /// Every code, in the order of the guidance.
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it stands in a register.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How it counts.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }

            /// What it means, in the words of the guidance.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// Where the pupil is.
            #[must_use]
            pub const fn place(self) -> Place {
                match self { $(Self::$name => Place::$place,)* }
            }

            fn known(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    PresentMorning = "/", Present, OnSite, "present, morning session";
    PresentAfternoon = "\\", Present, OnSite, "present, afternoon session";
    Late = "L", Present, OnSite, "arrived after the register began and before it closed";
    ArrangedProvision = "K", ApprovedEducationalActivity, OffSite, "education arranged by the local authority";
    Visit = "V", ApprovedEducationalActivity, OffSite, "educational visit or trip";
    Sport = "P", ApprovedEducationalActivity, OffSite, "approved sporting activity";
    WorkExperience = "W", ApprovedEducationalActivity, OffSite, "work experience";
    OtherActivity = "B", ApprovedEducationalActivity, OffSite, "any other approved educational activity";
    DualRegistered = "D", NotPossible, OffSite, "registered at another school, which has the session";
    ExceptionalLeave = "C", AuthorisedAbsence, OffSite, "leave of absence for exceptional circumstances";
    Performance = "C1", AuthorisedAbsence, OffSite, "leave for a regulated performance or employment abroad";
    PartTime = "C2", AuthorisedAbsence, OffSite, "leave for a temporary part-time timetable";
    Excluded = "E", AuthorisedAbsence, OffSite, "suspended or excluded, no provision made";
    Illness = "I", AuthorisedAbsence, OffSite, "illness";
    Interview = "J1", AuthorisedAbsence, OffSite, "interview for employment or another school";
    Medical = "M", AuthorisedAbsence, OffSite, "medical or dental appointment";
    Religious = "R", AuthorisedAbsence, OffSite, "religious observance";
    StudyLeave = "S", AuthorisedAbsence, OffSite, "study leave";
    Travelling = "T", AuthorisedAbsence, OffSite, "parent travelling for work";
    Holiday = "G", UnauthorisedAbsence, OffSite, "holiday not granted by the school";
    NotYetEstablished = "N", UnauthorisedAbsence, OffSite, "reason for absence not yet established";
    Other = "O", UnauthorisedAbsence, OffSite, "absent in other or unknown circumstances";
    AfterClose = "U", UnauthorisedAbsence, OnSite, "arrived after the register closed";
    NotRequired = "X", NotPossible, OffSite, "not of compulsory school age and not required to attend";
    NoAccess = "Q", NotPossible, OffSite, "no travel arrangements that the authority should have made";
    NoTransport = "Y1", NotPossible, OffSite, "transport normally provided is not available";
    TravelDisrupted = "Y2", NotPossible, OffSite, "widespread disruption to travel";
    PartClosed = "Y3", NotPossible, OffSite, "part of the premises unexpectedly closed";
    SchoolClosed = "Y4", NotPossible, OffSite, "whole school unexpectedly closed";
    Detained = "Y5", NotPossible, OffSite, "criminal justice detention";
    PublicHealth = "Y6", NotPossible, OffSite, "attendance contrary to public health guidance or law";
    Unavoidable = "Y7", NotPossible, OffSite, "another unavoidable cause that affects the pupil";
    Prospective = "Z", Administrative, OffSite, "not on the admission register yet";
    PlannedClosure = "#", Administrative, OffSite, "planned closure of the whole school";
}

impl Code {
    /// Reads a code, exactly as it is written.
    pub fn read(text: &str) -> Result<Self, CodeError> {
        match text {
            "" | "-" => Err(CodeError::NoMark),
            "H" | "J" | "Y" | "F" => Err(CodeError::Withdrawn),
            text => Self::known(text).ok_or(CodeError::Unknown),
        }
    }

    /// Reads a code that is a mark of this session: `/` is the morning's, `\` the afternoon's.
    pub fn read_mark(text: &str, session: Session) -> Result<Self, CodeError> {
        let code = Self::read(text)?;
        match (code, session) {
            (Self::PresentMorning, Session::Afternoon) | (Self::PresentAfternoon, Session::Morning) => {
                Err(CodeError::OtherSession)
            }
            (code, Session::Morning | Session::Afternoon) => Ok(code),
        }
    }

    /// Whether the register says that the pupil is not in the school, and at no activity of it
    /// either.
    #[must_use]
    pub fn says_absent(self) -> bool {
        self.place() == Place::OffSite && self.class() != Class::ApprovedEducationalActivity
    }

    /// Whether it is a reason that answers an `N`: an absence or not a possible attendance, and
    /// neither `N` itself nor the `U` of a pupil who is in school.
    #[must_use]
    pub fn explains(self) -> bool {
        let away = match self.class() {
            Class::AuthorisedAbsence | Class::UnauthorisedAbsence | Class::NotPossible => true,
            Class::Present | Class::ApprovedEducationalActivity | Class::Administrative => false,
        };
        away && self != Self::NotYetEstablished && self.place() == Place::OffSite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_stands_once() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(Code::read(code.text()), Ok(*code));
            assert!(Code::ALL[..index].iter().all(|earlier| earlier.text() != code.text()));
        }
        assert_eq!(Code::ALL.len(), 34);
    }

    #[test]
    fn the_codes_count_as_the_guidance_says() {
        for (class, texts) in [
            (Class::Present, "/ \\ L"),
            (Class::ApprovedEducationalActivity, "K V P W B"),
            (Class::AuthorisedAbsence, "C C1 C2 E I J1 M R S T"),
            (Class::UnauthorisedAbsence, "G N O U"),
            (Class::NotPossible, "D X Q Y1 Y2 Y3 Y4 Y5 Y6 Y7"),
            (Class::Administrative, "Z #"),
        ] {
            let of_class: Vec<&str> =
                Code::ALL.iter().filter(|code| code.class() == class).map(|code| code.text()).collect();
            assert_eq!(of_class, texts.split(' ').collect::<Vec<_>>(), "{class:?}");
        }
        let on_site: Vec<&str> =
            Code::ALL.iter().filter(|code| code.place() == Place::OnSite).map(|code| code.text()).collect();
        assert_eq!(on_site, ["/", "\\", "L", "U"]);
    }

    #[test]
    fn what_is_no_code_says_why() {
        for (text, error) in [
            ("", CodeError::NoMark),
            ("-", CodeError::NoMark),
            ("H", CodeError::Withdrawn),
            ("J", CodeError::Withdrawn),
            ("Y", CodeError::Withdrawn),
            ("F", CodeError::Withdrawn),
            ("I01", CodeError::Unknown),
            ("i", CodeError::Unknown),
            ("Y8", CodeError::Unknown),
            (" /", CodeError::Unknown),
            ("present", CodeError::Unknown),
        ] {
            assert_eq!(Code::read(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_present_marks_belong_to_their_sessions() {
        assert_eq!(Code::read_mark("/", Session::Morning), Ok(Code::PresentMorning));
        assert_eq!(Code::read_mark("\\", Session::Afternoon), Ok(Code::PresentAfternoon));
        assert_eq!(Code::read_mark("/", Session::Afternoon), Err(CodeError::OtherSession));
        assert_eq!(Code::read_mark("\\", Session::Morning), Err(CodeError::OtherSession));
        assert_eq!(Code::read_mark("N", Session::Afternoon), Ok(Code::NotYetEstablished));
    }

    #[test]
    fn an_absence_is_neither_in_the_school_nor_at_an_activity_of_it() {
        for text in ["N", "I", "M", "G", "O", "E", "D", "X", "Y4", "#", "Z"] {
            assert!(Code::read(text).unwrap().says_absent(), "{text}");
        }
        for text in ["/", "\\", "L", "U", "K", "V", "P", "W", "B"] {
            assert!(!Code::read(text).unwrap().says_absent(), "{text}");
        }
    }

    #[test]
    fn a_reason_is_an_absence_that_is_established() {
        for text in ["I", "M", "C", "G", "O", "D", "X", "Y2"] {
            assert!(Code::read(text).unwrap().explains(), "{text}");
        }
        for text in ["/", "\\", "L", "N", "U", "V", "B", "Z", "#"] {
            assert!(!Code::read(text).unwrap().explains(), "{text}");
        }
    }
}
