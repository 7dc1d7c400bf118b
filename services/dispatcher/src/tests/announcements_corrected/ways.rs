//! By which ways an announcement is corrected, what stops it, and what else it waits for.

use super::*;

#[tokio::test]
async fn who_has_the_wrong_words_by_one_way_only_is_corrected_by_every_way_that_they_were_to_go() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        world.clock.set("2026-11-24T19:30:00Z".parse().unwrap());
        let id = world.announced(lasting(letter(Scope::WholeSchool))).await;
        world.sweep().await;
        world.run();
        // The text waits for the morning when somebody sees the mistake.
        world.until_states(&["held", "accepted"]).await;
        world.announcement_corrected(&id, 2, lasting(on("Friday"))).await;
        world.until_received(2).await;
        world.clock.set("2026-11-25T08:00:00Z".parse().unwrap());
        world.pass(1);
        world.until_received(3).await;
        world.until_quiet().await;
        let received = world.received();
        assert_eq!((received[MAIL].len(), received[MUM].len()), (2, 1), "{received:?}");
        assert!(is_correction(&received[MAIL][1], "Friday") && is_correction(&received[MUM][0], "Friday"));
        assert_eq!(kinds(&world).await.len(), 2, "nobody hears it as news");
        world.end().await;
    }
}

#[tokio::test]
async fn who_stops_it_first_and_corrects_it_then_loses_no_way_by_which_it_was_to_go() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        world.clock.set("2026-11-24T19:30:00Z".parse().unwrap());
        let id = world.announced(lasting(letter(Scope::WholeSchool))).await;
        world.sweep().await;
        world.run();
        // The text waits for the morning when somebody stops it.
        world.until_states(&["held", "accepted"]).await;
        let gathering = world.gatherings().await.remove(0).id;
        assert_eq!(recalled(&world, &gathering).await, (1, 1));
        world.clock.set("2026-11-25T08:00:00Z".parse().unwrap());
        world.pass(1);
        world.until_states(&["recalled", "accepted"]).await;
        world.announcement_corrected(&id, 2, lasting(on("Friday"))).await;
        world.until_received(3).await;
        world.until_quiet().await;
        let received = world.received();
        assert_eq!((received[MAIL].len(), received[MUM].len()), (2, 1), "{received:?}");
        assert!(is_correction(&received[MAIL][1], "Friday") && is_correction(&received[MUM][0], "Friday"));
        world.end().await;
    }
}

#[tokio::test]
async fn whoever_stops_a_correction_stops_it_as_news_too_by_either_of_its_gatherings() {
    for by in ["announcement_correction", "announcement"] {
        for mut world in quiet_worlds().await {
            world.directory.add("Amy", &[parent(&[MUM])]);
            let id = world.announced(letter(Scope::WholeSchool)).await;
            world.sweep().await;
            all_told(&world).await;
            world.directory.add("Ben", &[parent(&[BEN])]);
            corrected(&world, &id, 2, "Friday").await;
            world.sweep().await;
            let gatherings = world.gatherings().await.into_iter().skip(1);
            let gathering = gatherings.filter(|one| one.kind == by).map(|one| one.id).next().unwrap();
            assert_eq!(recalled(&world, &gathering).await, (2, 0), "{by} on {}", world.backend);
            world.run();
            world.until_quiet().await;
            assert!(world.received().is_empty(), "{by} on {}", world.backend);
            // What was told before, in other words, is not a part of it.
            let first = world.gatherings().await.remove(0).id;
            assert_eq!(recalled(&world, &first).await, (0, 1));
            world.end().await;
        }
    }
}

#[tokio::test]
async fn who_asked_for_no_more_where_they_were_told_is_corrected_where_they_still_read() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        all_told(&world).await;
        // Of the first words only the text got through.
        let email = format!("(SELECT id FROM deliveries WHERE address = '{MAIL}')");
        world.meddle(&format!("UPDATE members SET told = FALSE WHERE delivery_id IN {email}")).await;
        world.meddle(&format!("UPDATE deliveries SET state = 'failed' WHERE id IN {email}")).await;
        let stop = "INSERT INTO suppressions (school, address, kind, why, delivery_id, at)";
        let school = world.school;
        world.meddle(&format!("{stop} VALUES ('{school}', '{MUM}', 'opted_out', 'STOP', '', 0)")).await;
        corrected(&world, &id, 2, "Friday").await;
        world.sweep().await;
        world.run();
        world.until_received(1).await;
        world.until_quiet().await;
        assert!(is_correction(&world.received()[MAIL][0], "Friday"), "{:?}", world.received());
        assert_eq!(kinds(&world).await.len(), 2, "nobody hears it as news");
        world.end().await;
    }
}

#[tokio::test]
async fn an_address_that_was_erased_is_no_place_to_correct_anybody() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        all_told(&world).await;
        // Its gathering is erased a moment later.
        world.meddle("UPDATE deliveries SET address = '', erased_at = 1").await;
        corrected(&world, &id, 2, "Friday").await;
        world.sweep().await;
        assert!(world.messages().await[1..].iter().all(|message| message.address == MUM));
        assert_eq!(kinds(&world).await[1], ("announcement_correction".to_owned(), 0), "{}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn what_cannot_be_written_out_holds_up_its_own_correction_only() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        all_told(&world).await;
        let other = world.announced(letter(Scope::WholeSchool)).await;
        let sweep = async || world.planner.as_ref().unwrap().sweep_line(Line::Letters, world.now()).await;
        sweep().await.unwrap();
        world.meddle("UPDATE parts SET body = '{}'").await;
        corrected(&world, &id, 2, "Friday").await;
        sweep().await.unwrap();
        assert_eq!(world.gatherings().await[2].state, "left", "{}", world.backend);
        world.announcement_corrected(&other, 2, on("Friday")).await;
        let _waits = sweep().await;
        assert_eq!(world.gatherings().await[3].state, "open", "{}", world.backend);
        world.end().await;
    }
}
