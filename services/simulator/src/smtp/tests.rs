//! The dialogue over a real socket, spoken byte by byte.

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufStream,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    Behaviour, Event, Failure, Login, Options, Provider, ReceiptsTo, Returns, Simulator, Tls, TlsMode, Will,
    start,
};

const SOON: Duration = Duration::from_secs(10);

struct Talk<S>(BufStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    async fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let read =
                tokio::time::timeout(SOON, self.0.read_line(&mut reply)).await.expect("a reply in time");
            if read.unwrap() == 0 || reply.as_bytes().get(start + 3) != Some(&b'-') {
                return reply.trim_end().to_owned();
            }
        }
    }

    async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Says each line and checks how the reply begins.
    async fn dialogue(&mut self, turns: &[(&str, &str)]) {
        for (line, expected) in turns {
            self.send(&format!("{line}\r\n")).await;
            let reply = self.hear().await;
            assert!(reply.starts_with(expected), "{line:?} was answered {reply:?}, not {expected:?}");
        }
    }
}

async fn world(options: impl FnOnce(Options) -> Options) -> (Simulator, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let simulator = start(options(Options::new(folder.path().join("witness.jsonl")))).await.unwrap();
    (simulator, folder)
}

async fn call(simulator: &Simulator) -> Talk<TcpStream> {
    let stream = TcpStream::connect(simulator.smtp_address()).await.unwrap();
    let mut talk = Talk(BufStream::new(stream));
    assert!(talk.hear().await.starts_with("220 "));
    talk
}

const ENVELOPE: [(&str, &str); 4] = [
    ("EHLO client.example.org", "250-"),
    ("MAIL FROM:<bounce@elm.example.org> BODY=8BITMIME SIZE=100", "250 "),
    ("RCPT TO:<Ada@Example.org>", "250 "),
    ("DATA", "354 "),
];
const MAIL: &str = "From: Elm <office@elm.example.org>\r\nSubject: Ben\r\nMessage-ID: <dlv_1@elm.example.org>\r\n\r\nHello\r\n.";

#[tokio::test]
async fn a_mail_is_taken_and_witnessed_before_its_dot_is_answered() {
    let (simulator, _folder) = world(|options| options).await;
    let mut talk = call(&simulator).await;
    talk.dialogue(&ENVELOPE).await;
    talk.dialogue(&[(MAIL, "250 2.0.0")]).await;

    let messages = simulator.messages();
    let accepted = &messages[0].accepted;
    assert_eq!(accepted.to, "ada@example.org");
    assert_eq!(accepted.from.as_deref(), Some("Elm <office@elm.example.org>"));
    assert_eq!(accepted.subject.as_deref(), Some("Ben"));
    assert_eq!(accepted.message_id.as_deref(), Some("dlv_1@elm.example.org"));
    assert_eq!(accepted.body, "Hello");
    talk.dialogue(&[("QUIT", "221 ")]).await;
    assert_eq!(talk.hear().await, "", "the server hangs up");
    simulator.stop().await;
}

#[tokio::test]
async fn dots_are_unstuffed_wherever_the_bytes_are_cut() {
    let (simulator, _folder) = world(|options| options).await;
    let mut talk = call(&simulator).await;
    let bodies =
        [("..first\r\n...two\r\nx.\r\n.", ".first\n..two\nx."), (".", ""), ("a\r\n..\r\nb\r\n.", "a\n.\nb")];
    for (stuffed, plain) in bodies {
        talk.dialogue(&ENVELOPE).await;
        talk.send("\r\n").await; // no headers
        for byte in stuffed.chars() {
            talk.send(&byte.to_string()).await;
        }
        talk.dialogue(&[("", "250 2.0.0")]).await;
        assert_eq!(simulator.messages().last().unwrap().accepted.body, plain);
    }
    // A dot that is the very first line ends the mail, too.
    talk.dialogue(&ENVELOPE).await;
    talk.dialogue(&[(".", "250 2.0.0"), ("NOOP", "250 ")]).await;
    simulator.stop().await;
}

