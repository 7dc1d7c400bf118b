//! Who may say and hear what on the bus, as nats-server reads it.
//!
//! The one source of these permissions: [`server`](super::server) writes them for the server that
//! it supervises, and a server of somebody else's is given the same text (`deploy/nats.conf`, which
//! a test compares with this).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{consumer_name, inbox_prefix, pulse, stream_name};

/// Who says and who hears, from which the permissions follow: service to the sayers it hears.
pub type Hearers = BTreeMap<&'static str, Vec<&'static str>>;

/// The block of a server's settings with one user per service. `password` answers with what
/// stands there for a service: a quoted text, or a variable such as `$NATS_PASSWORD_X`.
pub fn authorization(hearers: &Hearers, password: impl Fn(&str) -> String) -> String {
    let mut text = String::from("authorization {\n  users: [\n");
    for (service, sayers) in hearers {
        let publish: Vec<String> =
            may_publish(service, sayers).iter().map(|subject| format!("          {subject:?}\n")).collect();
        let publish = publish.concat();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "    {{\n      user: {service:?}\n      password: {}\n      permissions: {{\n        \
             publish: {{ allow: [\n{publish}        ] }}\n        \
             subscribe: {{ allow: [{}] }}\n      }}\n    }}\n",
            password(service),
            may_hear(service, sayers).join(", "),
        );
    }
    text.push_str("  ]\n}\n");
    text
}

/// What a service may listen to: the answers to its own requests and the pulse of its sayers. Facts
/// come to it through its consumers only.
fn may_hear(service: &str, sayers: &[&str]) -> Vec<String> {
    let pulses = sayers.iter().map(|sayer| pulse::subject(sayer));
    let subjects = std::iter::once(format!("{}.>", inbox_prefix(service))).chain(pulses);
    subjects.map(|subject| format!("{subject:?}")).collect()
}

/// What a service asks that changes nothing wherever it goes: the state of its own stream, of those that
/// it hears, and of its place in them.
pub(super) fn questions(service: &str, sayers: &[&str]) -> Vec<String> {
    let mut subjects =
        vec!["$JS.API.INFO".to_owned(), format!("$JS.API.STREAM.INFO.{}", stream_name(service))];
    for sayer in sayers {
        let (stream, consumer) = (stream_name(sayer), consumer_name(service, sayer));
        subjects.push(format!("$JS.API.STREAM.INFO.{stream}"));
        subjects.push(format!("$JS.API.CONSUMER.INFO.{stream}.{consumer}"));
    }
    subjects
}

/// What a service may publish: its own facts and pulse, the care of its own stream, and whatever its own
/// consumers on the streams of others need. Both forms of acknowledgement are allowed.
fn may_publish(service: &str, sayers: &[&str]) -> Vec<String> {
    let own = stream_name(service);
    let mut subjects =
        vec![format!("schoolbell.{service}.>"), pulse::subject(service), "$JS.API.INFO".to_owned()];
    subjects.extend(["INFO", "CREATE", "UPDATE"].map(|verb| format!("$JS.API.STREAM.{verb}.{own}")));
    for sayer in sayers {
        let (stream, consumer) = (stream_name(sayer), consumer_name(service, sayer));
        subjects.extend([
            format!("$JS.API.STREAM.INFO.{stream}"),
            format!("$JS.API.CONSUMER.INFO.{stream}.{consumer}"),
            format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}"),
            format!("$JS.API.CONSUMER.DELETE.{stream}.{consumer}"),
            format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}.>"),
            format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{consumer}"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
            format!("$JS.ACK.{stream}.{consumer}.>"),
            format!("$JS.ACK.*.*.{stream}.{consumer}.>"),
        ]);
    }
    subjects
}
