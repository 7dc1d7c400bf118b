//! The whole of the logic of announcements, pure.
//!
//! [`words`] knows what may be written, [`audience`] whether everybody who was named is there. `api`
//! calls both and makes an [`Announcement`] of what they let through, or corrects one. Nothing here reads
//! a clock, draws an id or talks to anybody: all of it arrives as arguments.

pub mod audience;
pub mod rejection;
pub mod words;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proto::events::messaging::{AnnouncementCorrected, AnnouncementSent};
use proto::events::scope::Scope;
use proto::ids::AnnouncementId;

pub use kit::fields::Fault;
pub use rejection::Rejection;
pub use words::Words;

/// How many days after the one on which it was sent an announcement is still worth telling.
const DAYS: i32 = 3;

/// For how many days after it was worth telling an announcement can be corrected: where it was told is kept for so
/// long at least, and who has the wrong words cannot be told from the others afterwards.
const CORRECTED_FOR_DAYS: i64 = 14;

/// Something that somebody in the school wrote to those at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Which.
    pub id: AnnouncementId,
    /// Whom it concerns.
    pub scope: Scope,
    /// What it says now.
    pub words: Words,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The subject of the sender's token.
    pub sent_by: String,
    /// Until when it is worth telling.
    pub tell_until: Timestamp,
    /// 1 as it was sent; rises with every correction.
    pub version: u64,
    /// When and by whom it was corrected last, if it was.
    pub corrected: Option<Corrected>,
}

/// When something was corrected, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// When.
    pub at: Timestamp,
    /// The subject of the token of whoever did it.
    pub by: String,
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

    /// The fact that it was corrected.
    #[must_use]
    pub fn correction(&self) -> AnnouncementCorrected {
        AnnouncementCorrected { announcement: self.fact() }
    }

    /// From when on it is too old to be corrected.
    #[must_use]
    pub fn too_old_at(&self) -> Timestamp {
        let kept = SignedDuration::from_hours(24 * CORRECTED_FOR_DAYS);
        self.tell_until.saturating_add(kept).unwrap_or(Timestamp::MAX)
    }

    /// The same in other words, if `seen` is the version that stands. Whom it concerns and by what it goes
    /// stay: a correction goes to whoever has the words that it corrects.
    pub fn correct(
        self,
        words: Words,
        seen: i64,
        corrected: Corrected,
        zone: &TimeZone,
    ) -> Result<Self, Rejection> {
        if u64::try_from(seen) != Ok(self.version) {
            return Err(Rejection::CorrectedMeanwhile);
        }
        if corrected.at >= self.too_old_at() {
            return Err(Rejection::TooOld);
        }
        self.words.taken_over_by(&words)?;
        Ok(Self {
            words,
            tell_until: tell_until(zone, corrected.at),
            version: self.version + 1,
            corrected: Some(corrected),
            ..self
        })
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

    fn museum(text: &str) -> Announcement {
        Announcement {
            id: AnnouncementId::generate(),
            scope: Scope::WholeSchool,
            words: Words { email: None, text: Some(text.to_owned()) },
            sent_at: Timestamp::UNIX_EPOCH,
            sent_by: "person-7".to_owned(),
            tell_until: "2026-11-28T00:00:00Z".parse().unwrap(),
            version: 1,
            corrected: None,
        }
    }

    #[test]
    fn what_nobody_knows_any_more_where_it_was_told_is_corrected_no_more() {
        let at = |at: &str| Corrected { at: at.parse().unwrap(), by: "person-8".to_owned() };
        let correct = |at| museum("On Tuesday").correct(museum("On Friday").words, 1, at, &TimeZone::UTC);
        let second = correct(at("2026-12-11T23:59:59Z")).unwrap();
        assert_eq!(correct(at("2026-12-12T00:00:00Z")), Err(Rejection::TooOld));
        let words = museum("On Monday").words;
        let third = second.correct(words, 2, at("2026-12-12T00:00:00Z"), &TimeZone::UTC);
        assert!(third.is_ok(), "where the correction was told is known for longer: {third:?}");
    }

    #[test]
    fn only_who_has_seen_the_newest_words_corrects_them() {
        let at: Timestamp = "2026-11-24T08:50:00Z".parse().unwrap();
        let by = || Corrected { at, by: "person-8".to_owned() };
        let words = |text: &str| museum(text).words;
        let first = museum("On Tuesday");
        let second = first.clone().correct(words("On Friday"), 1, by(), &TimeZone::UTC).unwrap();
        assert_eq!((second.version, &second.corrected), (2, &Some(by())));
        assert_eq!((second.id, second.sent_at, &second.scope), (first.id, first.sent_at, &first.scope));
        assert_eq!(second.tell_until.to_string(), "2026-11-28T00:00:00Z", "it is told anew");
        assert_eq!(second.correction().announcement, second.fact());
        for seen in [1, 3, 0, -1] {
            let refused = second.clone().correct(words("On Monday"), seen, by(), &TimeZone::UTC);
            assert_eq!(refused, Err(Rejection::CorrectedMeanwhile), "{seen}");
        }
        let back = second.correct(words("On Tuesday"), 2, by(), &TimeZone::UTC).unwrap();
        assert_eq!(back.version, 3, "the first words may be the right ones after all");
    }

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
