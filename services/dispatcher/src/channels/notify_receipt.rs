//! What GOV.UK Notify says later: delivery receipts by callback, for its texts and its e-mails.
//!
//! The receipts' endpoint checks the token, parses, persists and only then answers; Notify drops a receipt for good on any 4xx but
//! 429. A receipt may come late, twice or in any order. An error here quotes nothing of the body, which holds the recipient.

use jiff::Timestamp;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// One receipt, without the recipient that it also names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Notify's id of the message.
    pub provider_id: String,
    /// Our key, as we sent it.
    pub reference: Option<String>,
    /// What became of the message.
    pub status: ReceiptStatus,
    /// When its fate was known, where Notify says so.
    pub completed_at: Option<Timestamp>,
}

/// The fates that Notify reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptStatus {
    /// The network delivered it to the phone, or the mail server took it.
    Delivered,
    /// The address does not exist: it should not be tried again.
    PermanentFailure,
    /// The phone was off or the mailbox full for up to 72 hours.
    TemporaryFailure,
    /// Between Notify and its own providers; the address is not to blame.
    TechnicalFailure,
}

/// Why a body is not a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not the JSON of a receipt.
    #[error("not the json of a receipt, at line {line}, column {column}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A status that Notify did not have when this was written.
    #[error("a receipt with a status that is not known")]
    UnknownStatus,
    /// Without an id nothing can be settled by it.
    #[error("a receipt without an id")]
    WithoutId,
}

#[derive(Deserialize)]
struct Callback {
    id: String,
    reference: Option<String>,
    status: String,
    completed_at: Option<String>,
}

/// Reads a callback's body. Keys that Notify adds are ignored; an unreadable time is taken as none.
pub fn receipt(body: &[u8]) -> Result<Receipt, ReceiptError> {
    let callback: Callback = serde_json::from_slice(body)
        .map_err(|error| ReceiptError::Malformed { line: error.line(), column: error.column() })?;
    let status = match callback.status.as_str() {
        "delivered" => ReceiptStatus::Delivered,
        "permanent-failure" => ReceiptStatus::PermanentFailure,
        "temporary-failure" => ReceiptStatus::TemporaryFailure,
        "technical-failure" => ReceiptStatus::TechnicalFailure,
        _ => return Err(ReceiptError::UnknownStatus),
    };
    if callback.id.is_empty() {
        return Err(ReceiptError::WithoutId);
    }
    let completed_at = callback.completed_at.and_then(|time| time.parse().ok());
    Ok(Receipt { provider_id: callback.id, reference: callback.reference, status, completed_at })
}

/// Whether an `Authorization` header carries the token that we gave Notify, in a time that tells nothing of how much of it fits.
///
/// An empty token matches nothing.
pub fn bearer_matches(authorization: Option<&[u8]>, token: &super::Secret) -> bool {
    let expected = token.reveal().as_bytes();
    let given = authorization
        .and_then(|header| header.split_at_checked(7))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "))
        .map_or(&b""[..], |(_, given)| given);
    !expected.is_empty() && bool::from(given.ct_eq(expected))
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    const CALLBACK: &str = r#"{
        "id": "740e5834-3a29-46b4-9a6f-16142fde533a", "reference": "dlv_1", "to": "07700900123", "status": "STATUS",
        "created_at": "2017-05-14T12:15:30.000000Z", "completed_at": "2017-05-14T12:15:30.000000Z", "sent_at": null,
        "notification_type": "sms", "template_id": "f33517ff-2a88-4f6e-b855-c550268ce08a", "template_version": 1, "new": {}
    }"#;

    #[test]
    fn a_receipt_says_what_became_of_a_message() {
        let table = [
            ("delivered", ReceiptStatus::Delivered),
            ("permanent-failure", ReceiptStatus::PermanentFailure),
            ("temporary-failure", ReceiptStatus::TemporaryFailure),
            ("technical-failure", ReceiptStatus::TechnicalFailure),
        ];
        for (status, expected) in table {
            let receipt = receipt(CALLBACK.replace("STATUS", status).as_bytes()).unwrap();
            assert_eq!(receipt.status, expected);
            assert_eq!(receipt.provider_id, "740e5834-3a29-46b4-9a6f-16142fde533a");
            assert_eq!(receipt.reference.as_deref(), Some("dlv_1"));
            assert_eq!(receipt.completed_at, Some("2017-05-14T12:15:30Z".parse().unwrap()));
            assert!(!format!("{receipt:?}").contains("900123"));
        }
        let bare =
            receipt(br#"{"id": "x", "reference": null, "status": "delivered", "completed_at": "soon"}"#)
                .unwrap();
        assert_eq!((bare.reference, bare.completed_at), (None, None));
    }

    #[test]
    fn what_is_no_receipt_is_refused_without_quoting_it() {
        assert_eq!(
            receipt(CALLBACK.replace("STATUS", "sending").as_bytes()),
            Err(ReceiptError::UnknownStatus)
        );
        assert_eq!(receipt(br#"{"id": "", "status": "delivered"}"#), Err(ReceiptError::WithoutId));
        for wrong in [
            "",
            "[]",
            "07700900123",
            r#"{"id": 7700900123, "status": "delivered"}"#,
            r#"{"status": "07700900123"}"#,
        ] {
            let error = receipt(wrong.as_bytes()).unwrap_err();
            assert!(matches!(error, ReceiptError::Malformed { .. }), "{wrong}");
            assert!(!format!("{error} {error:?}").contains("900123"));
        }
    }

    #[test]
    fn only_the_whole_token_matches() {
        let token = Secret::new("a-long-token");
        for right in ["Bearer a-long-token", "bearer a-long-token"] {
            assert!(bearer_matches(Some(right.as_bytes()), &token), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a-long-toke",
            "Bearer a-long-token ",
            "Basic a-long-token",
            "a-long-token",
        ] {
            assert!(!bearer_matches(Some(wrong.as_bytes()), &token), "{wrong}");
        }
        assert!(!bearer_matches(None, &token));
        assert!(!bearer_matches(Some(b"Bearer "), &Secret::new("")));
    }
}
