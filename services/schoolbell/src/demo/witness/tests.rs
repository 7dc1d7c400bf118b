use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use simulator::{Accepted, Entry, Event, Medium, Provider, Will};

use super::*;
use crate::demo::school::{Cast, FILES};

mod a_snowy_day;
mod accidents;
mod closings;
mod good;
mod letters;
mod telling_twice;
mod telling_wrongly;
mod the_barred;
mod the_untold;

const DAY: Date = date(2026, 11, 24);

/// Seconds after the close.
fn at(seconds: f64) -> Timestamp {
    let close: Timestamp = "2026-11-22T17:00:00Z".parse().unwrap();
    close + SignedDuration::from_secs_f64(seconds)
}

/// The demo's morning as it should be, to be broken by tests: the register closes at 0, absences
/// leave together at 3, one pupil comes in at 1 and another at 5.
struct Morning {
    roster: Roster,
    facts: Facts,
    log: Vec<Entry>,
    tasks: Vec<OpenTask>,
    dead: BTreeSet<String>,
}

/// Parts, by the ids of the files.
const MAYA: &str = "pupil-0078";
const ROHAN: &str = "pupil-0262";
const OLIVER: &str = "pupil-0096";
const CHLOE: &str = "pupil-0191";
const ZOFIA: &str = "pupil-0017";
const HAMZA: &str = "pupil-0382";
const ETHAN: &str = "pupil-0277";
const GRACE: &str = "pupil-0174";
const LEO: &str = "pupil-0318";

const PATEL_MOTHER: &str = "+447700900100";
const PATEL_FATHER: &str = "+447700900101";
const HUGHES_MOTHER: &str = "+447700900104";
const BARRED_FATHER: &str = "+447700900105";
const MALIK_MOTHER: &str = "+447700900108";
const MALIK_FATHER: &str = "imran.malik@example.com";
const LEOS_MOTHER: &str = "+447700900115";
const LEOS_FATHER: &str = "+447700900116";
const LEOS_GRANDMOTHER: &str = "+447700900117";

fn missing_since_close(pupil: &str) -> Missing {
    Missing { pupil: pupil.to_owned(), closed_at: at(0.0), reason_known_at: None, arrived_at: None }
}

impl Morning {
    fn good() -> Self {
        let cast = Cast::read().unwrap();
        let mut morning = Self {
            roster: Roster::read(&FILES).unwrap(),
            facts: Facts { missing: cast.missing().map(missing_since_close).collect(), ..Facts::default() },
            log: Vec::new(),
            tasks: Vec::new(),
            dead: cast.dead().collect(),
        };
        morning.pupil(OLIVER).reason_known_at = Some(at(-60.0));
        morning.pupil(ZOFIA).arrived_at = Some(at(1.0));
        morning.pupil(HAMZA).arrived_at = Some(at(5.0));
        for number in [PATEL_MOTHER, PATEL_FATHER] {
            morning.text(3.1, number, &unexplained("Maya and Rohan were"));
        }
        morning.text(3.1, HUGHES_MOTHER, &unexplained("Chloe was"));
        morning.text(3.2, "+447700900113", &unexplained("Grace was"));
        for number in [LEOS_MOTHER, LEOS_FATHER] {
            morning.text(3.2, number, &unexplained("Leo was"));
        }
        for address in [MALIK_MOTHER, MALIK_FATHER] {
            morning.tell(3.3, address, &unexplained("Hamza was"));
        }
        morning.text(3.8, "+447700900114", &unexplained("Grace was"));
        for address in [MALIK_MOTHER, MALIK_FATHER] {
            morning.tell(5.3, address, CORRECTION);
        }
        morning.task(&[ETHAN]);
        morning.task(&["contact-0013", GRACE]);
        morning
    }

    fn pupil(&mut self, pupil: &str) -> &mut Missing {
        self.facts.missing.iter_mut().find(|missing| missing.pupil == pupil).unwrap()
    }

    /// A text at so many seconds, as the outside world would write it down.
    fn text(&mut self, seconds: f64, to: &str, body: &str) {
        let body = format!("{}: {body}", self.roster.school);
        self.accept(seconds, accepted(Medium::Sms, to, body));
    }

    /// By text to a number, by e-mail to a mailbox.
    fn tell(&mut self, seconds: f64, to: &str, body: &str) {
        if to.contains('@') {
            self.mail(seconds, to, &format!("{body}\n\n{}", self.roster.school.clone()));
        } else {
            self.text(seconds, to, body);
        }
    }

    fn mail(&mut self, seconds: f64, to: &str, body: &str) {
        self.accept(seconds, accepted(Medium::Email, to, body.to_owned()));
    }

    fn accept(&mut self, seconds: f64, accepted: Accepted) {
        let seq = self.log.len() as u64 + 1;
        self.log.push(Entry { seq, at: at(seconds), event: Event::Accepted(accepted) });
    }

    /// A task at the end of the day.
    fn task(&mut self, names: &[&str]) {
        self.task_at(60.0, names);
    }

    fn task_at(&mut self, seconds: f64, names: &[&str]) {
        self.task_of("not_reached", seconds, names);
    }

    fn task_of(&mut self, kind: &str, seconds: f64, names: &[&str]) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.tasks.push(OpenTask { kind: kind.to_owned(), names, opened_at: at(seconds) });
    }

    /// As if nothing had been accepted there, or nothing that holds these words.
    fn forget(&mut self, to: &str, words: &str) {
        let before = self.log.len();
        self.log.retain(|entry| {
            entry.accepted().is_none_or(|accepted| accepted.to != to || !accepted.body.contains(words))
        });
        assert!(self.log.len() < before, "there was nothing to forget");
    }

    fn verdict(&self) -> Verdict {
        judge(&Evidence {
            roster: &self.roster,
            day: DAY,
            session: Session::Morning,
            facts: &self.facts,
            log: &self.log,
            tasks: &self.tasks,
            dead: &self.dead,
            gathers_for: SignedDuration::from_secs(3),
            in_the_air: IN_THE_AIR,
        })
    }

    /// How many findings each figure has: told_twice, barred_told, told_wrongly, not_told.
    #[track_caller]
    fn has(&self, expected: [usize; 4]) {
        let verdict = self.verdict();
        assert_eq!(verdict.figures().map(|(_, found)| found.len()), expected, "{verdict:#?}");
    }
}

fn unexplained(who: &str) -> String {
    format!(
        "{who} not in school when the register closed this morning, and we have not yet heard why. \
         Please ring us now on 01632 960001."
    )
}

const CORRECTION: &str = "Hamza is in school. We are sorry for the worry that our earlier message caused. \
                          There is no need to ring us.";

fn accepted(channel: Medium, to: &str, body: String) -> Accepted {
    Accepted {
        channel,
        provider: if channel == Medium::Sms { Provider::Notify } else { Provider::Smtp },
        to: to.to_owned(),
        from: None,
        subject: None,
        body,
        reference: None,
        message_id: None,
        id: String::new(),
        will: Will::Deliver,
    }
}
