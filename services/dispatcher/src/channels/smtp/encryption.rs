//! Encryption that is there, that is not, and that is not what it seems.

use std::sync::Arc;

use simulator::{Tls, TlsMode};

use super::script::{STARTTLS, Script, channel};
use crate::channels::contract::{World, fate, outgoing, send};
use crate::channels::*;

fn open(config: serde_json::Value) -> Arc<dyn Channel> {
    let config: Config = serde_json::from_value(config).unwrap();
    email_smtp::open(&config.email_smtp.unwrap()).unwrap()
}

/// A server's configuration and the certificate that a client must trust for it.
fn certificate() -> (Arc<rustls::ServerConfig>, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), issued.cert.pem())
}

#[tokio::test]
async fn encryption_from_the_start_and_by_starttls_carries_mail_and_nothing_goes_without() {
    for (mode, security) in [(TlsMode::Implicit, "tls"), (TlsMode::StartTls, "starttls")] {
        let (config, pem) = certificate();
        let world = World::start_with(|options| options.smtp_tls = Some(Tls { config, mode })).await;
        let mut config = world.reach().config();
        config["email.smtp"]["host"] = serde_json::json!("localhost");
        config["email.smtp"]["security"] = serde_json::json!(security);
        let mistrusting = open(config.clone());
        assert_eq!(fate(&send(&*mistrusting, &outgoing(&*mistrusting)).await), "retry TLS", "{security}");
        assert_eq!(world.simulator.messages().len(), 0);
        config["email.smtp"]["ca_certificates"] = serde_json::json!(pem);
        let channel = open(config);
        assert_eq!(fate(&send(&*channel, &outgoing(&*channel)).await), "accepted", "{security}");
    }
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["host"] = serde_json::json!("localhost");
    config["email.smtp"]["security"] = serde_json::json!("starttls");
    let channel = open(config);
    assert_eq!(fate(&send(&*channel, &outgoing(&*channel)).await), "retry TLS", "a relay without starttls");
    assert_eq!(world.simulator.messages().len(), 0);
}

#[tokio::test]
async fn words_slipped_in_before_the_handshake_end_the_connection() {
    let (channel, listener) = channel("starttls").await;
    let stranger = async {
        let mut script = Script::accept(&listener, STARTTLS).await;
        script.hear("STARTTLS").await;
        script.say("220 go ahead\r\n250 injected\r\n").await;
        // Whoever believed it would now begin a handshake.
        script.sees_us_leave().await;
    };
    let mail = outgoing(&*channel);
    let (outcome, ()) = tokio::join!(send(&*channel, &mail), stranger);
    assert_eq!(fate(&outcome), "retry TLS");
}
