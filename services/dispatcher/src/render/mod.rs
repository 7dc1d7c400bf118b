//! Words: a notice, put into a text or an e-mail.
//!
//! A text names a child by the first name only, gives no reason and makes no accusation; an
//! e-mail's subject names no child, because it is read on locked screens. Templates stand in
//! `templates/` and are compiled in; tests render each of them with every sample.

pub(crate) mod days;
mod samples;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use proto::events::absences::Session;
use proto::events::dispatcher::{AlertKind, Outline, WebsiteAlert};
use proto::events::incidents::{AccidentRecorded, FirstAid};
use proto::events::scheduling::Closure;

use crate::channels::Medium;
use crate::directory::School;
use crate::domain::clearance::Readers;
use crate::domain::{About, NoticeKind, Reach};
use crate::text::fragments::{NOTIFY_CHARACTERS, fragments};

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub struct Worded {
    /// Only e-mail has one.
    pub subject: Option<String>,
    /// The body.
    pub body: String,
}

impl Worded {
    /// The same as an exercise, which nobody can take for the real thing.
    #[must_use]
    pub fn as_exercise(self) -> Self {
        let marked = |words: String| format!("EXERCISE: {words}");
        Self { subject: self.subject.map(marked), body: marked(self.body) }
    }
}

/// Why there are no words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template does not compile or render. (Its own error could repeat what it was given.)
    #[error("the template {0} cannot be rendered")]
    Template(&'static str),
    /// The text is longer than a provider carries. It is never cut: half a sentence about a child may say the opposite.
    #[error("a text of {characters} characters is longer than can be carried")]
    TooLong {
        /// As they would go out.
        characters: usize,
    },
}

/// How many characters a text may have: what [`NOTIFY_CHARACTERS`] leaves beside the name that a provider puts before it.
pub const MOST_CHARACTERS: usize = NOTIFY_CHARACTERS - 118;

/// What a message is made from.
#[derive(Clone, Copy)]
pub struct Wording<'a> {
    /// What it is.
    pub kind: NoticeKind,
    /// What it goes as.
    pub medium: Medium,
    /// What it is about.
    pub about: &'a About,
    /// First names, in the order in which they are said.
    pub names: &'a [&'a str],
    /// Who says it.
    pub school: &'a School,
    /// Who reads it.
    pub readers: Readers,
    /// When it is sent: what is called today is today for whoever reads it then.
    pub now: Timestamp,
}

/// The compiled templates.
pub struct Renderer {
    environment: Environment<'static>,
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const TEMPLATES: [(&str, &str); 20] = templates![
    "absence_unexplained.text",
    "absence_unexplained.email",
    "absence_correction.text",
    "absence_correction.email",
    "first_aid.text",
    "first_aid.email",
    "head_injury.text",
    "head_injury.email",
    "closure_declared.text",
    "closure_declared.email",
    "closure_changed.text",
    "closure_changed.email",
    "reopening.text",
    "reopening.email",
    "announcement.text",
    "announcement.email",
    "announcement_correction.text",
    "announcement_correction.email",
    "closure.website",
    "reopening.website",
];

fn template_of(kind: NoticeKind, medium: Medium) -> &'static str {
    let (text, email) = match kind {
        NoticeKind::AbsenceUnexplained => ("absence_unexplained.text", "absence_unexplained.email"),
        NoticeKind::AbsenceCorrection => ("absence_correction.text", "absence_correction.email"),
        NoticeKind::FirstAid => ("first_aid.text", "first_aid.email"),
        NoticeKind::HeadInjury => ("head_injury.text", "head_injury.email"),
        NoticeKind::ClosureDeclared => ("closure_declared.text", "closure_declared.email"),
        NoticeKind::ClosureChanged => ("closure_changed.text", "closure_changed.email"),
        NoticeKind::Reopening => ("reopening.text", "reopening.email"),
        NoticeKind::Announcement => ("announcement.text", "announcement.email"),
        NoticeKind::AnnouncementCorrection => {
            ("announcement_correction.text", "announcement_correction.email")
        }
    };
    match medium {
        Medium::Text => text,
        Medium::Email => email,
    }
}

