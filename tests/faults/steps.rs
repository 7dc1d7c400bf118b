//! The dispatcher holds at a step of three messages on their way, and at that moment one is recalled, the
//! reader of another is barred and the child of the third comes in.

use std::fmt;
use std::time::Duration;

use dispatcher::points;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use kit::clock::Clock;
use kit::faults::{Fault, Point};
use proto::directory::v1::{GetPupilRequest, Restriction, SetRestrictionRequest};
use proto::dispatcher::v1::recall_request::What;
use proto::dispatcher::v1::{NoticeState, RecallRequest, RecallResponse};
use proto::options::v1::Role;
use simulator::Message;
use tests::apart::mortal::{Layout, Shape};
use tests::installation::Backend;
use tests::roster::Contact;
use tests::school::fresh;
use tests::wait::until;
use tests::{Roster, School};

use crate::truth::{has, is_open, untrue};

/// Each has a mother with a phone: the child whose message is recalled, the one whose mother is barred, and
/// the one who comes.
const CHILDREN: [&str; 3] = ["Recalled", "Barred", "Comes"];
const NUMBERS: [&str; 3] = ["+447700900401", "+447700900402", "+447700900403"];
/// Longer than a recall takes.
const HOLDS_FOR: Duration = Duration::from_millis(2_500);
/// No request starts later after the directory was told; and how long a request may take.
const STARTS_WITHIN: SignedDuration = SignedDuration::from_secs(5);
const TAKES: SignedDuration = SignedDuration::from_secs(3);
const LAYOUTS: [Layout; 2] = [
    Layout { backend: Backend::Sqlite, shape: Shape::Whole(1) },
    Layout { backend: Backend::Postgres, shape: Shape::Apart(2) },
];
const AT_ONCE: usize = 5;
/// The task of the safeguarding lead about what left before a restriction was heard.
const LEFT_TOO_LATE: &str = "left_before_restriction";

/// A step, and what is on its way.
#[derive(Clone, Copy)]
struct Step {
    point: Point,
    story: Story,
    layout: Layout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Three children are missing.
    Absences,
    /// A class has a letter, which is sent at most once.
    Letter,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.point.name(), self.story, self.layout)
    }
}

/// What came of it.
#[derive(Debug)]
struct Seen {
    recall: RecallResponse,
    /// Messages that were taken before the recall had answered, and after.
    recalled: [usize; 2],
    /// How long after the directory was told each message to the barred mother was taken.
    barred: Vec<SignedDuration>,
    /// What the mother of the child who came has got.
    came: Vec<String>,
    /// The lead was asked about what left too late, and somebody about the barred mother's child.
    asked: [bool; 2],
    untrue: Vec<String>,
}

fn mailbox(child: &str) -> String {
    // As the directory writes it.
    format!("{}@example.org", child.to_lowercase())
}

impl Step {
    async fn school(&self) -> School {
        let roster = CHILDREN.iter().zip(NUMBERS).fold(Roster::new(), |roster, (child, number)| {
            let mother = Contact::parent(&format!("M{child}")).phone(&format!("0{}", &number[3..]));
            // A letter then has two parts, of which one is written out before the other.
            let is_written_to = self.story == Story::Letter;
            let mother = if is_written_to { mother.email(&mailbox(child)) } else { mother };
            roster.pupil(child, "oak", [mother])
        });
        let fault = |time| Fault {
            service: "dispatcher".to_owned(),
            point: self.point.name().to_owned(),
            time,
            holds_for: Some(HOLDS_FOR),
        };
        // What is a single message's step, each of the three comes to.
        let faults: Vec<Fault> = (1..=3).map(fault).collect();
        School::start_mortal(self.layout, roster, &faults).await
    }

    async fn happens(&self) -> Seen {
        let school = self.school().await;
        match self.story {
            Story::Absences => {
                school.close_without(&CHILDREN).await;
            }
            Story::Letter => {
                school.announces("oak", "The trip is on", "The trip takes place.").await;
            }
        }
        let words = || async { school.mortal().words() };
        until("a hold", words, |words| words.contains("holds at a fault point")).await;
        let (recalled, barred_at, ()) = tokio::join!(
            recall(&school, self.story),
            bar(&school, CHILDREN[1]),
            arrives(&school, self.story)
        );
        let (recall, before) = recalled;
        let messages = rests(&school).await;
        let barred: Vec<SignedDuration> = (messages.iter())
            .filter(|message| message.accepted.to == NUMBERS[1])
            .map(|message| message.at.duration_since(barred_at))
            .collect();
        if barred.iter().any(SignedDuration::is_positive) {
            // A watch looks for what left in those seconds when they are over.
            school.task(LEFT_TOO_LATE).await;
        }
        let tasks = school.tasks().await;
        let to = |number: &str| {
            let number = number.to_owned();
            messages.iter().filter(move |message| message.accepted.to == number)
        };
        let all: Vec<String> = match self.story {
            Story::Absences => vec![NUMBERS[0].to_owned()],
            Story::Letter => NUMBERS.iter().map(ToString::to_string).chain(CHILDREN.map(mailbox)).collect(),
        };
        let of_recalled = messages.iter().filter(|message| all.contains(&message.accepted.to));
        let (early, late): (Vec<&Message>, Vec<&Message>) =
            of_recalled.partition(|message| message.seq <= before);
        let barred_child = school.pupil(CHILDREN[1]);
        let seen = Seen {
            recall,
            recalled: [early.len(), late.len()],
            barred,
            came: to(NUMBERS[2]).map(|message| message.accepted.body.clone()).collect(),
            asked: [
                tasks.iter().any(|task| task.kind == LEFT_TOO_LATE),
                tasks.iter().any(|task| task.subjects.contains(&barred_child)),
            ],
            untrue: untrue(&school.deliveries().await, &messages),
        };
        school.has_put_nothing_aside().await;
        school.stop().await;
        seen
    }
}

