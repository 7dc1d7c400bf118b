//! Words: a notice, put into a text or an e-mail.
//!
//! A text names a child by the first name only, gives no reason and makes no accusation; an
//! e-mail's subject names no child, because it is read on locked screens. Templates stand in
//! `templates/` and are compiled in; tests render each of them with every sample.

use jiff::civil::Date;
use minijinja::{Environment, UndefinedBehavior, context};
use proto::events::absences::Session;

use crate::channels::Medium;
use crate::directory::School;
use crate::domain::NoticeKind;

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub struct Worded {
    /// Only e-mail has one.
    pub subject: Option<String>,
    /// The body.
    pub body: String,
}

/// Why there are no words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template does not compile or render. (Its own error could repeat what it was given.)
    #[error("the template {0} cannot be rendered")]
    Template(&'static str),
    /// What the gathering is about cannot be read.
    #[error("the topic of a gathering cannot be read")]
    Topic,
}

/// The topic of an absence: day and session, so that only notices of one session gather.
#[must_use]
pub fn topic(date: Date, session: Session) -> String {
    let session = match session {
        Session::Morning => "morning",
        Session::Afternoon => "afternoon",
    };
    format!("{date}/{session}")
}

/// The compiled templates.
pub struct Renderer {
    environment: Environment<'static>,
}

const TEMPLATES: [(&str, &str); 4] = [
    ("absence_unexplained.text", include_str!("templates/absence_unexplained.text")),
    ("absence_unexplained.email", include_str!("templates/absence_unexplained.email")),
    ("absence_correction.text", include_str!("templates/absence_correction.text")),
    ("absence_correction.email", include_str!("templates/absence_correction.email")),
];

fn template_of(kind: NoticeKind, medium: Medium) -> &'static str {
    match (kind, medium) {
        (NoticeKind::AbsenceUnexplained, Medium::Text) => "absence_unexplained.text",
        (NoticeKind::AbsenceUnexplained, Medium::Email) => "absence_unexplained.email",
        (NoticeKind::AbsenceCorrection, Medium::Text) => "absence_correction.text",
        (NoticeKind::AbsenceCorrection, Medium::Email) => "absence_correction.email",
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

    /// The words for one message. `names` are first names, in the order in which they are said.
    pub fn words(
        &self,
        kind: NoticeKind,
        medium: Medium,
        names: &[&str],
        about: (&School, &str),
    ) -> Result<Worded, Error> {
        let (school, topic) = about;
        let session = topic.split_once('/').map(|(_, session)| session).ok_or(Error::Topic)?;
        let name = template_of(kind, medium);
        let template = self.environment.get_template(name).map_err(|_| Error::Template(name))?;
        let text = template
            .render(context! {
                names => listed(names),
                one => names.len() == 1,
                session => session,
                school => &school.name,
                phone => &school.phone,
            })
            .map_err(|_| Error::Template(name))?;
        match medium {
            Medium::Text => Ok(Worded { subject: None, body: text.trim().to_owned() }),
            Medium::Email => {
                let (subject, body) = text.split_once('\n').ok_or(Error::Template(name))?;
                let subject = subject.strip_prefix("Subject: ").ok_or(Error::Template(name))?;
                Ok(Worded { subject: Some(subject.trim().to_owned()), body: body.trim().to_owned() })
            }
        }
    }
}

/// `Amy`, `Amy and Ben`, `Amy, Ben and Cem`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use insta::assert_snapshot;

    use super::*;
    use crate::text::fragments;

    fn school() -> School {
        School { name: "Elm Park Primary School".into(), phone: "01632 960001".into() }
    }

    #[test]
    fn every_template_with_every_sample() {
        let renderer = Renderer::new().unwrap();
        let mut all = String::new();
        for kind in NoticeKind::ALL {
            for medium in [Medium::Text, Medium::Email] {
                for (names, topic) in [
                    (&["Maya"][..], "2026-11-24/morning"),
                    (&["Maya", "Rohan", "Zofia"][..], "2026-11-24/afternoon"),
                ] {
                    let words = renderer.words(kind, medium, names, (&school(), topic)).unwrap();
                    let subject = words.subject.map_or_else(String::new, |subject| format!("[{subject}]\n"));
                    let (kind, body) = (kind.as_str(), words.body);
                    writeln!(all, "== {kind} {medium:?}\n{subject}{body}\n").unwrap();
                }
            }
        }
        assert_snapshot!(all);
    }

    #[test]
    fn a_text_about_two_children_with_its_prefix_costs_two_fragments_at_most() {
        let renderer = Renderer::new().unwrap();
        for kind in NoticeKind::ALL {
            let words = renderer
                .words(kind, Medium::Text, &["Maya", "Rohan"], (&school(), "2026-11-24/morning"))
                .unwrap();
            let fragments = fragments::fragments(&format!("{}: {}", school().name, words.body));
            assert!(fragments.fragments <= 2, "{kind:?}: {fragments:?}");
        }
    }

    #[test]
    fn a_subject_names_no_child_and_a_correction_never_says_that_anybody_is_missing() {
        let renderer = Renderer::new().unwrap();
        for kind in NoticeKind::ALL {
            for medium in [Medium::Text, Medium::Email] {
                let words =
                    renderer.words(kind, medium, &["Maya"], (&school(), "2026-11-24/morning")).unwrap();
                assert!(!words.subject.unwrap_or_default().contains("Maya"));
                assert!(words.body.contains("Maya"));
                let says_missing = words.body.contains("we have not yet heard why");
                assert_eq!(says_missing, kind == NoticeKind::AbsenceUnexplained);
                assert_eq!(words.body.contains("is in school"), kind == NoticeKind::AbsenceCorrection);
            }
        }
    }

    #[test]
    fn a_name_with_markup_is_said_as_it_is() {
        let renderer = Renderer::new().unwrap();
        let words = renderer
            .words(
                NoticeKind::AbsenceUnexplained,
                Medium::Text,
                &["{{ 7 * 7 }}<b>"],
                (&school(), "2026-11-24/morning"),
            )
            .unwrap();
        assert!(words.body.contains("{{ 7 * 7 }}<b>"));
    }
}