impl Renderer {
    /// Compiles every template.
    pub fn new() -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(10_000));
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).map_err(|_| Error::Template(name))?;
        }
        Ok(Self { environment })
    }

    /// Renders every template with every sample; how many texts that made.
    pub fn check(&self) -> Result<usize, Error> {
        let school = samples::school();
        let mut rendered = 0;
        for kind in NoticeKind::ALL {
            for about in samples::of(kind) {
                for medium in [Medium::Text, Medium::Email] {
                    for readers in [Readers::Entitled, Readers::Barred] {
                        for now in samples::TIMES {
                            self.words(&Wording {
                                kind,
                                medium,
                                about: &about,
                                names: samples::NAMES,
                                school: &school,
                                readers,
                                now,
                            })?;
                            rendered += 1;
                        }
                    }
                }
                rendered += usize::from(self.alert(kind, &about)?.is_some());
            }
        }
        Ok(rendered)
    }

    /// The words for one message.
    pub fn words(&self, wording: &Wording<'_>) -> Result<Worded, Error> {
        let name = template_of(wording.kind, wording.medium);
        let text = self.render(name, values(wording))?;
        match wording.medium {
            Medium::Text => {
                let body = text.trim().to_owned();
                match fragments(&body).characters {
                    characters if characters > MOST_CHARACTERS => Err(Error::TooLong { characters }),
                    _ => Ok(Worded { subject: None, body }),
                }
            }
            Medium::Email => {
                let (subject, body) = text.split_once('\n').ok_or(Error::Template(name))?;
                let subject = subject.strip_prefix("Subject: ").ok_or(Error::Template(name))?;
                Ok(Worded { subject: Some(subject.trim().to_owned()), body: body.trim().to_owned() })
            }
        }
    }

    /// What the public website says, of what everybody may know.
    pub fn alert(&self, kind: NoticeKind, about: &About) -> Result<Option<WebsiteAlert>, Error> {
        let (alert, name, (first_day, from), expires_at) = match (about, kind.is_about_closing()) {
            (About::Closure(closure), true) => {
                let begins = (closure.first_day, closure.from);
                (AlertKind::Closure, "closure.website", begins, closure.tell_until)
            }
            (About::Reopening(ended), true) => {
                let begins = (ended.not_closed_from, Session::Morning);
                (AlertKind::Reopening, "reopening.website", begins, ended.tell_until)
            }
            _ => return Ok(None),
        };
        let text =
            self.render(name, matter(about, Readers::Barred, (&TimeZone::UTC, Timestamp::UNIX_EPOCH)))?;
        let mut parts = text.splitn(3, '\n').map(str::trim);
        let mut part = || parts.next().ok_or(Error::Template(name));
        let (gist, days, body) = (part()?.to_owned(), part()?, part()?.to_owned());
        let headline = format!("{gist} {days}");
        let outline = Some(Outline { gist, first_day, from });
        Ok(Some(WebsiteAlert { kind: alert, headline, body, outline, expires_at }))
    }

    fn render(&self, name: &'static str, values: Value) -> Result<String, Error> {
        let template = self.environment.get_template(name).map_err(|_| Error::Template(name))?;
        template.render(values).map_err(|_| Error::Template(name))
    }
}

/// Everything that a message's template may say.
fn values(wording: &Wording<'_>) -> Value {
    let Wording { about, names, school, readers, now, .. } = *wording;
    let common = context! {
        names => listed(names),
        one => names.len() == 1,
        school => &school.name,
        phone => &school.phone,
    };
    context! { ..common, ..matter(about, readers, (&school.zone, now)) }
}

fn matter(about: &About, readers: Readers, now: (&TimeZone, Timestamp)) -> Value {
    let partial = about.reach() == Reach::Particular;
    match about {
        About::Absence { session: Session::Morning, .. } => context! { session => "morning" },
        About::Absence { session: Session::Afternoon, .. } => context! { session => "afternoon" },
        About::Accident(accident) => context! { amended => false, ..of_accident(accident, now) },
        About::AmendedAccident(accident) => context! { amended => true, ..of_accident(accident, now) },
        About::Closure(closure) => context! { partial => partial, ..of_closure(closure, readers) },
        About::Reopening(ended) => {
            context! { partial => partial, day => format!("on {}", days::day(ended.open_on)) }
        }
        About::Announcement(sent) => context! {
            text => sent.text.as_deref().unwrap_or_default(),
            subject => sent.email.as_ref().map_or("", |email| one_line(&email.subject)),
            body => sent.email.as_ref().map_or("", |email| email.body.as_str()),
        },
    }
}

/// An accident may be recorded days after it happened, and be amended later still.
fn of_accident(accident: &AccidentRecorded, (zone, now): (&TimeZone, Timestamp)) -> Value {
    let (time, day) = days::time(accident.happened_at, zone);
    let day_of = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let is_today = day_of(accident.happened_at) == day_of(now);
    let (given, none) = match &accident.first_aid {
        FirstAid::Given(given) => (given.as_str(), ""),
        FirstAid::None(because) => ("", because.as_str()),
    };
    context! {
        time => time,
        when => if is_today { "today".to_owned() } else { format!("on {day}") },
        day => day,
        is_today => is_today,
        is_recent => now.duration_since(accident.happened_at) < WATCHED_FOR,
        place => &accident.place,
        what => &accident.what,
        first_aid => given,
        no_first_aid => none,
    }
}

/// For how long a child is watched after a bump of the head (NHS advice on head injuries).
const WATCHED_FOR: SignedDuration = SignedDuration::from_hours(48);

/// When and where children are collected is not for those who may not know where a child is.
fn of_closure(closure: &Closure, readers: Readers) -> Value {
    let collection = match readers {
        Readers::Entitled => closure.collection.as_deref().map_or("", without_full_stop),
        Readers::Barred => "",
    };
    context! {
        days => days::closed(closure),
        reason => without_full_stop(&closure.reason),
        collection => collection,
    }
}

fn without_full_stop(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

/// A subject is a line: what stands on another would become the body.
fn one_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// `Amy`, `Amy and Ben`, `Amy, Ben and Cem`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
