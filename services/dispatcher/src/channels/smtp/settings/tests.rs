//! What the settings may not say, and that the refusal names the key only.

use crate::channels::contract::World;
use crate::channels::{Config, email_smtp};

#[tokio::test]
async fn settings_that_cannot_hold_are_named_without_their_values() {
    let world = World::start().await;
    let key = include_str!("../dkim/rsa.pem");
    let dkim = |selector: &str, key: &str| serde_json::json!({ "selector": selector, "domain": "example.org", "private_key": key });
    let bounces = |mailbox: &str, token: &str| serde_json::json!({ "mailbox": mailbox, "token": token });
    let (good, short) = ("bounces@mail.example.org", "secret-words");
    let table = [
        ("dkim", dkim("s1", key), None),
        ("dkim", dkim("s1; t=y", key), Some("dkim.selector is not a domain in ascii letters")),
        (
            "dkim",
            dkim("s1", "secret-words"),
            Some("dkim.private_key is no rsa key of 2048 bits or more and no ed25519 key in pem"),
        ),
        ("bounces", bounces(good, "secret-words-of-a-good-length"), None),
        ("bounces", bounces(good, short), Some("bounces.token has fewer than 16 letters")),
        (
            "bounces",
            bounces("secret-words", short),
            Some("bounces.mailbox is not a mailbox in ascii letters"),
        ),
        (
            "bounces",
            bounces("bounces-of-hillside@example.org", "secret-words-of-a-good-length"),
            Some("bounces.mailbox has more than 10 letters before the @"),
        ),
        ("unsubscribe", serde_json::json!("mailto:office@example.org?subject=No%20more"), None),
        (
            "unsubscribe",
            serde_json::json!("https://example.org/stop"),
            Some("unsubscribe is not a mailto: address"),
        ),
        (
            "unsubscribe",
            serde_json::json!("mailto:a@example.org>\r\nBcc: b"),
            Some("unsubscribe is not a mailto: address"),
        ),
    ];
    let opened = |config: serde_json::Value| {
        let config: Config = serde_json::from_value(config).unwrap();
        email_smtp::open(&config.email_smtp.unwrap()).map(drop).map_err(|error| error.to_string())
    };
    for (key, value, expected) in table {
        let mut config = world.reach().config();
        config["email.smtp"][key] = value;
        let expected = expected.map_or(Ok(()), |why| Err(format!("channel email.smtp: {why}")));
        assert_eq!(opened(config), expected);
    }
    let mut config = world.reach().config();
    config["email.smtp"]["bounces"] = bounces(good, "secret-words-of-a-good-length");
    config["email.smtp"]["envelope_from"] = serde_json::json!("office@example.org");
    assert_eq!(
        opened(config).unwrap_err(),
        "channel email.smtp: envelope_from is set beside bounces.mailbox"
    );
}
