//! A fact becomes a notice in a gathering, once, and old news becomes nothing.

use kit::bus::{Raw, Verdict};
use proto::events::absences::Unexplained;
use proto::events::{Event, Fact, subject_of};
use proto::ids::SchoolId;
use tokio::task::JoinSet;

use super::*;

async fn states(world: &World) -> Vec<(String, String)> {
    world.notices().await.into_iter().map(|notice| (notice.state, notice.why)).collect()
}

fn state(state: &str, why: &str) -> (String, String) {
    (state.to_owned(), why.to_owned())
}

#[tokio::test]
async fn notices_of_one_kind_school_and_session_wait_together_and_others_apart() {
    for world in quiet_worlds().await {
        let case = |pupil| Case { subject: CaseId::generate().to_string(), pupil };
        let [amy, ben, cem] = [PupilId::generate(), PupilId::generate(), PupilId::generate()].map(case);
        world.unexplained(&amy, 1).await;
        world.pass(20);
        world.unexplained(&ben, 1).await;
        let mut afternoon = world.unexplained_event(&cem, 1);
        afternoon.data.session = Session::Afternoon;
        world.hear(&afternoon).await.unwrap();
        let mut elsewhere = world.unexplained_event(&amy, 1);
        elsewhere.school = SchoolId::generate();
        world.hear(&elsewhere).await.unwrap();

        let notices = world.notices().await;
        let gathering_of = |at: usize| notices[at].gathering_id.as_str();
        assert_eq!(gathering_of(0), gathering_of(1));
        assert_ne!(gathering_of(0), gathering_of(2));
        assert_ne!(gathering_of(0), gathering_of(3));
        let gatherings = world.gatherings().await;
        assert_eq!(gatherings.len(), 3);
        // The second one does not make the first one wait longer.
        assert_eq!(gatherings[0].leaves_at, gatherings[0].opened_at + GATHERS_FOR * 1_000_000);
        world.end().await;
    }
}

#[tokio::test]
async fn a_fact_after_its_gathering_has_left_starts_another() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        world.sweep().await;
        world.missing(world.directory.add("Ben", &[parent(&["+447700900001"])])).await;
        let states: Vec<String> =
            world.gatherings().await.into_iter().map(|gathering| gathering.state).collect();
        assert_eq!(states, ["left", "open"]);
        world.gathered();
        world.sweep().await;
        assert_eq!(world.deliveries().await.len(), 2);
        world.end().await;
    }
}

