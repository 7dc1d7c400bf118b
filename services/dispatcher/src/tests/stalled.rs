//! A provider that hangs holds up its own messages and nobody else's.

use proto::events::scheduling::Closure;
use proto::events::scope::Scope;

use super::said::snow;
use super::*;

#[tokio::test]
async fn while_the_relay_hangs_the_texts_of_the_same_closure_leave_and_those_of_its_change_too() {
    let setup = Setup { answers_within: 8_000, ..Setup::default() };
    for world in worlds(&setup).await {
        let provider = simulator::Provider::Smtp;
        world.simulator.behave(Behaviour::TimeOutBeforeAccepting { provider, requests: 1_000 });
        for number in 0..4 {
            let text = format!("+4477009001{number:02}");
            world.directory.add("Amy", &[parent(&[&text, &format!("family{number}@example.org")])]);
        }
        let id = world.closed(snow(Scope::WholeSchool)).await;
        world.until_received(4).await;
        eventually("the e-mails hang", 4, async || world.api.air.deliveries().len()).await;
        let longer = Closure { last_day: date(2026, 11, 25), ..snow(Scope::WholeSchool) };
        world.closure_changed(&id, 2, longer).await;
        world.until_received(8).await;
        let asked = "SELECT COUNT(*) AS number FROM attempts a JOIN deliveries d ON d.id = a.delivery_id \
                     WHERE d.channel = 'email.smtp'";
        assert_eq!(world.number(asked).await, 0, "no e-mail had an answer yet");
        world.end().await;
    }
}
