//! One school day under faults: a class of which nobody is in, a head injury, a letter, and a child who
//! comes after all; and what is true of it when nothing moves any more.

use std::sync::Arc;
use std::time::Duration;

use kit::faults::Fault;
use proto::dispatcher::v1::{Delivery, NoticeState};
use proto::incidents::v1::AccidentKind;
use proto::tasks::v1::Task;
use simulator::{Behaviour, Failure, Message};
use tests::apart::mortal::Layout;
use tests::roster::Contact;
use tests::school::stories::account;
use tests::{Roster, School};
use tokio::time::Instant;

use crate::truth::{has, is_open, told_twice, untrue};

/// Children of each of the two classes.
const CHILDREN: usize = 8;
const ABSENT: &str = "oak";
const PRESENT: &str = "elm";
/// Who arrives, whose number is dead, and who has nothing but a dead number.
const ARRIVES: usize = 0;
const DEAD: usize = 1;
const MUTE: usize = 2;
/// Whose father is barred.
const BARRED: usize = 3;
const BARRED_NUMBER: &str = "+447700900399";
const MISSING_WORDS: &str = "not in school";
const SORRY: &str = "is in school";
const HEAD: &str = "ring us";
const LETTER: &str = "The trip is on";
const LETTER_KIND: &str = "announcement";
/// How long a day may take to come to rest, on a busy machine with a lease to be waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// Somebody who is to learn something.
#[derive(Debug)]
struct Owed {
    /// One of these addresses will do.
    addresses: Vec<String>,
    words: &'static str,
    /// Of a child; a person's task about it does as well.
    child: Option<String>,
}

/// What came of a day.
#[derive(Debug, Default)]
pub struct Day {
    /// Who neither learnt what was owed to them nor stands on anybody's list.
    pub lost: Vec<String>,
    /// Messages that said at an address what had been said there.
    pub twice: usize,
    /// Letters that did.
    pub letters_twice: usize,
    /// What the dispatcher says and the outside world denies.
    pub untrue: Vec<String>,
    /// Messages that the outside world took.
    pub messages: usize,
    /// Processes that died.
    pub deaths: usize,
}

fn phone(class: &str, child: usize) -> String {
    format!("07700900{}{child:02}", if class == ABSENT { 1 } else { 2 })
}

fn number(class: &str, child: usize) -> String {
    format!("+44{}", &phone(class, child)[1..])
}

fn mailbox(class: &str, child: usize) -> String {
    format!("{class}{child}@example.org")
}

fn name(class: &str, child: usize) -> String {
    format!("{class}{child}")
}

/// Every mother has a phone, and of the class that is in school a mailbox too; one of the fathers is
/// barred, and one mother of each class has a mailbox beside a number that nobody has any more.
fn roster() -> Roster {
    let mut roster = Roster::new();
    for class in [ABSENT, PRESENT] {
        for child in 0..CHILDREN {
            let mother = Contact::parent(&format!("M{class}{child}")).phone(&phone(class, child));
            let written = class == PRESENT || child == DEAD;
            let mother = if written { mother.email(&mailbox(class, child)) } else { mother };
            let father = Contact::parent("Barred")
                .phone(&format!("0{}", &BARRED_NUMBER[3..]))
                .restricted("no_contact");
            let fathers = (class == ABSENT && child == BARRED).then_some(father);
            roster = roster.pupil(&name(class, child), class, [mother].into_iter().chain(fathers));
        }
    }
    roster
}

/// A day that is lived.
pub struct Cell {
    pub school: School,
}

impl Cell {
    /// The morning of a day on which these faults happen.
    pub async fn begin(layout: Layout, faults: &[Fault]) -> Self {
        let school = School::start_mortal(layout, roster(), faults).await;
        for address in [number(ABSENT, DEAD), number(ABSENT, MUTE), number(PRESENT, DEAD)] {
            let failure = Failure::Permanent;
            school.phones.behave(Behaviour::Dead { address, failure });
        }
        Self { school }
    }

    /// Lives the day; whatever dies is put back.
    pub async fn lives(&self) -> Day {
        let mortal = self.school.mortal();
        let day = async {
            self.everything_happens().await;
            self.comes_to_rest().await
        };
        let day = mortal.meanwhile(day).await;
        Day { deaths: mortal.deaths(), ..day }
    }

    /// The end of the day, on which nothing was put aside.
    pub async fn ends(self) {
        let mortal = Arc::clone(self.school.mortal());
        mortal.meanwhile(self.school.has_put_nothing_aside()).await;
        drop(mortal);
        self.school.stop().await;
    }

