//! A preview says what would be sent, and sends nothing.

use std::collections::BTreeSet;

use proto::directory::v1::{Audience, Link, Restriction};
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::dispatcher::v1::preview_request::Words;
use proto::events::scope::Scope;
use proto::ids::ClassId;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::said::{letter, snow};
use super::*;

async fn preview(world: &World, request: pb::PreviewRequest) -> Result<pb::PreviewResponse, Status> {
    Ok(world.api.preview(world.request(request)).await?.into_inner())
}

fn of(kind: &str, scope: &Scope) -> pb::PreviewRequest {
    pb::PreviewRequest {
        kind: kind.to_owned(),
        audience: Some(scope.audience()),
        by_text: true,
        by_email: true,
        words: None,
    }
}

/// A class with everybody in it whom a count could get wrong.
fn school(world: &World) -> (ClassId, PupilId) {
    let class = ClassId::generate();
    let barred = Link { restriction: Restriction::NoChildInformation.into(), ..parent(&["+447700900003"]) };
    let nothing =
        Link { restriction: Restriction::NoContact.into(), no_contact: true, ..parent(&["+447700900004"]) };
    let grandmother = Link { emergency_only: true, ..parent(&["+447700900005"]) };
    let landline = parent(&["+441632960001"]);
    let family = [
        parent(&["+447700900001", "family@example.org"]),
        parent(&["+447700900002", "Family@Example.org"]),
        barred,
        nothing,
        grandmother.clone(),
        landline,
    ];
    let pupils = [
        world.directory.add("Amy", &family),
        world.directory.add("Ben", &family),
        world.directory.add("Cem", &[grandmother]),
    ];
    for pupil in pupils {
        world.directory.change(pupil, |pupil| pupil.class_id = class.to_string());
    }
    world.directory.add("Dua", &[parent(&["dua@example.org"])]);
    (class, pupils[2])
}

/// What was planned since: texts, e-mails, contacts.
async fn planned(world: &World) -> (i32, i32, i32) {
    let deliveries = world.messages().await;
    let members = world.members().await;
    let by = |channel: &str| deliveries.iter().filter(|row| row.channel == channel).count();
    let contacts: BTreeSet<_> = members.iter().map(|member| &member.contact_id).collect();
    let [texts, emails, contacts] =
        [by("sms.notify"), by("email.smtp"), contacts.len()].map(|number| i32::try_from(number).unwrap());
    (texts, emails, contacts)
}

#[tokio::test]
async fn its_counts_are_those_of_what_is_sent_then() {
    for part in [false, true] {
        for kind in ["closure_declared", "announcement"] {
            for world in quiet_worlds().await {
                let (class, alone) = school(&world);
                let scope = if part { Scope::Classes(vec![class]) } else { Scope::WholeSchool };
                let said = preview(&world, of(kind, &scope)).await.unwrap();
                assert!(world.notices().await.is_empty() && world.deliveries().await.is_empty());
                if kind == "announcement" {
                    world.announced(letter(scope)).await;
                } else {
                    world.closed(snow(scope)).await;
                }
                world.sweep().await;
                assert_eq!((said.texts, said.emails, said.contacts), planned(&world).await, "{kind}");
                assert_eq!(said.pupils, if part { 3 } else { 4 });
                assert_eq!(said.nobody_to_tell, [alone.to_string()]);
                let everybody = if part { 6 } else { 7 };
                let skipped: i32 = said.skipped.iter().map(|skipped| skipped.contacts).sum();
                assert_eq!(said.contacts + skipped, everybody, "{said:?}");
                let why = |reason: &str| said.skipped.iter().any(|skipped| skipped.reason == reason);
                assert!(why("NO_CONTACT") && why("EMERGENCY_ONLY") && why("NO_ADDRESS"), "{said:?}");
                assert_eq!(why("NO_CHILD_INFORMATION"), part);
                let looked = "SELECT COUNT(*) AS number FROM audit WHERE rpc = 'Preview'";
                assert_eq!(world.number(looked).await, 1);
                world.end().await;
            }
        }
    }
}

