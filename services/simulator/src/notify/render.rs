//! The two templates of the simulated Notify: `((body))` for texts, `((subject))` and `((body))` for e-mails.
//!
//! Pure. It fills in, checks emptiness and length as the server does, and for texts does what the server does to characters
//! and puts the service's name in front. E-mail markdown is not rendered: the witness keeps what was sent.

use serde_json::{Map, Value};

use super::NotifyOptions;
use super::error::ApiError;
use super::validate::Draft;
use crate::log::Medium;

/// The most characters that a text's own words may have, without the service's name.
const LONGEST_TEXT: usize = 918;
/// The most bytes that an e-mail's body may have.
const LONGEST_EMAIL: usize = 2_000_000;

/// A message with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) subject: Option<String>,
    /// As the API repeats it: without the service's name.
    pub(crate) body: String,
    /// As it stands on the phone.
    pub(crate) shown: String,
}

/// Fills the template in.
pub(crate) fn render(draft: &Draft, options: &NotifyOptions) -> Result<Content, ApiError> {
    let template = if draft.template_id == options.sms_template_id {
        Medium::Sms
    } else if draft.template_id == options.email_template_id {
        Medium::Email
    } else {
        return Err(ApiError::bad_request("Template not found"));
    };
    if template != draft.medium {
        let message =
            format!("{} template is not suitable for {} notification", name(template), name(draft.medium));
        return Err(ApiError::bad_request(message));
    }
    match draft.medium {
        Medium::Sms => text(draft, &options.service_name),
        Medium::Email => email(draft),
    }
}

/// What the API calls a medium.
pub(crate) fn name(medium: Medium) -> &'static str {
    match medium {
        Medium::Sms => "sms",
        Medium::Email => "email",
    }
}

fn text(draft: &Draft, service_name: &str) -> Result<Content, ApiError> {
    let [body] = fill(&draft.personalisation, ["body"])?;
    let body = simplify(&body).trim().to_owned();
    let length = body.chars().count();
    if body.is_empty() {
        return Err(ApiError::bad_request("Your message is empty."));
    }
    if length > LONGEST_TEXT {
        let message = format!(
            "Text messages cannot be longer than {LONGEST_TEXT} characters. Your message is {length} characters long."
        );
        return Err(ApiError::bad_request(message));
    }
    let shown = format!("{}: {body}", simplify(service_name));
    Ok(Content { subject: None, body, shown })
}

fn email(draft: &Draft) -> Result<Content, ApiError> {
    let [subject, body] = fill(&draft.personalisation, ["subject", "body"])?;
    if body.trim().is_empty() {
        return Err(ApiError::bad_request("Your message is empty."));
    }
    if body.len() > LONGEST_EMAIL {
        let message = format!(
            "Emails cannot be longer than {LONGEST_EMAIL} bytes. Your message is {} bytes.",
            body.len()
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(Content { subject: Some(subject.trim().to_owned()), shown: body.clone(), body })
}

/// The values of these placeholders, or one error that names all that are missing. More values than that are ignored.
fn fill<const N: usize>(
    values: &Map<String, Value>,
    placeholders: [&str; N],
) -> Result<[String; N], ApiError> {
    let found = placeholders.map(|placeholder| values.get(placeholder).and_then(written));
    let missing: Vec<&str> = placeholders
        .iter()
        .zip(&found)
        .filter_map(|(placeholder, value)| value.is_none().then_some(*placeholder))
        .collect();
    if missing.is_empty() {
        Ok(found.map(Option::unwrap_or_default))
    } else {
        Err(ApiError::bad_request(format!("Missing personalisation: {}", missing.join(", "))))
    }
}

fn written(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(written).collect::<Vec<_>>().join(", ")),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// What the server does to the characters of every text, so that typographic ones do not cost a second fragment.
fn simplify(text: &str) -> String {
    let mut simple = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{2011}' | '\u{2013}' | '\u{2014}' | '\u{2212}' => simple.push('-'),
            '\u{2026}' => simple.push_str("..."),
            '\u{2018}' | '\u{2019}' | '\u{201A}' => simple.push('\''),
            '\u{201C}' | '\u{201D}' | '\u{201E}' => simple.push('"'),
            '\u{180E}' | '\u{200B}' | '\u{200C}' | '\u{2060}' | '\u{FEFF}' | '\u{2028}' | '\u{2029}' => {}
            '\u{00A0}' | '\u{202F}' | '\t' => simple.push(' '),
            other => simple.push(other),
        }
    }
    simple
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(medium: Medium, personalisation: Value) -> Draft {
        let options = NotifyOptions::default();
        let template_id = match medium {
            Medium::Sms => options.sms_template_id,
            Medium::Email => options.email_template_id,
        };
        let Value::Object(personalisation) = personalisation else { panic!("an object") };
        Draft {
            medium,
            written_to: String::new(),
            to: String::new(),
            template_id,
            personalisation,
            reference: None,
            one_click_unsubscribe_url: None,
        }
    }

    fn refusal(draft: &Draft) -> String {
        render(draft, &NotifyOptions::default()).unwrap_err().why()
    }

    #[test]
    fn a_text_carries_the_services_name_and_simple_characters() {
        let options = NotifyOptions { service_name: "Elm School".to_owned(), ..NotifyOptions::default() };
        let draft =
            draft(Medium::Sms, json!({ "body": " Ada’s away – please ring…\u{200B} ŵ ", "other": 1 }));
        let content = render(&draft, &options).unwrap();
        assert_eq!(content.shown, "Elm School: Ada's away - please ring... ŵ");
        assert_eq!(content.body, "Ada's away - please ring... ŵ");
    }

    #[test]
    fn the_limit_counts_the_words_without_the_name() {
        let fits = draft(Medium::Sms, json!({ "body": "x".repeat(918) }));
        assert!(render(&fits, &NotifyOptions::default()).is_ok());
        let long = draft(Medium::Sms, json!({ "body": "x".repeat(919) }));
        assert!(
            refusal(&long).starts_with("BadRequestError: Text messages cannot be longer than 918 characters")
        );
    }

    #[test]
    fn what_is_missing_or_empty_is_refused() {
        assert_eq!(
            refusal(&draft(Medium::Email, json!({ "body": null }))),
            "BadRequestError: Missing personalisation: subject, body"
        );
        assert_eq!(
            refusal(&draft(Medium::Sms, json!({ "body": "  " }))),
            "BadRequestError: Your message is empty."
        );
    }

    #[test]
    fn an_unknown_or_unsuitable_template_is_refused() {
        let unknown = Draft { template_id: uuid::Uuid::nil(), ..draft(Medium::Sms, json!({})) };
        assert_eq!(refusal(&unknown), "BadRequestError: Template not found");
        let wrong = Draft { medium: Medium::Sms, ..draft(Medium::Email, json!({})) };
        assert_eq!(refusal(&wrong), "BadRequestError: email template is not suitable for sms notification");
    }
}
