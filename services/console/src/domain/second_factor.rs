//! The second factor: a code of six digits from an app, RFC 6238, each good once.

use jiff::Timestamp;
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// Seconds for which a code stands.
const STEP: u64 = 30;

/// The codes of one person.
pub struct Codes(Totp);

impl Codes {
    /// Of a secret of 20 bytes in base32; none when it is not one.
    pub fn of(secret: &str) -> Option<Self> {
        let secret = Secret::try_from_base32(secret).ok()?;
        let codes = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP)
            .with_secret(secret)
            .build();
        codes.ok().map(Self)
    }

    /// The step of a code that is right now and not older than the last one that was used.
    pub fn step_of(&self, code: &str, now: Timestamp, last_used: i64) -> Option<i64> {
        let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let now = u64::try_from(now.as_second()).ok()?;
        let step = i64::try_from(self.0.check(&code, now)?).ok()?;
        (step >= last_used).then_some(step)
    }

    /// The code of a time.
    #[cfg(test)]
    pub fn at(&self, now: Timestamp) -> String {
        self.0.generate(u64::try_from(now.as_second()).unwrap()).to_string()
    }
}

/// A secret of these random bytes, as a person types it into an app.
pub fn secret_of(bytes: [u8; 20]) -> String {
    Secret::from(bytes.to_vec()).to_base32()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_code_is_right_for_its_time_and_never_after_a_later_one() {
        let codes = Codes::of(&secret_of([7; 20])).unwrap();
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let code = codes.at(now);
        let step = codes.step_of(&code, now, 0).unwrap();
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(codes.step_of(&spaced, now, step - 1), Some(step));
        assert_eq!(codes.step_of(&code, now, step), Some(step), "whoever asks decides about the same again");
        assert_eq!(codes.step_of(&code, now, step + 1), None, "an older one");
        assert_eq!(codes.step_of(&code, now + SignedDuration::from_mins(2), 0), None, "too late");
        assert_eq!(codes.step_of("", now, 0), None);
        let next = codes.at(now + SignedDuration::from_secs(30));
        assert_eq!(codes.step_of(&next, now + SignedDuration::from_secs(30), step), Some(step + 1));
    }

    #[test]
    fn what_is_no_secret_gives_no_codes() {
        assert!(Codes::of("not base 32!").is_none());
    }
}