#[tokio::test]
async fn the_media_of_an_announcement_are_those_that_were_chosen() {
    for world in quiet_worlds().await {
        school(&world);
        let everybody = of("announcement", &Scope::WholeSchool);
        let texts =
            preview(&world, pb::PreviewRequest { by_email: false, ..everybody.clone() }).await.unwrap();
        assert_eq!((texts.texts, texts.emails), (3, 0));
        let emails = preview(&world, pb::PreviewRequest { by_text: false, ..everybody }).await.unwrap();
        assert_eq!((emails.texts, emails.emails), (0, 2));
        world.end().await;
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_a_directory_that_is_away_is_said_to_be() {
    for world in quiet_worlds().await {
        let whole = Scope::WholeSchool;
        let silent = pb::PreviewRequest { by_text: false, by_email: false, ..of("announcement", &whole) };
        let nobody = pb::PreviewRequest { audience: None, ..of("announcement", &whole) };
        let empty =
            pb::PreviewRequest { audience: Some(Audience::default()), ..of("closure_declared", &whole) };
        let none = of("announcement", &Scope::Classes(Vec::new()));
        for (request, reason) in [
            (of("absence_unexplained", &whole), "UNKNOWN_KIND"),
            (of("snow", &whole), "UNKNOWN_KIND"),
            (silent, "REQUIRED"),
            (nobody, "INVALID_AUDIENCE"),
            (empty, "INVALID_AUDIENCE"),
            (none, "INVALID_AUDIENCE"),
        ] {
            let refused = preview(&world, request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert_eq!(refused.get_error_details().error_info().unwrap().reason, reason);
        }
        world.directory.go_away();
        let refused = preview(&world, of("announcement", &whole)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(refused.get_error_details().error_info().unwrap().reason, "DIRECTORY_UNAVAILABLE");
        world.end().await;
    }
}

/// A letter by text only, to everybody.
fn letter_of(words: &str) -> pb::PreviewRequest {
    let everybody = of("announcement", &Scope::WholeSchool);
    pb::PreviewRequest { by_email: false, words: Some(Words::Text(words.to_owned())), ..everybody }
}

#[tokio::test]
async fn the_size_and_the_cost_of_texts_are_those_of_what_is_handed_to_the_provider() {
    let setup = Setup { runs: Runs::Nothing, costs: Some((23_700, 1)), ..Setup::default() };
    for world in worlds(&setup).await {
        school(&world);
        let service = simulator::NotifyOptions::default().service_name;
        let prefix = service.chars().count() + 2;
        for (words, encoding, of_each) in [
            ("A packed lunch tomorrow, please.".to_owned(), pb::TextEncoding::Gsm7, 1),
            ("a".repeat(160 - prefix), pb::TextEncoding::Gsm7, 1),
            ("a".repeat(161 - prefix), pb::TextEncoding::Gsm7, 2),
            ("ŵ".repeat(70 - prefix), pb::TextEncoding::Ucs2, 1),
            ("ŵ".repeat(71 - prefix), pb::TextEncoding::Ucs2, 2),
        ] {
            let said = preview(&world, letter_of(&words)).await.unwrap();
            let size = said.text_size.unwrap();
            assert_eq!((size.encoding(), size.fragments), (encoding, of_each), "{words}");
            assert_eq!(size.characters, i32::try_from(words.chars().count() + prefix).unwrap());
            let fragments = i64::from(said.texts * of_each);
            assert_eq!((said.fragments, said.cost_micropounds), (fragments, Some((fragments - 1) * 23_700)));
        }
        let letter = preview(&world, letter_of("A packed lunch tomorrow, please.")).await.unwrap();
        let kind = "announcement_correction".to_owned();
        let corrects = pb::PreviewRequest { kind, ..letter_of("A packed lunch tomorrow, please.") };
        let correction = preview(&world, corrects).await.unwrap();
        assert_eq!((correction.texts, correction.contacts), (letter.texts, letter.contacts));
        let more = correction.text_size.unwrap().characters - letter.text_size.unwrap().characters;
        assert_eq!(more, 35, "what says that it is a correction is counted too");
        let silent = preview(&world, of("announcement", &Scope::WholeSchool)).await.unwrap();
        assert_eq!((silent.text_size, silent.fragments, silent.cost_micropounds), (None, 0, None));
        world.end().await;
    }
}

#[tokio::test]
async fn who_may_not_know_where_children_are_is_counted_with_the_shorter_text() {
    for world in quiet_worlds().await {
        school(&world);
        let words = pb::ClosureWords {
            first_day: "2026-11-24".to_owned(),
            last_day: "2026-11-24".to_owned(),
            reason: "heavy snow".to_owned(),
            collection: "c".repeat(160),
            ..Default::default()
        };
        let closing = |words| pb::PreviewRequest {
            words: Some(Words::Closure(words)),
            ..of("closure_declared", &Scope::WholeSchool)
        };
        let whole = preview(&world, closing(words.clone())).await.unwrap();
        // Two parents and one who is barred from what is about the child.
        assert_eq!((whole.texts, whole.text_size.unwrap().fragments, whole.fragments), (3, 2, 2 + 2 + 1));
        assert_eq!(whole.cost_micropounds, None, "nobody has said what a fragment costs");
        let short = pb::ClosureWords { collection: String::new(), ..words };
        assert_eq!(preview(&world, closing(short)).await.unwrap().fragments, 3);
        let opens = pb::PreviewRequest {
            words: Some(Words::OpenOn("2026-11-25".to_owned())),
            ..of("reopening", &Scope::WholeSchool)
        };
        assert_eq!(preview(&world, opens).await.unwrap().fragments, 3);
        world.end().await;
    }
}

#[tokio::test]
async fn words_that_no_text_can_carry_or_that_are_of_another_kind_are_refused() {
    for world in quiet_worlds().await {
        school(&world);
        let closing = of("closure_declared", &Scope::WholeSchool);
        let snow = pb::ClosureWords { first_day: "tomorrow".to_owned(), ..Default::default() };
        for (request, reason) in [
            (letter_of(&"a".repeat(1_600)), "TOO_LONG"),
            (letter_of(&"…".repeat(300)), "TOO_LONG"),
            (
                pb::PreviewRequest { words: Some(Words::Text("Snow".to_owned())), ..closing.clone() },
                "WRONG_WORDS",
            ),
            (pb::PreviewRequest { words: Some(Words::Closure(snow)), ..closing }, "INVALID_DATE"),
        ] {
            let refused = preview(&world, request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert_eq!(refused.get_error_details().error_info().unwrap().reason, reason);
        }
        world.end().await;
    }
}

#[tokio::test]
async fn what_would_wait_for_the_morning_and_how_long_the_provider_takes_are_said() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &parents(2_500));
        let said = preview(&world, letter_of("Snow boots, please.")).await.unwrap();
        // A thousand at once, and a thousand in a second.
        assert_eq!((said.texts, said.held_texts, said.held_until, said.takes_seconds), (2_500, 0, None, 2));
        world.clock.set("2026-11-24T20:00:00Z".parse().unwrap());
        let said = preview(&world, letter_of("Snow boots, please.")).await.unwrap();
        let morning: Timestamp = "2026-11-25T08:00:00Z".parse().unwrap();
        assert_eq!((said.texts, said.held_texts), (2_500, 2_500));
        assert_eq!(said.held_until.unwrap().seconds, morning.as_second());
        let closing = preview(&world, of("closure_declared", &Scope::WholeSchool)).await.unwrap();
        assert_eq!((closing.held_texts, closing.held_until), (0, None));
        world.end().await;
    }
}
