//! A form as it is shown: what was typed stays, and what is wrong stands beside its field and at the top.

use std::collections::BTreeMap;

use axum::Form as UrlEncoded;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use kit::fields::holds_markup;
use uuid::Uuid;

use super::Stopped;
use crate::asking::{Refusal, Trouble};

/// The name under which a form carries its `request_id`.
const REQUEST_ID: &str = "request_id";

/// What was typed, by the names of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed(BTreeMap<String, Vec<String>>);

impl Typed {
    /// What a request carries.
    pub async fn read(request: Request) -> Result<Self, Response> {
        let pairs: Result<UrlEncoded<Vec<(String, String)>>, _> =
            UrlEncoded::from_request(request, &()).await;
        let UrlEncoded(pairs) = pairs.map_err(|_| Stopped::Unreadable.into_response())?;
        let mut typed = Self::default();
        for (name, value) in pairs {
            // Browsers send line breaks as two characters; nobody typed the first.
            typed.0.entry(name).or_default().push(value.replace("\r\n", "\n"));
        }
        Ok(typed)
    }

    /// The same from a list, for what a page fills in before anybody types.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).to_owned()]);
        Self(pairs.iter().map(pair).collect())
    }

    /// Puts something else in the place of a field.
    pub fn put(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
    }

    /// One field, without the space around it; empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", |value| value.trim())
    }

    /// A field that is taken as it is, as passwords are.
    pub fn raw(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// Every value of a field with several.
    pub fn several(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Everything.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_str())))
    }
}

/// Something wrong with a field, or with none (`field` is empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the field.
    pub field: String,
    /// In words.
    pub words: String,
}

/// A form.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// What was typed.
    pub typed: Typed,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// The id of the request that it sends: sending it twice does it once.
    pub request_id: String,
}

impl Form {
    /// With what was typed, or is filled in.
    pub fn with(typed: Typed) -> Self {
        let given = typed.get(REQUEST_ID);
        let request_id = if given.is_empty() { fresh() } else { given.to_owned() };
        Self { typed, faults: Vec::new(), request_id }
    }

    /// Empty.
    pub fn new() -> Self {
        Self::with(Typed::default())
    }

    /// Whether a field says something else than when its page was made: only that is sent, so that what a colleague has put
    /// right meanwhile stays.
    pub fn changed(&self, name: &str) -> bool {
        self.value(name) != self.value(&format!("was-{name}"))
    }

    /// What stands in a field that was changed.
    pub fn news(&self, name: &str) -> Option<String> {
        self.changed(name).then(|| self.value(name).to_owned())
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> &str {
        self.typed.get(name)
    }

    /// Whether a choice of several is made.
    pub fn chosen(&self, name: &str, value: &str) -> bool {
        self.typed.several(name).iter().any(|chosen| chosen == value)
    }

    /// What is wrong with a field.
    pub fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|fault| fault.field == name).map(|fault| fault.words.as_str())
    }

    /// Whether nothing is wrong so far.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    /// Says what is wrong with a field.
    pub fn wrong(&mut self, field: &str, words: impl Into<String>) {
        self.faults.push(Fault { field: field.to_owned(), words: words.into() });
    }

    /// A field that must be filled in; `words` say what to do.
    pub fn needs(&mut self, field: &str, words: &str) -> String {
        let value = self.value(field).to_owned();
        if value.is_empty() {
            self.wrong(field, words);
        }
        value
    }

    /// Fields that hold words, each of at most so many characters; what a service would refuse is said at once.
    pub fn keeps_to_words(&mut self, fields: &[(&str, usize)]) {
        for (field, most) in fields {
            let text = self.value(field);
            if holds_markup(text) {
                self.wrong(field, "Use words only, without tags, braces and code");
            } else if text.chars().count() > *most {
                self.wrong(field, format!("Use at most {most} characters"));
            }
        }
    }

    /// What a service said goes beside the fields that this form has for it: pairs of what a field of the
    /// request begins with, the field here, and what it is called.
    pub fn refused(&mut self, trouble: &Trouble, fields: &[(&str, &str, &str)]) {
        if let Trouble::Refused(Refusal { reason, .. }) = trouble
            && reason == "REQUEST_ID_REUSED"
        {
            self.request_id = fresh();
            self.wrong("", "What you sent before from this page was done. Look whether this is still needed, and send it again if so");
            return;
        }
        let Trouble::Refused(Refusal { message, fields: said, .. }) = trouble else {
            // Trying again helps against nothing but this.
            let again = match trouble {
                Trouble::Away(_) => ". What you typed is still here: try again in a moment",
                Trouble::NotAllowed | Trouble::Unknown | Trouble::Refused(_) => "",
            };
            self.wrong("", capital(&format!("{trouble}{again}")));
            return;
        };
        for (at, words) in said {
            let known = fields.iter().find(|(theirs, _, _)| is_within(at, theirs));
            match known {
                Some((_, ours, label)) => self.wrong(ours, format!("{label} {words}")),
                None => self.wrong("", capital(words)),
            }
        }
        if said.is_empty() {
            self.wrong("", capital(message));
        }
    }
}

/// Whether a service speaks of this field, or of a part of it: `audience.year_groups[0]` is a part of `audience`.
fn is_within(at: &str, field: &str) -> bool {
    at.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The id of a request that is made once.
pub fn fresh() -> String {
    Uuid::now_v7().to_string()
}

/// With a capital at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::super::accidents;
    use super::*;

    #[test]
    fn what_a_service_said_of_a_field_stands_beside_that_field() {
        let mut form = Form::new();
        let said = |field: &str| (field.to_owned(), "must be words".to_owned());
        let fields = vec![
            said("account.what"),
            said("account.first_aider"),
            said("account.no_first_aid_because"),
            said("audience.year_groups[0]"),
            said("request_id"),
        ];
        let refusal = Refusal { reason: "MARKUP".into(), message: "no".into(), fields };
        let known: Vec<_> =
            accidents::FIELDS.into_iter().chain([("audience", "years", "Whom it concerns")]).collect();
        form.refused(&Trouble::Refused(refusal), &known);
        assert_eq!(form.fault("what"), Some("What happened must be words"));
        assert_eq!(form.fault("first_aid"), None);
        assert_eq!(form.fault("first_aider"), Some("Who helped must be words"));
        assert_eq!(form.fault("no_first_aid"), Some("Why there was no first aid must be words"));
        assert_eq!(form.fault("years"), Some("Whom it concerns must be words"));
        assert_eq!(form.fault(""), Some("Must be words"));
    }

    #[test]
    fn trying_again_is_advised_only_where_it_helps() {
        for (trouble, advised) in
            [(Trouble::Away("directory"), true), (Trouble::NotAllowed, false), (Trouble::Unknown, false)]
        {
            let mut form = Form::new();
            form.refused(&trouble, &[]);
            assert_eq!(form.fault("").unwrap().contains("try again"), advised, "{trouble:?}");
        }
    }

    #[test]
    fn a_form_that_comes_back_sends_the_same_request_again() {
        let first = Form::new();
        let again = Form::with(Typed::of(&[("request_id", &first.request_id)]));
        assert_eq!(again.request_id, first.request_id);
        assert_ne!(Form::new().request_id, first.request_id);
    }
}
