//! What a plan writes, and what it does when the world changes under it.

use super::*;
use crate::domain::plan::{Media, Wanted, plan};
use crate::domain::{Matter, NoticeKind, Suppressed, Texts};
use crate::store::gatherings;
use crate::store::plans::{Desk, Outlets, Writing, first};

/// Everything that the first gathering that is due would write, as of now.
async fn decided(world: &World) -> (kit::store::Commit, usize) {
    let ids = gatherings::leaving(&world.store, &NoticeKind::ALL, world.now()).await.unwrap();
    let gathering = gatherings::open(&world.store, &ids[0]).await.unwrap().unwrap();
    let pupils = gathering.pupils();
    let planner = world.planner.as_ref().unwrap();
    let audience = planner.directory.resolve(world.school, &pupils).await.unwrap();
    let wanted = Wanted {
        matter: Matter { kind: gathering.kind, reach: gathering.about.reach(), choices: planner.choices },
        pupils: &pupils,
        audience: &audience,
        media: Media { text: true, email: true },
        texts: Texts::Go,
        suppressed: &Suppressed::none(),
        later: None,
    };
    let plan = plan(&wanted);
    let outlets: &Outlets = &planner.outlets;
    let desk = Desk { store: &world.store, outlets, now: world.now() };
    let writing = Writing { desk, gathering: &gathering, lane: crate::routes::Lane::Normal };
    (first(&writing, &plan).unwrap(), plan.messages.len())
}

#[tokio::test]
async fn deliveries_members_decisions_and_tasks_are_written_as_planned() {
    for world in quiet_worlds().await {
        let (mother, father) = (parent(&["+447700900001"]), parent(&["dad@example.org"]));
        let barred = proto::directory::v1::Link {
            restriction: proto::directory::v1::Restriction::NoChildInformation.into(),
            ..parent(&["+447700900003"])
        };
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone(), barred.clone()]);
        let ben = world.directory.add("Ben", std::slice::from_ref(&mother));
        let alone = world.directory.add("Cem", &[]);
        let private = world.directory.add("Dua", &[parent(&["+447700900004"])]);
        world.directory.change(private, |pupil| pupil.person_only = true);
        for pupil in [amy, ben, alone, private] {
            world.missing(pupil).await;
        }
        world.gathered();
        world.sweep().await;

        let deliveries = world.deliveries().await;
        let routes: Vec<_> = deliveries
            .iter()
            .map(|delivery| (delivery.channel.as_str(), delivery.address.as_str(), delivery.state.as_str()))
            .collect();
        assert_eq!(
            routes,
            [("sms.notify", "+447700900001", "due"), ("email.smtp", "dad@example.org", "due")]
        );
        assert!(
            deliveries.iter().all(|delivery| delivery.valid_until == kit::clock::micros(session_ends_at()))
        );
        let channels = "SELECT COUNT(*) AS number FROM deliveries d JOIN chunks c ON c.id = d.chunk_id \
                        WHERE c.channel = d.channel";
        assert_eq!((world.number(channels).await, world.count("chunks").await), (2, 2));
        let mut members: Vec<_> = world
            .members()
            .await
            .into_iter()
            .map(|member| (member.contact_id, member.pupil_id, member.told))
            .collect();
        members.sort();
        let mut expected = vec![
            (mother.contact_id.clone(), amy.to_string(), false),
            (mother.contact_id.clone(), ben.to_string(), false),
            (father.contact_id.clone(), amy.to_string(), false),
        ];
        expected.sort();
        assert_eq!(members, expected);
        let why = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'NO_CHILD_INFORMATION'";
        assert_eq!(world.number(why).await, 1);
        let tasks: Vec<_> = world.tasks().await.into_iter().map(|task| (task.kind, task.subjects)).collect();
        assert_eq!(
            tasks,
            [
                ("nobody_to_tell".to_owned(), format!("[\"{alone}\"]")),
                ("person_only".to_owned(), format!("[\"{private}\"]")),
            ]
        );
        world.sweep().await;
        assert_eq!((world.deliveries().await.len(), world.tasks().await.len()), (2, 2));
        world.end().await;
    }
}

#[tokio::test]
async fn many_messages_are_cut_into_chunks_that_are_leased_as_a_whole() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &parents(2_500))).await;
        world.gathered();
        world.sweep().await;
        assert_eq!(world.count("deliveries").await, 2_500);
        assert_eq!(world.count("members").await, 2_500);
        assert_eq!(world.count("chunks").await, 3);
        world.end().await;
    }
}

#[tokio::test]
async fn a_plan_that_a_withdrawal_overtook_is_made_again_without_it() {
    for world in quiet_worlds().await {
        let amy = world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.missing(world.directory.add("Ben", &[parent(&["+447700900002"])])).await;
        world.gathered();
        let (commit, messages) = decided(&world).await;
        assert_eq!(messages, 2);
        world.arrived(&amy, 2).await;
        assert!(matches!(world.store.commit(commit).await, Err(kit::store::Error::Conflict)));
        assert_eq!(world.deliveries().await, []);
        assert_eq!(world.gatherings().await[0].state, "open");
        world.sweep().await;
        let addresses: Vec<_> =
            world.deliveries().await.into_iter().map(|delivery| delivery.address).collect();
        assert_eq!(addresses, ["+447700900002"]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_plan_that_another_fact_overtook_is_made_again_with_it() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        let (commit, _) = decided(&world).await;
        world.missing(world.directory.add("Ben", &[parent(&["+447700900001"])])).await;
        assert!(matches!(world.store.commit(commit).await, Err(kit::store::Error::Conflict)));
        world.sweep().await;
        assert_eq!((world.deliveries().await.len(), world.members().await.len()), (1, 2));
        world.end().await;
    }
}

#[tokio::test]
async fn a_gathering_in_which_nothing_holds_any_more_leaves_without_a_word() {
    for world in quiet_worlds().await {
        let amy = world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.arrived(&amy, 2).await;
        world.gathered();
        world.directory.go_away();
        world.sweep().await;
        assert_eq!(world.gatherings().await[0].state, "left");
        assert_eq!((world.deliveries().await.len(), world.tasks().await.len()), (0, 0));
        world.end().await;
    }
}
