//! What only SMTP can do wrong: connections that die, and dialogues left half-way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use simulator::{Behaviour, Failure};
use tokio::time::timeout;

use super::script::{NOTHING, OK, READY, Script, channel};
use crate::channels::contract::{World, fate, leave, now, outgoing, send};
use crate::channels::*;

fn smtp(channels: Vec<Arc<dyn Channel>>) -> Arc<dyn Channel> {
    channels.into_iter().find(|channel| channel.name() == email_smtp::NAME).unwrap()
}

fn open(config: serde_json::Value) -> Arc<dyn Channel> {
    let config: Config = serde_json::from_value(config).unwrap();
    email_smtp::open(&config.email_smtp.unwrap()).unwrap()
}

fn to(mailbox: &str, channel: &dyn Channel) -> Outgoing {
    Outgoing { to: mailbox.to_owned(), ..outgoing(channel) }
}

#[tokio::test]
async fn a_connection_that_drops_after_the_final_dot_leaves_the_fate_unknown() {
    let world = World::start().await;
    let channel = smtp(world.reach().open());
    world.simulator.behave(Behaviour::DropAfterFinalDot { requests: 1 });
    let mail = outgoing(&*channel);
    assert_eq!(fate(&send(&*channel, &mail).await), "unknown ANSWER_LOST");
    assert_eq!(world.simulator.messages().len(), 1, "it was accepted all the same");
    // At least once repeats it, as the same message.
    let Outcome::Accepted { reference } = send(&*channel, &mail).await else { panic!("not accepted") };
    let messages = world.simulator.messages();
    let ids: Vec<_> = messages.iter().filter_map(|message| message.accepted.message_id.as_deref()).collect();
    assert_eq!(ids, [reference.trim_matches(['<', '>']); 2]);
}

#[tokio::test]
async fn a_relay_that_came_back_is_used_through_a_fresh_connection() {
    let world = World::start().await;
    let channel = smtp(world.reach().open());
    let mail = outgoing(&*channel);
    assert_eq!(fate(&send(&*channel, &mail).await), "accepted");
    let world = world.restart().await;
    assert_eq!(fate(&send(&*channel, &mail).await), "accepted");
    assert_eq!(world.simulator.messages().len(), 1, "since the restart");
}

#[tokio::test]
async fn a_refused_recipient_does_not_cost_the_connection_nor_touch_the_next_mail() {
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["connections"] = serde_json::json!(1);
    let channel = open(config);
    let dead = "nobody@example.org";
    world.simulator.behave(Behaviour::Dead { address: dead.to_owned(), failure: Failure::Permanent });
    let full = "full@example.org";
    world.simulator.behave(Behaviour::Dead { address: full.to_owned(), failure: Failure::Temporary });
    let grey = "grey@example.org";
    world.simulator.behave(Behaviour::Greylist { address: grey.to_owned(), attempts: 1 });
    let table = [
        (dead, "reject Recipient ADDRESS_UNKNOWN"),
        ("alive@example.org", "accepted"),
        (full, "retry MAILBOX_FULL"),
        (grey, "retry TRY_LATER"),
        (grey, "accepted"),
    ];
    for (mailbox, expected) in table {
        assert_eq!(fate(&send(&*channel, &to(mailbox, &*channel)).await), expected, "{mailbox}");
    }
    let reached: Vec<_> = world.simulator.messages().into_iter().map(|message| message.accepted.to).collect();
    assert_eq!(reached, ["alive@example.org", grey]);
}

#[tokio::test]
async fn a_sender_that_goes_away_in_the_middle_leaves_no_half_dialogue_behind() {
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["connections"] = serde_json::json!(1);
    let channel = open(config);
    world
        .simulator
        .behave(Behaviour::TimeOutBeforeAccepting { provider: simulator::Provider::Smtp, requests: 1 });
    let abandoned = to("abandoned@example.org", &*channel);
    let waiting = timeout(Duration::from_millis(300), channel.send(&abandoned, &leave(), now())).await;
    assert!(waiting.is_err(), "the relay is silent");
    assert_eq!(fate(&send(&*channel, &to("next@example.org", &*channel)).await), "accepted");
    let reached: Vec<_> = world.simulator.messages().into_iter().map(|message| message.accepted.to).collect();
    assert_eq!(reached, ["next@example.org"]);
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_final_dot_is_tried_once_more_and_then_later() {
    let (channel, listener) = channel("plain").await;
    let moody = async {
        for _ in 0..2 {
            let mut script = Script::accept(&listener, NOTHING).await;
            script.hear("MAIL").await;
        }
    };
    let mail = outgoing(&*channel);
    let (outcome, ()) = tokio::join!(send(&*channel, &mail), moody);
    assert_eq!(fate(&outcome), "retry CONNECTION_LOST");
}

#[tokio::test]
async fn a_bar_that_is_set_while_the_relay_is_slow_keeps_the_message_from_it() {
    // Barred while the relay thinks about the recipient, or about the message that it is offered.
    for barred_at in ["RCPT", "DATA"] {
        let (channel, listener) = channel("plain").await;
        let barred = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&barred);
        let leave = Leave::while_it_holds(move || !seen.load(Ordering::Relaxed));
        let relay = async {
            let mut script = Script::accept(&listener, NOTHING).await;
            for (command, reply) in [("MAIL", OK), ("RCPT", OK), ("DATA", READY)] {
                script.hear(command).await;
                barred.fetch_or(command == barred_at, Ordering::Relaxed);
                script.say(reply).await;
                if command == barred_at {
                    break;
                }
            }
            script
        };
        let mail = outgoing(&*channel);
        let (outcome, script) = tokio::join!(channel.send(&mail, &leave, now()), relay);
        assert_eq!(outcome, Err(NotSent::MayNot), "{barred_at}");
        drop(channel);
        script.sees_us_leave().await;
    }
}

#[tokio::test]
async fn a_farewell_to_an_idle_connection_is_answered_with_a_fresh_one() {
    let (channel, listener) = channel("plain").await;
    let relay = async {
        let mut farewell = Script::accept(&listener, NOTHING).await;
        farewell.hear("MAIL").await;
        farewell.say("421 4.4.2 idle too long\r\n").await;
        let mut welcome = Script::accept(&listener, NOTHING).await;
        for (command, reply) in [("MAIL", OK), ("RCPT", OK), ("DATA", READY)] {
            welcome.hear(command).await;
            welcome.say(reply).await;
        }
        welcome.take().await;
    };
    let mail = outgoing(&*channel);
    let (outcome, ()) = tokio::join!(send(&*channel, &mail), relay);
    assert_eq!(fate(&outcome), "accepted");
}
