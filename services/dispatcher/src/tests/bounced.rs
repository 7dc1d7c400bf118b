//! What comes back as mail: bounces of mails that had been accepted, and all that is no bounce.

use simulator::{Event, Returns, Travel};

use super::*;

const MAIL: &str = "mum@example.org";
const ONE: &str = "+447700900001";
const SOON: Duration = Duration::from_secs(20);

fn bounces(world: &World, returns: Returns) {
    world.simulator.behave(Behaviour::Bounces { address: MAIL.to_owned(), returns });
}

async fn until_reports(world: &World, number: usize) {
    let reports = |entries: &[simulator::Entry]| {
        entries
            .iter()
            .filter(|entry| matches!(&entry.event, Event::Receipt(receipt) if receipt.answered == Some(200)))
            .count()
    };
    world.simulator.wait_until_logged(SOON, |entries| reports(entries) == number).await.unwrap();
}

#[tokio::test]
async fn a_mail_that_bounces_is_followed_by_the_next_address_and_said_so() {
    for world in worlds(&Setup::default()).await {
        bounces(&world, Returns::NoSuchMailbox);
        let mother = parent(&[MAIL, ONE]);
        world.missing(world.directory.add("Amy", std::slice::from_ref(&mother))).await;
        world.gathered();
        world.until_states(&["failed", "delivered"]).await;
        world.until_quiet().await;
        assert_eq!(world.deliveries().await[0].why, "PERMANENT_FAILURE");
        let told: Vec<bool> = world.members().await.into_iter().map(|member| member.told).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 1, "by the text only");
        assert!(world.tasks().await.is_empty());
        let kept = "SELECT COUNT(*) AS number FROM receipts WHERE channel = 'email.smtp' AND status = 'PERMANENT_FAILURE'";
        assert_eq!(world.number(kept).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn a_mail_that_bounces_at_the_last_address_is_a_persons_task_whoever_gave_up_and_why() {
    for (returns, why, tasks) in [
        (Returns::NoSuchMailbox, "PERMANENT_FAILURE", ["no_working_address", "not_reached"].as_slice()),
        (Returns::GivenUp, "TEMPORARY_FAILURE", &["not_reached"]),
    ] {
        for world in worlds(&Setup::default()).await {
            bounces(&world, returns);
            world.missing(world.directory.add("Amy", &[parent(&[MAIL])])).await;
            world.gathered();
            world.until_tasks(tasks).await;
            world.until_quiet().await;
            assert_eq!(world.fates().await, [("failed".to_owned(), why.to_owned())]);
            assert!(world.members().await.iter().all(|member| !member.told));
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_mail_that_is_late_is_written_down_and_nothing_else() {
    for world in worlds(&Setup::default()).await {
        bounces(&world, Returns::Delayed);
        world.missing(world.directory.add("Amy", &[parent(&[MAIL, ONE])])).await;
        world.gathered();
        until_reports(&world, 1).await;
        world.until_states(&["accepted"]).await;
        world.until_quiet().await;
        assert_eq!(world.number("SELECT COUNT(*) AS number FROM receipts WHERE status = 'DELAYED'").await, 1);
        assert!(world.members().await.iter().all(|member| member.told));
        world.end().await;
    }
}

#[tokio::test]
async fn a_bounce_that_comes_days_later_and_twice_makes_one_step() {
    for world in worlds(&Setup::default()).await {
        bounces(&world, Returns::NoSuchMailbox);
        world.simulator.behave(Behaviour::Receipts { travel: Travel::Withheld });
        world.missing(world.directory.add("Amy", &[parent(&[MAIL, ONE])])).await;
        world.gathered();
        world.until_states(&["accepted"]).await;
        world.pass(PATIENCE);
        world.until_quiet().await;
        assert_eq!(world.deliveries().await.len(), 1, "a mail has no receipt to wait for");
        world.simulator.behave(Behaviour::NoReceipt { address: ONE.to_owned() });
        world.simulator.behave(Behaviour::Receipts { travel: Travel::Twice });
        until_reports(&world, 2).await;
        world.until_states(&["failed", "accepted"]).await;
        world.until_quiet().await;
        assert_eq!(world.count("receipts").await, 1);
        assert_eq!(world.simulator.messages().len(), 2);
        world.end().await;
    }
}

fn report(to: &str, status: &str) -> String {
    format!(
        "From: mailer-daemon@example.com\r\nTo: {to}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n\
         Final-Recipient: rfc822; {MAIL}\r\nAction: failed\r\nStatus: {status}\r\n\r\n--b--\r\n"
    )
}

async fn post(world: &World, token: &str, mail: impl Into<reqwest::Body>) -> (u16, String) {
    let request = channels::http_client().unwrap().post(&world.bounces).bearer_auth(token);
    let answer = request.header("content-type", "message/rfc822").body(mail).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A world with a mail that was accepted, and its return address.
async fn accepted(world: &World) -> String {
    world.missing(world.directory.add("Amy", &[parent(&[MAIL, ONE])])).await;
    world.gathered();
    world.sweep().await;
    world.meddle("UPDATE deliveries SET state = 'accepted', why = 'SENT', chunk_id = NULL").await;
    world.meddle("UPDATE members SET told = TRUE").await;
    world.meddle("DELETE FROM chunks").await;
    return_path(BOUNCES_TOKEN).of(&world.deliveries().await[0].id).unwrap().to_string()
}

#[tokio::test]
async fn what_is_no_bounce_of_ours_changes_nothing_and_is_answered_with_the_reason() {
    for world in quiet_worlds().await {
        let address = accepted(&world).await;
        let id = world.deliveries().await[0].id.clone();
        let forged = return_path("another-token-of-bounces").of(&id).unwrap().to_string();
        let away =
            format!("To: {address}\r\nAuto-Submitted: auto-replied\r\n\r\nI am away. Status: 5.1.1\r\n");
        let markup =
            format!("To: {address}\r\nContent-Type: text/html\r\n\r\n<script>alert('5.1.1')</script>\r\n");
        for (mail, why) in [
            (report(&forged, "5.1.1"), "ignored: to a return address that was not written here\n"),
            (report(BOUNCES, "5.1.1"), "ignored: not to a return address\n"),
            (report("office@example.org", "5.1.1"), "ignored: not to a return address\n"),
            (away, "ignored: no delivery report\n"),
            (markup, "ignored: no delivery report\n"),
            (
                report(&address, "2.1.5").replace("failed", "delivered"),
                "ignored: a delivery report without a failure or a delay\n",
            ),
            (String::new(), "ignored: not a mail\n"),
        ] {
            assert_eq!(post(&world, BOUNCES_TOKEN, mail.clone()).await, (200, why.to_owned()), "{mail}");
        }
        assert_eq!(post(&world, BOUNCES_TOKEN, vec![0xff; 500_000]).await.0, 200);
        for token in ["", TOKEN, "the-token-of-bounces2"] {
            assert_eq!(post(&world, token, report(&address, "5.1.1")).await.0, 401);
        }
        assert_eq!(post(&world, BOUNCES_TOKEN, vec![b' '; 1024 * 1024 + 1]).await.0, 413);
        assert_eq!(world.fates().await, [("accepted".to_owned(), "SENT".to_owned())]);
        assert_eq!((world.count("receipts").await, world.count("dead_letters").await), (0, 0));

        assert_eq!(post(&world, BOUNCES_TOKEN, report(&address, "5.7.1")).await, (200, "taken\n".to_owned()));
        assert_eq!(world.fates().await, [("failed".to_owned(), "BOUNCED".to_owned())]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_bounce_of_a_message_that_was_lost_here_is_put_aside_without_a_word_of_the_mail() {
    for world in quiet_worlds().await {
        let address = accepted(&world).await;
        let id = world.deliveries().await[0].id.clone();
        world.meddle("UPDATE deliveries SET id = 'dlv_elsewhere'").await;
        for _ in 0..2 {
            let taken = (200, "taken\n".to_owned());
            assert_eq!(post(&world, BOUNCES_TOKEN, report(&address, "5.1.1")).await, taken);
        }
        assert_eq!(world.count("dead_letters").await, 1);
        let dead = rows_of_dead_letters(&world).await;
        assert!(dead.contains(&id) && !dead.contains('@'), "{dead}");
        world.end().await;
    }
}

async fn rows_of_dead_letters(world: &World) -> String {
    let row = world.store.read().query_one_raw(world.statement("SELECT body, why FROM dead_letters")).await;
    let row = row.unwrap().unwrap();
    let body: Vec<u8> = row.try_get("", "body").unwrap();
    format!("{} {}", String::from_utf8(body).unwrap(), row.try_get::<String>("", "why").unwrap())
}

#[tokio::test]
async fn while_the_store_is_away_the_mail_server_is_asked_to_try_again() {
    for world in quiet_worlds().await {
        let address = accepted(&world).await;
        world.store.close().await.unwrap();
        assert_eq!(post(&world, BOUNCES_TOKEN, report(&address, "5.1.1")).await.0, 503);
        assert_eq!(post(&world, BOUNCES_TOKEN, "nonsense").await.0, 200, "what is not kept needs no store");
        world.end().await;
    }
}
