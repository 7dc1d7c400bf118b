//! Which columns of a file two values differ in, in the file's own words.

use crate::domain::link::Link;
use crate::domain::present::Pupil;
use crate::domain::roster::{Class, Contact, School, Term};

/// A value that came from the columns of a file.
pub trait Columns {
    /// The columns in which the two differ, in the order of the file.
    fn differing(&self, other: &Self) -> Vec<&'static str>;
}

macro_rules! columns {
    ($($type:ty { $($column:literal => $($field:ident).+,)* })*) => {$(
        impl Columns for $type {
            fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut columns = Vec::new();
                $(if self.$($field).+ != other.$($field).+ { columns.push($column); })*
                columns
            }
        }
    )*};
}

columns! {
    School {
        "orgSourcedId" => source_id,
        "name" => name,
        "phone" => phone,
        "amRegisterOpens" => morning.opens,
        "amRegisterCloses" => morning.closes,
        "amSessionEnds" => morning.session_ends,
        "pmRegisterOpens" => afternoon.opens,
        "pmRegisterCloses" => afternoon.closes,
        "pmSessionEnds" => afternoon.session_ends,
        "dutyNumbers" => duty_numbers,
    }
    Term {
        "title" => title,
        "startDate" => first_day,
        "endDate" => last_day,
    }
    Class {
        "title" => title,
    }
    Pupil {
        "givenName" => first_name,
        "familyName" => family_name,
        "yearGroup" => year_group,
        "class" => class,
        "personOnly" => person_only,
    }
    Contact {
        "givenName" => given_name,
        "familyName" => family_name,
        "sms" => reach.first_phone,
        "phone" => reach.second_phone,
        "email" => reach.email,
        "language" => reach.language,
        "noVoice" => reach.no_voice,
        "prefers" => reach.prefers,
    }
    Link {
        "role" => role,
        "priority" => priority,
        "parentalResponsibility" => responsibility,
        "livesWith" => lives_with,
        "emergencyOnly" => emergency_only,
        "restriction" => restriction,
    }
}