    async fn everything_happens(&self) {
        let school = &self.school;
        let absent: Vec<String> = (0..CHILDREN).map(|child| name(ABSENT, child)).collect();
        let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
        school.close_without(&absent).await;
        school.records(&name(PRESENT, 0), account(AccidentKind::HeadInjury, "Fell off a swing")).await;
        school.announces(PRESENT, LETTER, "The trip to the museum takes place.").await;
        let told = |messages: &[Message]| has(messages, &number(ABSENT, ARRIVES), MISSING_WORDS);
        let told = school.phones.wait_until(PATIENCE, told).await;
        assert!(told.is_ok(), "nobody was told; {}", last_words(school));
        school.arrives(&name(ABSENT, ARRIVES)).await;
    }

    fn owed(&self) -> Vec<Owed> {
        let owed = |addresses: Vec<String>, words, child: Option<String>| Owed { addresses, words, child };
        let mut all = Vec::new();
        for child in 0..CHILDREN {
            let pupil = Some(self.school.pupil(&name(ABSENT, child)));
            let (words, mut addresses) = (MISSING_WORDS, vec![number(ABSENT, child)]);
            match child {
                DEAD => addresses = vec![mailbox(ABSENT, child)],
                MUTE => addresses = Vec::new(),
                _ => {}
            }
            all.push(owed(addresses, words, pupil));
            let phone = Some(number(PRESENT, child)).filter(|_| child != DEAD);
            for address in phone.into_iter().chain([mailbox(PRESENT, child)]) {
                let words = if address.contains('@') { "The trip to the museum" } else { LETTER };
                all.push(owed(vec![address], words, None));
            }
        }
        let hurt = self.school.pupil(&name(PRESENT, 0));
        all.push(owed(vec![number(PRESENT, 0)], HEAD, Some(hurt)));
        let came = self.school.pupil(&name(ABSENT, ARRIVES));
        all.push(owed(vec![number(ABSENT, ARRIVES)], SORRY, Some(came)));
        all
    }

    /// Waits until nobody is owed anything and nothing is open, or cannot any longer.
    async fn comes_to_rest(&self) -> Day {
        let (school, deadline) = (&self.school, Instant::now() + PATIENCE);
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            let before = school.phones.messages().len();
            let (tasks, deliveries) = (school.tasks().await, school.deliveries().await);
            let (notices, messages) = (school.notices().await, school.phones.messages());
            let gathers = notices.iter().any(|notice| notice.state() == NoticeState::Gathering);
            let open: Vec<_> = deliveries.iter().filter(|delivery| is_open(delivery, &tasks)).collect();
            let lost = self.lost(&messages, &deliveries, &tasks);
            // What left while we looked belongs to deliveries that we have not seen.
            let rests = lost.is_empty() && open.is_empty() && !gathers && messages.len() == before;
            if rests || Instant::now() >= deadline {
                let mut untrue = untrue(&deliveries, &messages);
                let barred = messages.iter().filter(|message| message.accepted.to == BARRED_NUMBER);
                untrue.extend(barred.map(|message| format!("who is barred was told: {}", message.seq)));
                if !rests {
                    untrue.push(format!("open: {open:#?}, gathering: {gathers}; {}", last_words(school)));
                }
                let twice = |letters| told_twice(&messages, letters);
                let (twice, letters_twice) = (twice(false), twice(true));
                return Day { lost, twice, letters_twice, untrue, messages: messages.len(), deaths: 0 };
            }
        }
    }

    fn lost(&self, messages: &[Message], deliveries: &[Delivery], tasks: &[Task]) -> Vec<String> {
        let asked = |id: &String| tasks.iter().any(|task| task.subjects.contains(id));
        let unclear = |address: &String| {
            let letters = deliveries.iter().filter(|delivery| delivery.kind == LETTER_KIND);
            letters.filter(|delivery| delivery.address == *address).any(|delivery| asked(&delivery.id))
        };
        let reached = |owed: &Owed| {
            let told = owed.addresses.iter().any(|address| has(messages, address, owed.words));
            told || match &owed.child {
                Some(child) if owed.words == HEAD => {
                    let reached = |task: &&Task| task.kind != "ring_about_head_injury";
                    tasks.iter().filter(reached).any(|task| task.subjects.contains(child))
                }
                Some(child) => asked(child),
                None => owed.addresses.iter().any(unclear),
            }
        };
        self.owed().iter().filter(|owed| !reached(owed)).map(|owed| format!("{owed:?}")).collect()
    }
}

fn last_words(school: &School) -> String {
    let words = school.mortal().words();
    let last: Vec<&str> = words.lines().rev().filter(|line| !line.contains("\"INFO\"")).take(15).collect();
    last.join("\n")
}