#[tokio::test]
async fn a_whole_dialogue_may_come_in_one_write() {
    let (simulator, _folder) = world(|options| options).await;
    let mut talk = call(&simulator).await;
    talk.send("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
        .await;
    for expected in ["250-", "250 ", "250 ", "250 ", "354 "] {
        assert!(talk.hear().await.starts_with(expected));
    }
    talk.send("Subject: x\r\n\r\nHello\r\n.\r\nNOOP\r\nQUIT\r\n").await;
    for expected in ["250 2.0.0 Ok: queued", "250 ", "221 "] {
        assert!(talk.hear().await.starts_with(expected));
    }
    let to: Vec<String> = simulator.messages().into_iter().map(|message| message.accepted.to).collect();
    assert_eq!(to, ["a@example.org", "b@example.org"]);
    simulator.stop().await;
}

#[tokio::test]
async fn commands_out_of_order_or_not_understood_are_refused() {
    let (simulator, _folder) = world(|options| options).await;
    let mut talk = call(&simulator).await;
    talk.dialogue(&[
        ("MAIL FROM:<a@example.org>", "503 "),
        ("EHLO client", "250-"),
        ("RCPT TO:<a@example.org>", "503 "),
        ("DATA", "503 "),
        ("MAIL FROM:<a@example.org>", "250 "),
        ("MAIL FROM:<a@example.org>", "503 "),
        ("DATA", "503 "),
        ("RSET", "250 "),
        ("RCPT TO:<a@example.org>", "503 "),
        ("MAIL FROM:<a@example.org> SIZE=99999999", "552 5.3.4"),
        ("MAIL FROM:<a@example.org> COLOUR=red", "555 "),
        ("AUTH PLAIN AGEAYg==", "503 "),
        ("STARTTLS", "502 "),
        ("FROBNICATE", "500 "),
        ("NOOP", "250 "),
        ("HELO client", "250 "),
        ("VRFY a", "252 "),
        ("QUIT", "221 "),
    ])
    .await;
    simulator.stop().await;
}

#[tokio::test]
async fn too_large_a_mail_is_refused_after_its_dot_and_the_dialogue_goes_on() {
    let (simulator, _folder) = world(|options| options).await;
    let mut talk = call(&simulator).await;
    talk.dialogue(&ENVELOPE).await;
    let line = format!("{}\r\n", "x".repeat(998));
    for _ in 0..=super::LARGEST_MAIL / line.len() {
        talk.0.write_all(line.as_bytes()).await.unwrap();
    }
    talk.dialogue(&[(".", "552 5.3.4"), ("NOOP", "250 ")]).await;
    assert_eq!(simulator.messages(), []);
    simulator.stop().await;
}

#[tokio::test]
async fn dead_full_and_greylisted_mailboxes_are_refused_at_rcpt_and_witnessed() {
    let (simulator, _folder) = world(|options| options).await;
    let dead = |address: &str, failure| Behaviour::Dead { address: address.to_owned(), failure };
    simulator.behave(dead("Dead@example.org", Failure::Permanent));
    simulator.behave(dead("full@example.org", Failure::Temporary));
    simulator.behave(Behaviour::Greylist { address: "grey@example.org".to_owned(), attempts: 1 });
    let mut talk = call(&simulator).await;
    talk.dialogue(&ENVELOPE[..2]).await;
    talk.dialogue(&[
        ("RCPT TO:<dead@example.org>", "550 5.1.1"),
        ("RCPT TO:<full@example.org>", "452 4.2.2"),
        ("RCPT TO:<grey@example.org>", "451 4.7.1"),
        ("RCPT TO:<grey@example.org>", "250 "),
    ])
    .await;
    let entries = simulator.wait_until_logged(SOON, |entries| entries.len() == 3).await.unwrap();
    let refused: Vec<u16> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Refused(refused) => Some(refused.status),
            Event::Accepted(_) | Event::Receipt(_) => None,
        })
        .collect();
    assert_eq!(refused, [550, 452, 451]);
    simulator.stop().await;
}

#[tokio::test]
async fn a_connection_dropped_after_the_final_dot_leaves_an_accepted_mail() {
    let (simulator, _folder) = world(|options| options).await;
    simulator.behave(Behaviour::DropAfterFinalDot { requests: 1 });
    let mut talk = call(&simulator).await;
    talk.dialogue(&ENVELOPE).await;
    talk.send(&format!("{MAIL}\r\n")).await;
    assert_eq!(talk.hear().await, "", "hung up without a word");
    assert_eq!(simulator.messages().len(), 1);
    simulator.stop().await;
}

