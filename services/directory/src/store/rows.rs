//! The rows of the directory's tables, and how each reads as what it stands for. See `schema.sql`.

use jiff::civil::{Date, Time};
use kit::store::Error;
use proto::ids::InvalidId;

use crate::domain::email::Email;
use crate::domain::link::{Bar, Link, Responsibility, Restriction, Role};
use crate::domain::phone::{Kind, Phone};
use crate::domain::preference::Preference;
use crate::domain::roster::{Class, Contact, Reach, RegisterTimes, School, Term};

kit::row!(
    /// Schools.
    schools = "schools" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        source_id: String,
        name: String,
        phone: String,
        time_zone: String,
        morning: String,
        afternoon: String,
        duty_numbers: String,
        version: i64,
    }
);
kit::row!(
    /// Terms.
    terms = "terms" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        source_id: String,
        title: String,
        first_day: String,
        last_day: String,
        status: String,
    }
);
kit::row!(
    /// Classes.
    classes = "classes" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        source_id: String,
        title: String,
        status: String,
    }
);
kit::row!(
    /// Pupils.
    pupils = "pupils" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        source_id: String,
        first_name: String,
        family_name: String,
        year_group: String,
        class_id: String,
        person_only: Option<String>,
        status: String,
        revision: i64,
    }
);
kit::row!(
    /// Contacts.
    contacts = "contacts" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        source_id: String,
        given_name: String,
        family_name: String,
        first_phone: Option<String>,
        first_phone_kind: Option<String>,
        second_phone: Option<String>,
        second_phone_kind: Option<String>,
        email: Option<String>,
        language: String,
        no_voice: bool,
        prefers: String,
        status: String,
        revision: i64,
    }
);
kit::row!(
    /// Links.
    links = "links" {
        #[sea_orm(primary_key, auto_increment = false)]
        pupil_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        contact_id: String,
        school: String,
        role: String,
        priority: i32,
        responsibility: String,
        lives_with: bool,
        emergency_only: bool,
        bar: Option<String>,
        evidence: Option<String>,
        bar_from: Option<String>,
        bar_until: Option<String>,
        status: String,
    }
);
kit::row!(
    /// What restricted contacts have given up.
    barred_addresses = "barred_addresses" {
        #[sea_orm(primary_key, auto_increment = false)]
        contact_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        address: String,
        school: String,
        given_up_at: i64,
    }
);

/// A stored word or id, or the error that it does not read.
pub fn read<T>(what: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::Corrupt { what })
}

/// A stored id.
pub fn id<T: std::str::FromStr<Err = InvalidId>>(text: &str) -> Result<T, Error> {
    read("id", text.parse().ok())
}

/// `opens closes session-ends`, as it is stored.
pub fn times_text(times: RegisterTimes) -> String {
    [times.opens, times.closes, times.session_ends].map(clock_text).join(" ")
}

/// A time of day as HH:MM.
pub fn clock_text(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

fn times(text: &str) -> Result<RegisterTimes, Error> {
    let mut times = text.split(' ').map(|time| Time::strptime("%H:%M", time).ok());
    let mut next = || read("register time", times.next().flatten());
    Ok(RegisterTimes { opens: next()?, closes: next()?, session_ends: next()? })
}

fn day(text: &str) -> Result<Date, Error> {
    read("date", text.parse().ok())
}

impl schools::Model {
    /// What it stands for.
    pub fn school(&self) -> Result<School, Error> {
        let numbers: Vec<String> = read("duty numbers", serde_json::from_str(&self.duty_numbers).ok())?;
        Ok(School {
            source_id: self.source_id.clone(),
            name: self.name.clone(),
            phone: self.phone.clone(),
            morning: times(&self.morning)?,
            afternoon: times(&self.afternoon)?,
            duty_numbers: numbers.into_iter().map(|number| Phone::stored(number, Kind::Mobile)).collect(),
        })
    }
}

impl terms::Model {
    /// What it stands for.
    pub fn term(&self) -> Result<Term, Error> {
        let (first_day, last_day) = (day(&self.first_day)?, day(&self.last_day)?);
        Ok(Term { title: self.title.clone(), first_day, last_day })
    }
}

impl classes::Model {
    /// What it stands for.
    pub fn class(&self) -> Class {
        Class { title: self.title.clone() }
    }
}

impl contacts::Model {
    /// What it stands for.
    pub fn contact(&self) -> Result<Contact, Error> {
        Ok(Contact {
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            reach: Reach {
                first_phone: phone(self.first_phone.as_deref(), self.first_phone_kind.as_deref())?,
                second_phone: phone(self.second_phone.as_deref(), self.second_phone_kind.as_deref())?,
                email: self.email.as_deref().map(Email::stored),
                language: self.language.clone(),
                no_voice: self.no_voice,
                prefers: read("preference", Preference::of_word(&self.prefers))?,
            },
        })
    }
}

fn phone(number: Option<&str>, kind: Option<&str>) -> Result<Option<Phone>, Error> {
    let Some(number) = number else { return Ok(None) };
    let kind = read("kind of number", kind.and_then(Kind::of_word))?;
    Ok(Some(Phone::stored(number.to_owned(), kind)))
}

impl links::Model {
    /// What it stands for.
    pub fn link(&self) -> Result<Link, Error> {
        Ok(Link {
            role: read("role", Role::of_word(&self.role))?,
            priority: read("priority", self.priority.try_into().ok())?,
            responsibility: read("responsibility", Responsibility::of_word(&self.responsibility))?,
            lives_with: self.lives_with,
            emergency_only: self.emergency_only,
            restriction: self.restriction()?,
        })
    }

    fn restriction(&self) -> Result<Option<Restriction>, Error> {
        let Some(bar) = &self.bar else { return Ok(None) };
        Ok(Some(Restriction {
            bar: read("restriction", Bar::of_word(bar))?,
            evidence: read("evidence", self.evidence.clone())?,
            from: day(read("date", self.bar_from.as_deref())?)?,
            until: self.bar_until.as_deref().map(day).transpose()?,
        }))
    }
}
