//! Messages that follow one another without a pause: what belongs to which, whatever breaks in between.
//!
//! The relays here are scripts, which say and expect exactly what is written, and the simulator with everything that it can do wrong.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::join_all;
use simulator::{Behaviour, Failure, Provider};

use super::script::{OK, PIPELINING, READY, Script, channel};
use crate::channels::contract::{World, fate, leave, now, outgoing, send};
use crate::channels::*;

fn to(number: usize, channel: &dyn Channel) -> Outgoing {
    Outgoing {
        to: format!("parent{number}@example.org"),
        key: format!("dlv_{number:032x}"),
        ..outgoing(channel)
    }
}

/// Sends so many at once, in this order.
async fn send_all(channel: &dyn Channel, number: usize) -> Vec<String> {
    let fates = (0..number).map(|number| async move {
        match channel.send(&to(number, channel), &leave(), now()).await {
            Ok(outcome) => fate(&outcome),
            Err(not_sent) => format!("{not_sent:?}"),
        }
    });
    join_all(fates).await
}

#[tokio::test]
async fn the_next_envelope_comes_with_the_end_of_the_message_before_it() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        let envelope = script.hear("DATA").await;
        assert_eq!(envelope.lines().count(), 3, "in one go: {envelope}");
        script.say(&[OK, OK, READY].concat()).await;
        for number in 1..3 {
            script.hear(".\r\n").await;
            // Unanswered so far, and the next is already here.
            let envelope = script.hear("DATA").await;
            let expected =
                format!("MAIL FROM:<office@example.com>\r\nRCPT TO:<parent{number}@example.org>\r\nDATA\r\n");
            assert_eq!(envelope, expected);
            script.say(&[OK, OK, OK, READY].concat()).await;
        }
        let last = script.take().await;
        assert!(last.contains("To: parent2@example.org\r\n"), "{last}");
        script
    };
    let (fates, script) = tokio::join!(send_all(&*channel, 3), relay);
    assert_eq!(fates, ["accepted"; 3]);
    drop(channel);
    script.sees_us_leave().await;
}

#[tokio::test]
async fn a_connection_lost_after_a_final_dot_leaves_that_message_unknown_and_carries_the_next_anew() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        script.hear("DATA").await;
        script.say(&[OK, OK, READY].concat()).await;
        script.hear(".\r\n").await;
        script.hear("DATA").await;
        drop(script);
        let mut script = Script::accept(&listener, PIPELINING).await;
        assert!(script.hear("DATA").await.contains("parent1@"), "only what had not left");
        script.say(&[OK, OK, READY].concat()).await;
        script.take().await;
    };
    let (fates, ()) = tokio::join!(send_all(&*channel, 2), relay);
    assert_eq!(fates, ["unknown ANSWER_LOST", "accepted"]);
}

#[tokio::test]
async fn each_answer_belongs_to_its_own_message() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        script.hear("DATA").await;
        script.say(&[OK, OK, READY].concat()).await;
        // The first is refused at its end, the next at its recipient, whose DATA is refused for that.
        script.hear(".\r\n").await;
        script.hear("DATA").await;
        script
            .say(&["452 4.2.2 full\r\n", OK, "550 5.1.1 nobody\r\n", "503 5.5.1 no recipient\r\n"].concat())
            .await;
        // What was begun is taken back before the third.
        let envelope = script.hear("DATA").await;
        assert!(envelope.starts_with("RSET\r\nMAIL") && envelope.contains("parent2@"), "{envelope}");
        script.say(&[OK, OK, OK, READY].concat()).await;
        script.hear(".\r\n").await;
        script.hear("DATA").await;
        // The fourth's sender is refused, and with it all that follows from it.
        script
            .say(&[OK, "550 5.1.8 who\r\n", "503 5.5.1 MAIL first\r\n", "503 5.5.1 MAIL first\r\n"].concat())
            .await;
        assert!(script.hear("DATA").await.starts_with("RSET\r\n"));
        script.say(&[OK, OK, OK, "451 4.3.0 later\r\n"].concat()).await;
    };
    let (fates, ()) = tokio::join!(send_all(&*channel, 5), relay);
    let expected = [
        "retry MAILBOX_FULL",
        "reject Recipient ADDRESS_UNKNOWN",
        "accepted",
        "reject Configuration SENDER_REFUSED",
        "retry TRY_LATER",
    ];
    assert_eq!(fates, expected);
}

#[tokio::test]
async fn a_relay_that_wants_content_for_nobody_gets_none() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        script.hear("DATA").await;
        script.say(&[OK, "550 5.1.1 nobody\r\n", READY].concat()).await;
        script.sees_us_leave().await;
        let mut script = Script::accept(&listener, PIPELINING).await;
        assert!(script.hear("DATA").await.contains("parent1@"));
        script.say(&[OK, OK, READY].concat()).await;
        script.take().await;
    };
    let (fates, ()) = tokio::join!(send_all(&*channel, 2), relay);
    assert_eq!(fates, ["reject Recipient ADDRESS_UNKNOWN", "accepted"]);
}

#[tokio::test]
async fn a_relay_that_closes_in_between_has_not_taken_what_it_did_not_answer() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        script.hear("DATA").await;
        script.say(&[OK, OK, READY].concat()).await;
        script.hear(".\r\n").await;
        script.hear("DATA").await;
        script.say("421 4.3.2 closing\r\n").await;
        script.sees_us_leave().await;
        let mut script = Script::accept(&listener, PIPELINING).await;
        assert!(script.hear("DATA").await.contains("parent1@"));
        script.say("421 4.3.2 closing\r\n").await;
        script.sees_us_leave().await;
    };
    let (fates, ()) = tokio::join!(send_all(&*channel, 2), relay);
    assert_eq!(fates, ["retry SERVICE_CLOSING"; 2]);
}