#[tokio::test]
async fn silence_before_accepting_leaves_nothing_and_after_it_leaves_the_mail() {
    let (simulator, _folder) = world(|options| options).await;
    let provider = Provider::Smtp;
    simulator.behave(Behaviour::TimeOutBeforeAccepting { provider, requests: 1 });
    simulator.behave(Behaviour::TimeOutAfterAccepting { provider, requests: 1 });
    for _ in 0..2 {
        let mut talk = call(&simulator).await;
        talk.dialogue(&ENVELOPE).await;
        talk.send(&format!("{MAIL}\r\n")).await;
        let mut byte = [0];
        let heard = tokio::time::timeout(Duration::from_millis(100), talk.0.read(&mut byte)).await;
        assert!(heard.is_err(), "nothing is said and nothing is closed");
    }
    let seen = simulator.wait_until(SOON, |messages| !messages.is_empty()).await.unwrap();
    assert_eq!(seen.len(), 1);
    simulator.stop().await;
}

#[tokio::test]
async fn told_refusals_are_answered_to_the_dot() {
    let (simulator, _folder) = world(|options| options).await;
    let provider = Provider::Smtp;
    simulator.behave(Behaviour::RateLimited { provider, requests: 1 });
    let text = Some("5.7.1 Policy".to_owned());
    simulator.behave(Behaviour::Answer { provider, status: 554, requests: 1, text });
    simulator.behave(Behaviour::Answer { provider, status: 421, requests: 1, text: None });
    let mut talk = call(&simulator).await;
    for expected in ["450 4.7.1", "554 5.7.1 Policy", "421 4.3.0"] {
        talk.dialogue(&ENVELOPE).await;
        talk.dialogue(&[(MAIL, expected)]).await;
    }
    assert_eq!(talk.hear().await, "", "421 hangs up");
    assert_eq!(simulator.messages(), []);
    simulator.stop().await;
}

fn login() -> Login {
    Login { user: "elm".to_owned(), password: "sesame".to_owned() }
}

#[tokio::test]
async fn a_login_is_asked_for_and_checked() {
    let (simulator, _folder) = world(|options| Options { smtp_login: Some(login()), ..options }).await;
    let mut talk = call(&simulator).await;
    talk.dialogue(&[
        ("EHLO client", "250-"),
        ("MAIL FROM:<a@example.org>", "530 5.7.0"),
        ("AUTH CRAM-MD5", "504 "),
        ("AUTH PLAIN AGVsbQB3cm9uZw==", "535 5.7.8"),
        ("AUTH PLAIN", "334"),
        ("AGVsbQBzZXNhbWU=", "235 "),
        ("AUTH PLAIN AGVsbQBzZXNhbWU=", "503 "),
        ("MAIL FROM:<a@example.org>", "250 "),
    ])
    .await;
    let mut talk = call(&simulator).await;
    talk.dialogue(&[
        ("EHLO client", "250-"),
        ("AUTH LOGIN", "334 VXNlcm5hbWU6"),
        ("ZWxt", "334 UGFzc3dvcmQ6"),
        ("c2VzYW1l", "235 "),
    ])
    .await;
    simulator.stop().await;
}

/// A certificate for localhost, and a client that trusts only it.
fn certificate(mode: TlsMode) -> (Tls, TlsConnector) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Tls { config: Arc::new(server), mode }, TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn after_starttls_everything_begins_anew_and_only_then_a_password_is_taken() {
    let (tls, connector) = certificate(TlsMode::StartTls);
    let (simulator, _folder) =
        world(|options| Options { smtp_tls: Some(tls), smtp_login: Some(login()), ..options }).await;
    let mut talk = call(&simulator).await;
    talk.dialogue(&[("EHLO client", "250-"), ("AUTH PLAIN AGVsbQBzZXNhbWU=", "538 "), ("STARTTLS", "220 ")])
        .await;

    let stream = talk.0.into_inner();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let mut talk = Talk(BufStream::new(stream));
    talk.dialogue(&[
        ("MAIL FROM:<a@example.org>", "503 "),
        ("EHLO client", "250-"),
        ("STARTTLS", "502 "),
        ("AUTH PLAIN AGVsbQBzZXNhbWU=", "235 "),
    ])
    .await;
    talk.dialogue(&ENVELOPE).await;
    talk.dialogue(&[(MAIL, "250 2.0.0")]).await;
    assert_eq!(simulator.messages().len(), 1);
    simulator.stop().await;
}

