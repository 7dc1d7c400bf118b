//! What it means when a [peer](crate::service::Peer) gives no answer that can be used.
//!
//! Nothing is decided then and nothing is lost: the caller sends the same request again. Only what
//! sending it again will not help is passed on, in the peer's own words. Called by the client of
//! each peer, in the service that asks.

use std::error::Error as _;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::rejection::Rejection;
use crate::unreached::Why;

/// How many bytes an answer may have. What a peer says of everybody in a large tenant is a few
/// megabytes, which is more than a client takes by itself; this is far more than any tenant has.
pub const LARGEST_ANSWER: usize = 64 << 20;

/// A peer that is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Its name.
    pub peer: &'static str,
    /// The stable reason of our refusal when it gives no answer.
    pub unavailable: &'static str,
    /// Its reasons that are the caller's to hear, each said with `FAILED_PRECONDITION`.
    pub passed_on: &'static [&'static str],
}

impl Asked {
    /// What the caller is told when the peer refused or could not be reached.
    #[must_use]
    pub fn refused(self, status: &Status) -> Status {
        if let Some(reason) = self.reason_to_pass_on(status) {
            return Rejection::precondition(reason, status.message()).into();
        }
        // Our own client's reason, if it is one; what the peer said could name somebody.
        let why = status.source().map(|source| Why::of(source).to_string());
        tracing::warn!(peer = self.peer, grpc.code = ?status.code(), why, "a service cannot be asked");
        self.unavailable("cannot be asked just now")
    }

    /// What the caller is told when the peer's answer makes no sense.
    #[must_use]
    pub fn unreadable(self) -> Status {
        tracing::error!(peer = self.peer, "a service answered something that cannot be read");
        self.unavailable("gave an answer that cannot be read")
    }

    fn reason_to_pass_on(self, status: &Status) -> Option<&'static str> {
        if status.code() != Code::FailedPrecondition {
            return None;
        }
        let said = status.get_details_error_info()?.reason;
        self.passed_on.iter().copied().find(|reason| *reason == said)
    }

    fn unavailable(self, what: &str) -> Status {
        let told = format!("{} {what}; send the same request again", self.peer);
        Rejection::new(Code::Unavailable, self.unavailable, told).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked =
        Asked { peer: "library", unavailable: "LIBRARY_UNAVAILABLE", passed_on: &["NO_BOOKS"] };

    fn told(status: &Status) -> (Code, String, &str) {
        (status.code(), status.get_details_error_info().unwrap().reason, status.message())
    }

    #[test]
    fn only_what_asking_again_does_not_help_is_passed_on() {
        let no_books = Status::from(Rejection::precondition("NO_BOOKS", "no books were bought yet"));
        let passed_on = ASKED.refused(&no_books);
        assert_eq!(
            told(&passed_on),
            (Code::FailedPrecondition, "NO_BOOKS".to_owned(), "no books were bought yet")
        );
        for refused in [
            Rejection::precondition("TOO_LOUD", "nobody can read").into(),
            Rejection::new(Code::Internal, "NO_BOOKS", "the shelf broke").into(),
            Status::permission_denied("the readers of room 7"),
            Status::unavailable("connection refused"),
        ] {
            let refused = ASKED.refused(&refused);
            let (code, reason, message) = told(&refused);
            assert_eq!((code, reason.as_str()), (Code::Unavailable, "LIBRARY_UNAVAILABLE"));
            assert_eq!(message, "library cannot be asked just now; send the same request again");
        }
        assert_eq!(told(&ASKED.unreadable()).0, Code::Unavailable);
    }
}