#[tokio::test]
async fn nobody_waits_long_behind_a_message_that_the_relay_thinks_about() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        script.hear("DATA").await;
        script.say(&[OK, OK, READY].concat()).await;
        script.hear(".\r\n").await;
        script.hear("DATA").await;
        script
    };
    // The second has gone ahead and the third waits in line; neither was offered any content.
    let (first, second, third) = (to(0, &*channel), to(1, &*channel), to(2, &*channel));
    let leave = leave();
    let thinking = channel.send(&first, &leave, now());
    let others =
        async { tokio::join!(channel.send(&second, &leave, now()), channel.send(&third, &leave, now())) };
    let mut thinking = std::pin::pin!(thinking);
    let (others, mut script) = tokio::select! {
        biased;
        outcome = &mut thinking => panic!("{outcome:?} without an answer"),
        others = async { tokio::join!(others, relay) } => others,
    };
    assert_eq!(others, (Err(NotSent::NoTurn), Err(NotSent::NoTurn)));
    script.say(&[OK, OK, OK, READY].concat()).await;
    assert_eq!(fate(&thinking.await.unwrap()), "accepted");
    script.sees_us_leave().await;
}

#[tokio::test]
async fn a_bar_that_is_set_after_the_envelope_went_ahead_keeps_the_message_back() {
    let (channel, listener) = channel("plain").await;
    let barred = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&barred);
    let may = Leave::while_it_holds(move || !seen.load(std::sync::atomic::Ordering::Relaxed));
    let relay = async {
        let mut script = Script::accept(&listener, PIPELINING).await;
        script.hear("DATA").await;
        script.say(&[OK, OK, READY].concat()).await;
        script.hear(".\r\n").await;
        script.hear("DATA").await;
        barred.store(true, std::sync::atomic::Ordering::Relaxed);
        script.say(&[OK, OK, OK, READY].concat()).await;
        script.sees_us_leave().await;
    };
    let (first, second) = (to(0, &*channel), to(1, &*channel));
    let always = leave();
    let (first, second, ()) =
        tokio::join!(channel.send(&first, &always, now()), channel.send(&second, &may, now()), relay);
    assert_eq!((fate(&first.unwrap()).as_str(), second), ("accepted", Err(NotSent::MayNot)));
}

#[tokio::test]
async fn whatever_the_relay_does_wrong_no_message_is_taken_for_another() {
    const MESSAGES: usize = 400;
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["connections"] = serde_json::json!(4);
    config["email.smtp"]["acceptance_timeout"] = serde_json::json!("300ms");
    let config: Config = serde_json::from_value(config).unwrap();
    let channel = email_smtp::open(&config.email_smtp.unwrap()).unwrap();
    let smtp = Provider::Smtp;
    for _ in 0..6 {
        for behaviour in [
            Behaviour::DropAfterFinalDot { requests: 2 },
            Behaviour::Answer {
                provider: smtp,
                status: 452,
                requests: 3,
                text: Some("4.2.2 full".to_owned()),
            },
            Behaviour::TimeOutAfterAccepting { provider: smtp, requests: 1 },
            Behaviour::Answer {
                provider: smtp,
                status: 421,
                requests: 1,
                text: Some("4.3.2 bye".to_owned()),
            },
            Behaviour::TimeOutBeforeAccepting { provider: smtp, requests: 1 },
            Behaviour::Answer { provider: smtp, status: 554, requests: 2, text: Some("5.6.0 no".to_owned()) },
        ] {
            world.simulator.behave(behaviour);
        }
    }
    for number in (0..MESSAGES).step_by(17) {
        let address = format!("parent{number}@example.org");
        world.simulator.behave(Behaviour::Dead { address, failure: Failure::Permanent });
    }
    // As many at once as the channel bears, and again whose turn did not come, as the sender does it.
    let carried = (0..MESSAGES).map(|number| {
        let channel = &*channel;
        async move {
            loop {
                match channel.send(&to(number, channel), &leave(), now()).await {
                    Ok(outcome) => return fate(&outcome),
                    Err(not_sent) => assert_eq!(not_sent, NotSent::NoTurn),
                }
            }
        }
    });
    let at_once = channel.limits().connections;
    let fates: Vec<String> = futures::stream::iter(carried).buffered(at_once).collect().await;
    let mut taken = vec![0; MESSAGES];
    for message in world.simulator.messages() {
        let key = message.accepted.message_id.unwrap();
        let number = usize::from_str_radix(&key["dlv_".len()..key.find('@').unwrap()], 16).unwrap();
        assert_eq!(message.accepted.to, format!("parent{number}@example.org"));
        taken[number] += 1;
    }
    for (number, (fate, taken)) in fates.iter().zip(&taken).enumerate() {
        let fits = match fate.as_str() {
            "accepted" => *taken == 1,
            fate if fate.starts_with("unknown") => *taken <= 1,
            _ => *taken == 0,
        };
        assert!(fits, "{number} is {fate} and was taken {taken} times");
        let is_dead = number % 17 == 0;
        assert!(is_dead || fate != "reject Recipient ADDRESS_UNKNOWN", "{number} lives");
        assert!(!is_dead || *taken == 0, "{number} is dead");
    }
    for expected in [
        "accepted",
        "unknown ANSWER_LOST",
        "unknown NO_ANSWER",
        "retry MAILBOX_FULL",
        "reject Message MESSAGE_REFUSED",
    ] {
        assert!(fates.iter().any(|fate| fate == expected), "{expected} did not happen");
    }
    assert_eq!(fate(&send(&*channel, &outgoing(&*channel)).await), "accepted");
}