#[tokio::test]
async fn with_implicit_tls_the_banner_comes_encrypted() {
    let (tls, connector) = certificate(TlsMode::Implicit);
    let (simulator, _folder) = world(|options| Options { smtp_tls: Some(tls), ..options }).await;
    let stream = TcpStream::connect(simulator.smtp_address()).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let mut talk = Talk(BufStream::new(stream));
    assert!(talk.hear().await.starts_with("220 "));
    talk.dialogue(&ENVELOPE).await;
    talk.dialogue(&[(MAIL, "250 2.0.0")]).await;
    simulator.stop().await;
}

/// Where bounces are posted to; hands on what comes, with its token.
async fn mailbox(simulator: &Simulator) -> tokio::sync::mpsc::UnboundedReceiver<(String, String)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    simulator.send_bounces_to(ReceiptsTo {
        url: format!("http://{}/bounces", listener.local_addr().unwrap()),
        bearer_token: "open sesame".to_owned(),
        after: Duration::from_millis(1),
        retry_every: Duration::from_millis(1),
    });
    let (arrived, arrivals) = tokio::sync::mpsc::unbounded_channel();
    let take = move |headers: axum::http::HeaderMap, body: String| async move {
        assert_eq!(headers["content-type"], "message/rfc822");
        arrived.send((headers["authorization"].to_str().unwrap().to_owned(), body)).unwrap();
    };
    let router = axum::Router::new().route("/bounces", axum::routing::post(take));
    simulator.world.tasks.spawn({
        let stopping = simulator.world.stopping.clone();
        async move {
            let _ended = stopping.run_until_cancelled(async { axum::serve(listener, router).await }).await;
        }
    });
    arrivals
}

#[tokio::test]
async fn a_mail_that_bounces_is_taken_and_reported_later_to_its_return_address() {
    let (simulator, _folder) = world(|options| options).await;
    let mut arrivals = mailbox(&simulator).await;
    let mut talk = call(&simulator).await;
    let table = [
        (Returns::NoSuchMailbox, Will::Fail, "Action: failed\r\nStatus: 5.1.1\r\n"),
        (Returns::GivenUp, Will::Fail, "Action: failed\r\nStatus: 4.4.7\r\n"),
        (Returns::Delayed, Will::Deliver, "Action: delayed\r\nStatus: 4.2.2\r\n"),
    ];
    for (returns, will, said) in table {
        simulator.behave(Behaviour::Bounces { address: "Ada@example.org".to_owned(), returns });
        talk.dialogue(&ENVELOPE).await;
        talk.dialogue(&[(MAIL, "250 2.0.0")]).await;
        assert_eq!(simulator.messages().last().unwrap().accepted.will, will);
        let (token, report) = tokio::time::timeout(SOON, arrivals.recv()).await.unwrap().unwrap();
        assert_eq!(token, "Bearer open sesame");
        assert!(report.contains(said) && report.contains("To: bounce@elm.example.org\r\n"), "{report}");
        assert!(report.contains("Message-ID: <dlv_1@elm.example.org>") && !report.contains("Hello"));
        let read = mail_parser::MessageParser::default().parse(report.as_bytes()).unwrap();
        assert_eq!(read.parts.len(), 4, "the report and its three parts");
    }
    // A report about a report would go round for ever.
    talk.dialogue(&[("MAIL FROM:<>", "250 "), ("RCPT TO:<ada@example.org>", "250 "), ("DATA", "354 ")]).await;
    talk.dialogue(&[(MAIL, "250 2.0.0")]).await;
    simulator.behave(Behaviour::Alive { address: "ada@example.org".to_owned() });
    talk.dialogue(&ENVELOPE).await;
    talk.dialogue(&[(MAIL, "250 2.0.0"), ("QUIT", "221 ")]).await;
    let reports = |entries: &[crate::Entry]| {
        entries.iter().filter(|entry| matches!(entry.event, Event::Receipt(_))).count()
    };
    simulator.wait_until_logged(SOON, |entries| reports(entries) >= 3).await.unwrap();
    let log = simulator.log_path().to_owned();
    simulator.stop().await;
    assert_eq!(reports(&crate::read_log(&log).unwrap()), 3);
    assert!(arrivals.try_recv().is_err());
}
