//! The whole of the logic of announcements, pure.
//!
//! [`words`] knows what may be written, [`audience`] whether everybody who was named is there. `api`
//! calls both and makes an [`Announcement`] of what they let through. Nothing here reads a clock,
//! draws an id or talks to anybody: all of it arrives as arguments.

pub mod audience;
pub mod rejection;
pub mod words;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proto::events::messaging::AnnouncementSent;
use proto::events::scope::Scope;
use proto::ids::AnnouncementId;

pub use kit::fields::Fault;
pub use rejection::Rejection;
pub use words::Words;

/// How many days after the one on which it was sent an announcement is still worth telling.
const DAYS: i32 = 3;

/// Something that somebody in the school wrote to those at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Which.
    pub id: AnnouncementId,
    /// Whom it concerns.
    pub scope: Scope,
    /// What it says.
    pub words: Words,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The subject of the sender's token.
    pub sent_by: String,
    /// Until when it is worth telling.
    pub tell_until: Timestamp,
}

impl Announcement {
    /// The fact that it was sent.
    #[must_use]
    pub fn fact(&self) -> AnnouncementSent {
        AnnouncementSent {
            scope: self.scope.clone(),
            email: self.words.email.clone(),
            text: self.words.text.clone(),
            tell_until: self.tell_until,
        }
    }
}

/// The end of the third local day after the one on which an announcement is sent.
#[must_use]
pub fn tell_until(zone: &TimeZone, sent_at: Timestamp) -> Timestamp {
    let day_after = sent_at.to_zoned(zone.clone()).date().saturating_add((DAYS + 1).days());
    day_after.to_zoned(zone.clone()).map_or_else(
        // Only in the last days that a calendar has.
        |_| {
            sent_at.saturating_add(SignedDuration::from_hours(24 * i64::from(DAYS))).unwrap_or(Timestamp::MAX)
        },
        |midnight| midnight.timestamp(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_told_to_the_end_of_the_third_local_day_whatever_the_clocks_do() {
        let london = TimeZone::get("Europe/London").unwrap();
        for (sent, until) in [
            ("2026-11-24T08:50:00Z", "2026-11-28T00:00:00Z"),
            // Half past midnight of the 10th in London.
            ("2026-06-09T23:30:00Z", "2026-06-13T23:00:00Z"),
            // Summer time ends on the 25th.
            ("2026-10-23T09:00:00Z", "2026-10-27T00:00:00Z"),
        ] {
            assert_eq!(tell_until(&london, sent.parse().unwrap()).to_string(), until, "{sent}");
        }
        assert_eq!(tell_until(&london, Timestamp::MAX), Timestamp::MAX);
    }
}