/// Recalls the first child's notice; what was answered, and the last that the providers had taken by then.
async fn recall(school: &School, story: Story) -> (RecallResponse, u64) {
    let notices = school.notices().await;
    let child = school.pupil(CHILDREN[0]);
    let about =
        |notice: &&proto::dispatcher::v1::Notice| story == Story::Letter || notice.subjects.contains(&child);
    let notice = notices.iter().find(about).map(|notice| notice.id.clone());
    let request = RecallRequest {
        request_id: fresh(),
        what: Some(What::NoticeId(notice.unwrap())),
        why: "the wrong register was closed".to_owned(),
    };
    let answer = school.dispatcher().recall(school.by(Role::Head, request)).await.unwrap().into_inner();
    (answer, school.phones.messages().last().map_or(0, |message| message.seq))
}

/// Bars the mother of a child; when the directory had been told.
async fn bar(school: &School, child: &str) -> Timestamp {
    let request = GetPupilRequest { pupil_id: school.pupil(child) };
    let pupil = school.directory().get_pupil(school.by(Role::Office, request)).await.unwrap().into_inner();
    let request = SetRestrictionRequest {
        request_id: fresh(),
        pupil_id: school.pupil(child),
        contact_id: pupil.pupil.unwrap().links[0].contact_id.clone(),
        restriction: Restriction::NoContact.into(),
        evidence: "order of this morning".to_owned(),
        ..Default::default()
    };
    let lead = Role::DesignatedSafeguardingLead;
    school.directory().set_restriction(school.by(lead, request)).await.unwrap();
    Clock::system().real()
}

async fn arrives(school: &School, story: Story) {
    if story == Story::Absences {
        school.arrives(CHILDREN[2]).await;
    }
}

/// Waits until nothing moves, and what was told wrongly is corrected.
async fn rests(school: &School) -> Vec<Message> {
    let look = || async {
        let (notices, tasks) = (school.notices().await, school.tasks().await);
        let gathers = notices.iter().any(|notice| notice.state() == NoticeState::Gathering);
        let deliveries = school.deliveries().await;
        let open = deliveries.iter().filter(|delivery| is_open(delivery, &tasks)).count();
        let messages = school.phones.messages();
        let wrong =
            has(&messages, NUMBERS[2], "not in school") && !has(&messages, NUMBERS[2], "is in school");
        (gathers, open, wrong)
    };
    let words = || async { (look().await, school.mortal().words().contains("goes on from a fault point")) };
    until("rest", words, |seen| *seen == ((false, 0, false), true)).await;
    school.phones.messages()
}

/// What is not as it should be.
fn faults_of(step: &Step, seen: &Seen) -> Vec<&'static str> {
    let count = |number: i32| usize::try_from(number).unwrap();
    let (had_left, in_the_air) = (count(seen.recall.had_left), count(seen.recall.in_the_air));
    let [before, after] = seen.recalled;
    let too_late = seen.barred.iter().any(|late| *late > STARTS_WITHIN + TAKES);
    let left_after = seen.barred.iter().any(SignedDuration::is_positive);
    let wrongly = match seen.came.as_slice() {
        [] => false,
        [told, sorry] => !(told.contains("not in school") && sorry.contains("is in school")),
        _ => true,
    };
    let [lead_is_asked, somebody_is_asked] = seen.asked;
    let absences = step.story == Story::Absences;
    [
        (after > in_the_air, "something started after the recall had answered"),
        (had_left > before, "what had not left was said to have"),
        (before + after > had_left + in_the_air, "what left is not named"),
        (too_late, "who is barred was told after five seconds"),
        (left_after && !lead_is_asked, "nobody was asked about what left too late"),
        (absences && seen.barred.is_empty() && !somebody_is_asked, "nobody is asked about the child"),
        (absences && wrongly, "who was told wrongly is not told so, or who was not is"),
        (!seen.untrue.is_empty(), "a delivery is not as it says"),
    ]
    .into_iter()
    .filter_map(|(wrong, what)| wrong.then_some(what))
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_a_restriction_and_an_arrival_hold_at_whichever_step_they_come() {
    let steps = points::ALL.iter().filter(|point| {
        // What comes after the receipt, or only after a failure or an arrival, is no step of these.
        ![points::RECEIPTS_KEPT, points::NEXT_ADDRESS_PLANNED, points::CORRECTION_PLANNED].contains(point)
    });
    let steps = steps.enumerate().map(|(number, point)| {
        let of_letters = [points::START_DURABLE, points::PART_WRITTEN].contains(point);
        let story = if of_letters { Story::Letter } else { Story::Absences };
        Step { point: *point, story, layout: LAYOUTS[number % LAYOUTS.len()] }
    });
    let lives = |step: Step| {
        Box::pin(async move {
            let seen = step.happens().await;
            println!(
                "{step}: {:?}, {:?} taken before and after; barred {:?}; {} to who came",
                seen.recall,
                seen.recalled,
                seen.barred,
                seen.came.len()
            );
            let faults = faults_of(&step, &seen);
            (!faults.is_empty()).then(|| format!("{step}: {faults:?} {seen:#?}"))
        })
    };
    let steps: Vec<Step> = steps.collect();
    let faults = futures::stream::iter(steps).map(lives).buffer_unordered(AT_ONCE);
    let faults: Vec<String> = faults.filter_map(std::future::ready).collect().await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
