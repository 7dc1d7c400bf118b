//! What GOV.UK Notify checks in the body of a request, before it looks at templates or limits.
//!
//! Pure. The rules are the server's JSON Schema: required properties, types, no property beside the known ones, and formats
//! of numbers, mailboxes and ids; every fault is named in one answer.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::ApiError;
use crate::address;
use crate::log::Medium;

/// The longest reference, in characters.
const LONGEST_REFERENCE: usize = 1_000;

/// A well-formed request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) medium: Medium,
    /// The recipient as the client wrote it; Notify repeats it so in receipts.
    pub(crate) written_to: String,
    /// E.164, or the mailbox in lower case.
    pub(crate) to: String,
    pub(crate) template_id: Uuid,
    pub(crate) personalisation: Map<String, Value>,
    pub(crate) reference: Option<String>,
    pub(crate) one_click_unsubscribe_url: Option<String>,
}

/// The property that names the recipient.
pub(crate) fn recipient_property(medium: Medium) -> &'static str {
    match medium {
        Medium::Sms => "phone_number",
        Medium::Email => "email_address",
    }
}

fn known_properties(medium: Medium) -> &'static [&'static str] {
    match medium {
        Medium::Sms => {
            &["reference", "phone_number", "template_id", "personalisation", "scheduled_for", "sms_sender_id"]
        }
        Medium::Email => &[
            "reference",
            "email_address",
            "template_id",
            "personalisation",
            "scheduled_for",
            "email_reply_to_id",
            "one_click_unsubscribe_url",
            "sanitise_content_for",
        ],
    }
}

/// Reads a request body, or names every fault in it.
pub(crate) fn draft(medium: Medium, body: &[u8]) -> Result<Draft, ApiError> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|_| ApiError::bad_request("Invalid JSON supplied in POST data"))?;
    let Value::Object(json) = json else {
        return Err(ApiError::validation(vec![" is not of type object".to_owned()]));
    };
    let mut faults = Faults(Vec::new());
    for property in json.keys().filter(|property| !known_properties(medium).contains(&property.as_str())) {
        faults.add(format!("Additional properties are not allowed ({property} was unexpected)"));
    }
    let written_to = faults.required(&json, recipient_property(medium));
    let to = written_to.and_then(|written| faults.recipient(medium, written));
    let template_id = faults.required(&json, "template_id").and_then(|text| faults.uuid("template_id", text));
    let personalisation = faults.personalisation(&json);
    let reference = faults.reference(&json);
    for sender in ["sms_sender_id", "email_reply_to_id"] {
        if let Some(text) = faults.text(&json, sender) {
            faults.uuid(sender, text);
        }
    }
    let one_click_unsubscribe_url = faults.unsubscribe_url(&json);
    faults.schedule(&json);
    match (written_to, to, template_id) {
        (Some(written_to), Some(to), Some(template_id)) if faults.0.is_empty() => Ok(Draft {
            medium,
            written_to: written_to.to_owned(),
            to,
            template_id,
            personalisation,
            reference,
            one_click_unsubscribe_url,
        }),
        _ => Err(ApiError::validation(faults.0)),
    }
}

struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, fault: String) {
        self.0.push(fault);
    }

    fn required<'a>(&mut self, json: &'a Map<String, Value>, property: &str) -> Option<&'a str> {
        match json.get(property) {
            None => {
                self.add(format!("{property} is a required property"));
                None
            }
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.add(format!("{property} is not of type string"));
                None
            }
        }
    }

    /// An optional string; null counts as absent.
    fn text<'a>(&mut self, json: &'a Map<String, Value>, property: &str) -> Option<&'a str> {
        match json.get(property)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => {
                self.add(format!("{property} is not of type string"));
                None
            }
        }
    }

    fn recipient(&mut self, medium: Medium, written: &str) -> Option<String> {
        let checked = match medium {
            Medium::Sms => address::phone(written).map_err(|error| error.to_string()),
            Medium::Email => address::mailbox(written).ok_or_else(|| "Not a valid email address".to_owned()),
        };
        checked.map_err(|fault| self.add(format!("{} {fault}", recipient_property(medium)))).ok()
    }

    fn uuid(&mut self, property: &str, text: &str) -> Option<Uuid> {
        let uuid = text.parse().ok();
        if uuid.is_none() {
            self.add(format!("{property} is not a valid UUID"));
        }
        uuid
    }

    fn personalisation(&mut self, json: &Map<String, Value>) -> Map<String, Value> {
        match json.get("personalisation") {
            None => Map::new(),
            Some(Value::Object(values)) => values.clone(),
            Some(_) => {
                self.add("personalisation is not of type object".to_owned());
                Map::new()
            }
        }
    }

    fn reference(&mut self, json: &Map<String, Value>) -> Option<String> {
        let reference = self.text(json, "reference")?;
        if reference.chars().count() > LONGEST_REFERENCE {
            self.add("reference is too long".to_owned());
        }
        Some(reference.to_owned())
    }

    fn unsubscribe_url(&mut self, json: &Map<String, Value>) -> Option<String> {
        let url = self.text(json, "one_click_unsubscribe_url")?;
        if !url.starts_with("https") {
            self.add("one_click_unsubscribe_url is not a valid https url".to_owned());
        }
        Some(url.to_owned())
    }

    /// The schema takes it, and the server then sends at once all the same.
    fn schedule(&mut self, json: &Map<String, Value>) {
        let readable = |text: &str| {
            text.parse::<jiff::civil::DateTime>().is_ok() || text.parse::<jiff::Timestamp>().is_ok()
        };
        if self.text(json, "scheduled_for").is_some_and(|text| !readable(text)) {
            self.add(
                "scheduled_for datetime format is invalid. It must be a valid ISO8601 date time format"
                    .to_owned(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEMPLATE: &str = "00000000-0000-0000-0000-000000000001";

    fn faults(medium: Medium, body: &Value) -> Vec<String> {
        match draft(medium, body.to_string().as_bytes()) {
            Ok(_) => Vec::new(),
            Err(error) => {
                assert_eq!(error.status, 400);
                error.errors.into_iter().map(|(class, message)| format!("{class} {message}")).collect()
            }
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let body = json!({ "phone_number": "01632 960123", "template_id": "7", "colour": "red", "personalisation": [] });
        assert_eq!(
            faults(Medium::Sms, &body),
            [
                "ValidationError Additional properties are not allowed (colour was unexpected)",
                "ValidationError phone_number Not a UK mobile number",
                "ValidationError template_id is not a valid UUID",
                "ValidationError personalisation is not of type object",
            ]
        );
    }

    #[test]
    fn an_email_property_is_unknown_to_a_text_and_the_other_way_round() {
        let text =
            json!({ "phone_number": "07700900123", "template_id": TEMPLATE, "email_reply_to_id": TEMPLATE });
        assert_eq!(faults(Medium::Sms, &text).len(), 1);
        let mail = json!({ "email_address": "a@example.org", "template_id": TEMPLATE, "email_reply_to_id": TEMPLATE });
        assert_eq!(faults(Medium::Email, &mail), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_mistyped_or_too_long_is_refused() {
        let table = [
            (json!({ "template_id": TEMPLATE }), "ValidationError email_address is a required property"),
            (
                json!({ "email_address": 7, "template_id": TEMPLATE }),
                "ValidationError email_address is not of type string",
            ),
            (
                json!({ "email_address": "a@b", "template_id": TEMPLATE }),
                "ValidationError email_address Not a valid email address",
            ),
            (
                json!({ "email_address": "a@example.org", "template_id": TEMPLATE, "reference": "x".repeat(1_001) }),
                "ValidationError reference is too long",
            ),
            (
                json!({ "email_address": "a@example.org", "template_id": TEMPLATE, "one_click_unsubscribe_url": "http://x" }),
                "ValidationError one_click_unsubscribe_url is not a valid https url",
            ),
            (
                json!({ "email_address": "a@example.org", "template_id": TEMPLATE, "scheduled_for": "soon" }),
                "ValidationError scheduled_for datetime format is invalid. It must be a valid ISO8601 date time format",
            ),
        ];
        for (body, fault) in table {
            assert_eq!(faults(Medium::Email, &body), [fault]);
        }
        let not_json = draft(Medium::Sms, b"{").unwrap_err();
        assert_eq!(not_json.why(), "BadRequestError: Invalid JSON supplied in POST data");
    }

    #[test]
    fn a_good_request_keeps_both_spellings_of_its_recipient() {
        let body = json!({ "phone_number": "07700 900123", "template_id": TEMPLATE, "reference": null });
        let draft = draft(Medium::Sms, body.to_string().as_bytes()).unwrap();
        assert_eq!((draft.written_to.as_str(), draft.to.as_str()), ("07700 900123", "+447700900123"));
        assert_eq!(draft.reference, None);
    }
}