#[tokio::test]
async fn a_lower_version_after_a_higher_one_makes_no_notice() {
    for world in quiet_worlds().await {
        let case = Case { subject: CaseId::generate().to_string(), pupil: PupilId::generate() };
        world.unexplained(&case, 3).await;
        world.unexplained(&case, 2).await;
        world.unexplained(&case, 3).await;
        assert_eq!(states(&world).await, [state("gathering", "")]);
        // Old news withdraws nothing either.
        world.arrived(&case, 2).await;
        assert_eq!(states(&world).await, [state("gathering", "")]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_withdrawal_that_is_faster_than_its_fact_keeps_it_from_ever_becoming_a_notice() {
    for world in quiet_worlds().await {
        let case = Case { subject: CaseId::generate().to_string(), pupil: PupilId::generate() };
        world.arrived(&case, 2).await;
        world.unexplained(&case, 1).await;
        assert_eq!(world.notices().await, []);
        assert_eq!(world.gatherings().await, []);
        world.end().await;
    }
}

#[tokio::test]
async fn a_withdrawal_says_why_and_when_and_an_arrival_has_the_last_word() {
    for world in quiet_worlds().await {
        let case = world.missing(PupilId::generate()).await;
        let other = world.missing(PupilId::generate()).await;
        world.pass(5);
        world.explained(&case, 2).await;
        let [notice, unharmed] = world.notices().await.try_into().unwrap();
        assert_eq!((notice.state.as_str(), notice.why.as_str()), ("withdrawn", "EXPLAINED"));
        assert_eq!(notice.withdrawn_at, Some(kit::clock::micros(world.now())));
        assert_eq!(unharmed.state, "gathering");
        world.arrived(&case, 3).await;
        world.arrived(&other, 2).await;
        world.explained(&other, 3).await;
        assert_eq!(states(&world).await, [state("withdrawn", "ARRIVED"), state("withdrawn", "ARRIVED")]);
        // It went again: that is news.
        world.unexplained(&other, 4).await;
        assert_eq!(states(&world).await[2], state("gathering", ""));
        world.end().await;
    }
}

#[tokio::test]
async fn a_replayed_event_has_its_effect_once() {
    for world in quiet_worlds().await {
        let case = Case { subject: CaseId::generate().to_string(), pupil: PupilId::generate() };
        let event = world.unexplained_event(&case, 1);
        for _ in 0..3 {
            world.hear(&event).await.unwrap();
        }
        assert_eq!(world.notices().await.len(), 1);
        assert_eq!(world.count("inbox").await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn an_event_on_the_subject_of_another_school_is_put_aside() {
    for world in quiet_worlds().await {
        let case = Case { subject: CaseId::generate().to_string(), pupil: PupilId::generate() };
        let event: Event<Unexplained> = world.unexplained_event(&case, 1);
        let body = serde_json::to_vec(&event).unwrap();
        let wrong = subject_of(Unexplained::SERVICE, Unexplained::NAME, SchoolId::generate());
        let right = subject_of(Unexplained::SERVICE, Unexplained::NAME, world.school);
        for (subject, body) in
            [(wrong, body), (right.clone(), b"{}".to_vec()), (right, b"not even json".to_vec())]
        {
            let verdict = kit::testing::hear(&world.store, &world.reactions, Raw { subject, body }).await;
            assert!(matches!(verdict, Err(Verdict::Poison(_))), "{verdict:?}");
        }
        assert_eq!(world.notices().await, []);
        world.end().await;
    }
}

#[tokio::test]
async fn facts_that_come_at_the_same_moment_join_one_gathering() {
    for world in quiet_worlds().await {
        let mut hearing = JoinSet::new();
        for _ in 0..20 {
            let case = Case { subject: CaseId::generate().to_string(), pupil: PupilId::generate() };
            let event = world.unexplained_event(&case, 1);
            let (store, reactions) = (world.store.clone(), world.reactions.clone());
            let raw = Raw {
                subject: subject_of("absences", "unexplained", world.school),
                body: serde_json::to_vec(&event).unwrap(),
            };
            hearing.spawn(async move { kit::testing::hear(&store, &reactions, raw).await.unwrap() });
        }
        hearing.join_all().await;
        assert_eq!(world.notices().await.len(), 20);
        assert_eq!(world.gatherings().await.len(), 1);
        world.end().await;
    }
}

/// A fact may come at the very moment in which its gathering leaves: it is in the message, or in
/// the next gathering, and never in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fact_that_meets_its_gathering_leaving_is_never_lost() {
    for world in quiet_worlds().await {
        // Another replica, where the database allows for one.
        let other = world.test.open_again("dispatcher", crate::store::MIGRATIONS).await;
        let hearer = reactions::Hearer {
            store: other.clone(),
            timing: timing(0),
            renderer: Arc::new(crate::render::Renderer::new().unwrap()),
            planner: Arc::default(),
            generation: Arc::default(),
        };
        let reactions = reactions::all(&hearer);
        for _ in 0..40 {
            let mut hearing = JoinSet::new();
            for name in ["Amy", "Ben", "Cem"] {
                let pupil = world.directory.add(name, &[parent(&["+447700900001"])]);
                let case = Case { subject: CaseId::generate().to_string(), pupil };
                let raw = Raw {
                    subject: subject_of("absences", "unexplained", world.school),
                    body: serde_json::to_vec(&world.unexplained_event(&case, 1)).unwrap(),
                };
                let (other, reactions) = (other.clone(), reactions.clone());
                hearing.spawn(async move { kit::testing::hear(&other, &reactions, raw).await.unwrap() });
            }
            while !hearing.is_empty() {
                world.sweep().await;
                hearing.try_join_next();
            }
        }
        world.sweep().await;
        let planned = "SELECT COUNT(*) AS number FROM notices WHERE state = 'planned'";
        let told = "SELECT COUNT(DISTINCT notice_id) AS number FROM members";
        assert_eq!((world.number(planned).await, world.number(told).await), (120, 120), "{}", world.backend);
        other.close().await.unwrap();
        world.end().await;
    }
}
