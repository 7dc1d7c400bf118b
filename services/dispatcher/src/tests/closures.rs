//! A closure: everybody in its scope by text and e-mail, the website at once, and never a word that
//! is no longer true.

use proto::directory::v1::{Link, Restriction};
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::dispatcher::AlertKind;
use proto::events::scheduling::Closure;
use proto::events::scope::Scope;
use proto::ids::ClassId;

use super::said::{open_tomorrow, snow};
use super::*;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

/// A pupil of a class.
fn pupil_of(world: &World, class: ClassId, links: &[Link]) -> PupilId {
    let pupil = world.directory.add("Amy", links);
    world.directory.change(pupil, |pupil| pupil.class_id = class.to_string());
    pupil
}

fn barred_from_the_child(addresses: &[&str]) -> Link {
    Link { restriction: Restriction::NoChildInformation.into(), ..parent(addresses) }
}

fn no_contact(addresses: &[&str]) -> Link {
    Link { restriction: Restriction::NoContact.into(), no_contact: true, ..parent(addresses) }
}

#[tokio::test]
async fn everybody_is_told_by_text_and_e_mail_one_message_for_each_address_and_the_website_at_once() {
    for world in worlds(&Setup::default()).await {
        let mother = parent(&[MUM, MAIL]);
        let father = parent(&[DAD, MAIL]);
        for name in ["Amy", "Ben"] {
            world.directory.add(name, &[mother.clone(), father.clone()]);
        }
        // Nothing runs by itself for this family, and a closure still goes to it.
        let private = world.directory.add("Cem", &[parent(&["+447700900003"])]);
        world.directory.change(private, |pupil| pupil.person_only = true);
        world.closed(snow(Scope::WholeSchool)).await;
        let alerts = world.alerts().await;
        assert_eq!((alerts.len(), alerts[0].kind), (1, AlertKind::Closure));
        assert_eq!(alerts[0].headline, "School is closed on Tuesday 24 November");
        assert!(!alerts[0].body.contains("hall"), "the public is not told where children are");
        assert_eq!(alerts[0].expires_at, said::midnight());
        world.until_all_are_out(4).await;
        let received = world.received();
        assert_eq!(received.keys().collect::<Vec<_>>(), [MUM, DAD, "+447700900003", MAIL]);
        for bodies in received.values() {
            assert_eq!(bodies.len(), 1);
            assert!(bodies[0].contains("closed") && bodies[0].contains("from the hall"), "{bodies:?}");
            assert!(!bodies[0].contains("Amy"));
        }
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn who_may_hear_nothing_gets_nothing_also_not_at_an_address_that_others_use() {
    for world in worlds(&Setup::default()).await {
        let shared = |links: &mut Vec<Link>| {
            for link in links {
                for own in link.addresses.iter_mut().filter(|own| own.value == MAIL) {
                    (own.barred, own.no_contact) = (true, true);
                }
            }
        };
        let amy = world.directory.add("Amy", &[parent(&[MUM, MAIL]), no_contact(&[DAD, MAIL])]);
        world.directory.change(amy, |pupil| shared(&mut pupil.links));
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_all_are_out(1).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MUM]);
        world.until_tasks(&["address_shared"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn who_may_not_know_where_a_child_is_hears_that_the_school_is_closed_and_nothing_of_a_part_of_it() {
    for world in worlds(&Setup::default()).await {
        let class = ClassId::generate();
        let links = [parent(&[MUM]), barred_from_the_child(&[DAD, "dad@example.org"])];
        pupil_of(&world, class, &links);
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_all_are_out(3).await;
        let received = world.received();
        assert!(received[MUM][0].contains("from the hall"));
        for his in [DAD, "dad@example.org"] {
            assert!(received[his][0].contains("closed") && !received[his][0].contains("hall"));
        }
        world.closed(snow(Scope::Classes(vec![class]))).await;
        world.until_all_are_out(4).await;
        assert_eq!(world.received()[MUM].len(), 2);
        assert_eq!(world.received()[DAD].len(), 1);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_part_of_the_school_is_told_and_the_rest_is_not() {
    for world in worlds(&Setup::default()).await {
        let (ash, oak) = (ClassId::generate(), ClassId::generate());
        pupil_of(&world, ash, &[parent(&[MUM])]);
        pupil_of(&world, oak, &[parent(&[DAD])]);
        world.closed(snow(Scope::Classes(vec![ash]))).await;
        world.until_all_are_out(1).await;
        assert!(world.received()[MUM][0].contains("for your child's class or year group"));
        assert!(world.alerts().await[0].headline.starts_with("Part of the school is closed"));
        world.end().await;
    }
}

#[tokio::test]
async fn emergency_contacts_hear_of_it_only_where_the_school_has_chosen_so() {
    for chosen in [false, true] {
        let choices = Choices { emergency_contacts_hear_of_closures: chosen };
        for world in worlds(&Setup { choices, ..Setup::default() }).await {
            let grandmother = Link { emergency_only: true, ..parent(&[DAD]) };
            world.directory.add("Amy", &[parent(&[MUM]), grandmother]);
            world.closed(snow(Scope::WholeSchool)).await;
            world.until_all_are_out(1 + usize::from(chosen)).await;
            assert_eq!(world.received().contains_key(DAD), chosen);
            assert!(world.tasks().await.is_empty());
            world.end().await;
        }
    }
}

fn longer() -> Closure {
    Closure { last_day: date(2026, 11, 25), ..snow(Scope::WholeSchool) }
}

#[tokio::test]
async fn of_a_closure_that_changed_before_it_was_told_only_the_changed_words_leave() {
    for planned in [false, true] {
        for mut world in quiet_worlds().await {
            world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
            let id = world.closed(snow(Scope::WholeSchool)).await;
            if planned {
                world.sweep().await;
                assert_eq!(world.messages().await.len(), 2);
            }
            world.closure_changed(&id, 2, longer()).await;
            world.run();
            world.until_received(2).await;
            world.until_quiet().await;
            for (_, bodies) in world.received() {
                assert_eq!(bodies.len(), 1);
                assert!(bodies[0].contains("now closed from Tuesday 24 November to Wednesday 25 November"));
            }
            let alerts = world.alerts().await;
            assert_eq!(alerts.len(), 2);
            assert!(alerts[1].headline.ends_with("to Wednesday 25 November"));
            // What the bus brings late is no news, for nobody.
            world
                .said(
                    &id,
                    1,
                    proto::events::scheduling::ClosureDeclared { closure: snow(Scope::WholeSchool) },
                )
                .await;
            assert_eq!((world.notices().await.len(), world.alerts().await.len()), (2, 2));
            assert!(world.tasks().await.is_empty());
            world.end().await;
        }
    }
}

#[tokio::test]
async fn after_its_end_no_word_of_a_closure_leaves_and_the_reopening_reads_like_none() {
    for planned in [false, true] {
        for mut world in quiet_worlds().await {
            world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
            let id = world.closed(snow(Scope::WholeSchool)).await;
            if planned {
                world.sweep().await;
            }
            world.said(&id, 2, open_tomorrow(Scope::WholeSchool)).await;
            world.run();
            world.until_received(2).await;
            world.until_quiet().await;
            for (_, bodies) in world.received() {
                assert_eq!(bodies.len(), 1);
                assert!(
                    bodies[0].contains("School is open on Wednesday 25 November")
                        || bodies[0].contains("school is open on Wednesday 25 November")
                );
                assert!(!bodies[0].to_lowercase().contains("clos"));
            }
            let alerts = world.alerts().await;
            assert_eq!((alerts.len(), alerts[1].kind), (2, AlertKind::Reopening));
            world.end().await;
        }
    }
}

#[tokio::test]
async fn one_dead_number_beside_a_mailbox_is_nobody_s_task_and_both_dead_are_the_office_s() {
    for world in worlds(&Setup::default()).await {
        for address in [MUM, DAD, "dad@example.org"] {
            world.dead(address);
        }
        let father = parent(&[DAD, "dad@example.org"]);
        world.directory.add("Amy", &[parent(&[MUM, MAIL]), father.clone()]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_tasks(&["no_working_address", "not_reached"]).await;
        world.until_quiet().await;
        let tasks = world.tasks().await;
        assert!(tasks.iter().all(|task| task.subjects.contains(&father.contact_id) && task.role == "office"));
        assert_eq!(world.messages().await.len(), 4);
        world.end().await;
    }
}

#[tokio::test]
async fn who_cannot_be_reached_about_several_children_is_one_task_and_so_is_who_has_nobody() {
    for world in worlds(&Setup::default()).await {
        let mother = parent(&[MUM]);
        world.dead(MUM);
        for name in ["Amy", "Ben"] {
            world.directory.add(name, std::slice::from_ref(&mother));
        }
        for name in ["Cem", "Dan"] {
            world.directory.add(name, &[]);
        }
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_tasks(&["no_working_address", "nobody_to_tell", "not_reached"]).await;
        world.until_quiet().await;
        let named = world.tasks().await.into_iter().map(|task| {
            let subjects: Vec<String> = serde_json::from_str(&task.subjects).unwrap();
            (task.kind, subjects.len())
        });
        assert_eq!(
            named.collect::<BTreeMap<_, _>>(),
            [("no_working_address", 2), ("nobody_to_tell", 2), ("not_reached", 3)]
                .map(|(kind, subjects)| (kind.to_owned(), subjects))
                .into()
        );
        world.end().await;
    }
}

#[tokio::test]
async fn a_recall_stops_the_messages_and_leaves_the_website_to_the_end_of_the_closure() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        let request = pb::RecallRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::recall_request::What::GatheringId(world.gatherings().await.remove(0).id)),
            why: "the snow melts".to_owned(),
        };
        let answer = world.api.recall(world.request(request)).await.unwrap().into_inner();
        assert_eq!((answer.stopped, answer.had_left, answer.in_the_air), (2, 0, 0));
        world.run();
        world.until_quiet().await;
        assert!(world.messages().await.iter().all(|row| row.state == "recalled" && row.why == "RECALLED"));
        assert!(world.simulator.messages().is_empty() && world.tasks().await.is_empty());
        assert_eq!(world.alerts().await.len(), 1);
        world.end().await;
    }
}

#[tokio::test]
async fn it_is_listed_with_each_pupil_and_explained_to_each_contact() {
    for world in worlds(&Setup::default()).await {
        let (mother, barred) = (parent(&[MUM, MAIL]), no_contact(&[DAD]));
        let amy = world.directory.add("Amy", &[mother.clone(), barred.clone()]);
        world.directory.add("Ben", std::slice::from_ref(&mother));
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_all_are_out(2).await;
        let about =
            |pupil: PupilId| pb::ListNoticesRequest { pupil_id: pupil.to_string(), ..Default::default() };
        let listed = world.api.list_notices(world.request(about(amy))).await.unwrap().into_inner().notices;
        assert_eq!((listed.len(), listed[0].kind.as_str()), (1, "closure_declared"));
        assert!(listed[0].subjects.is_empty());
        let nobody = world.api.list_notices(world.request(about(PupilId::generate()))).await.unwrap();
        assert!(nobody.into_inner().notices.is_empty());
        for (link, expected) in [
            (&mother, vec!["HEARD", "ENTITLED", "DUE", "DUE", "SENT", "SENT", "DELIVERED"]),
            (&barred, vec!["HEARD", "NO_CONTACT"]),
        ] {
            let request =
                pb::ExplainRequest { contact_id: link.contact_id.clone(), notice_id: listed[0].id.clone() };
            let steps = world.api.explain(world.request(request)).await.unwrap().into_inner().steps;
            let mut reasons: Vec<&str> = steps.iter().map(|step| step.reason.as_str()).collect();
            let mut expected = expected;
            reasons.sort_unstable();
            expected.sort_unstable();
            assert_eq!(reasons, expected);
        }
        world.end().await;
    }
}
