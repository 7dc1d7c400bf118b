//! The dispatcher dies in the middle of two thousand messages.

use std::collections::HashMap;
use std::time::Duration;

use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Secret;
use kit::identity::Keys;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::absences::v1::{CloseRegisterRequest, Mark, PostRegisterRequest, Session};
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::directory::v1::{ImportRosterRequest, ListPupilsRequest};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use schoolbell::app;
use simulator::ReceiptsTo;
use tests::Roster;
use tests::apart::{Nats, Process};
use tests::installation::{Backend, GATHERS, Installation};
use tests::roster::Contact;
use tests::school::{DAY, fresh};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

const CLASSES: usize = 40;
const PER_CLASS: usize = 50;
const MESSAGES: usize = CLASSES * PER_CLASS;
/// The dispatcher's credit window: what a crash may repeat.
pub const CREDITS: usize = 512;

fn roster() -> Roster {
    let mut roster = Roster::new();
    for number in 0..MESSAGES {
        let parent = Contact::parent(&format!("P{number}")).phone(&format!("+999{number:012}"));
        roster = roster.pupil(&format!("C{number}"), &format!("class{}", number % CLASSES), [parent]);
    }
    roster
}

struct Office {
    channel: Channel,
    keys: Keys,
    school: SchoolId,
}

impl Office {
    fn by<T>(&self, role: Role, message: T) -> Request<T> {
        let life = (Clock::system().real(), SignedDuration::from_mins(10));
        let token =
            self.keys.signer(app::PEOPLE).unwrap().token("somebody", self.school, &[role], life).unwrap();
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", MetadataValue::try_from(format!("Bearer {token}")).unwrap());
        request
    }

    /// Imports the roster and posts every register with everybody missing.
    async fn fill(&self) {
        let mut directory = DirectoryServiceClient::new(self.channel.clone())
            .max_encoding_message_size(64 << 20)
            .max_decoding_message_size(64 << 20);
        let request = ImportRosterRequest {
            request_id: fresh(),
            archive: roster().archive().into(),
            ..Default::default()
        };
        let answer =
            directory.import_roster(self.by(Role::SystemAdministrator, request)).await.unwrap().into_inner();
        assert!(answer.loaded, "{:#?}", answer.faults);
        let mut classes: HashMap<String, Vec<String>> = HashMap::new();
        let mut page_token = String::new();
        loop {
            let request = ListPupilsRequest { page_size: 500, page_token, ..Default::default() };
            let page = directory.list_pupils(self.by(Role::Office, request)).await.unwrap().into_inner();
            for pupil in page.pupils {
                classes.entry(pupil.class_id).or_default().push(pupil.id);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let mut absences = AbsencesServiceClient::new(self.channel.clone());
        for (class_id, pupils) in classes {
            let marks = pupils.into_iter().map(|pupil_id| Mark { pupil_id, code: "N".to_owned() }).collect();
            let (date, session) = (DAY.to_owned(), Session::Morning.into());
            let request = PostRegisterRequest { request_id: fresh(), class_id, date, session, marks };
            absences.post_register(self.by(Role::ClassTeacher, request)).await.unwrap();
        }
    }

    async fn close(&self) {
        let request = CloseRegisterRequest {
            request_id: fresh(),
            date: DAY.to_owned(),
            session: Session::Morning.into(),
        };
        let mut absences = AbsencesServiceClient::new(self.channel.clone());
        let closed =
            absences.close_register(self.by(Role::AttendanceOfficer, request)).await.unwrap().into_inner();
        assert_eq!(closed.announced, i32::try_from(MESSAGES).unwrap());
    }
}

async fn nothing_is_lost(backend: Backend) {
    app::choose_tls();
    let folder = tempfile::tempdir().unwrap();
    let phones = simulator::start(simulator::Options::new(folder.path().join("phones.jsonl"))).await.unwrap();
    let token = Secret::random();
    let nats = Nats::start(folder.path()).await;
    let installation = Installation {
        folder: folder.path(),
        backend,
        phones: &phones,
        receipts_token: &token,
        gathers: GATHERS,
    };
    let config = installation.file(&nats.settings);
    let log = folder.path().join("schoolbell.log");
    let services = Process::run(&config, &["directory", "absences", "scheduling"], &log).await;
    let peers = format!("{}\n[peers]\ndirectory = \"http://{}\"\n", nats.settings, services.grpc);
    let config = installation.file(&peers);
    let dispatcher = Process::run(&config, &["dispatcher"], &log).await;
    let receipts = |process: &Process| ReceiptsTo {
        url: format!("http://{}/dispatcher/receipts/notify", process.http),
        bearer_token: token.reveal().to_owned(),
        after: Duration::from_millis(20),
        retry_every: Duration::from_millis(200),
    };
    phones.send_receipts_to(receipts(&dispatcher));

    let channel = Channel::from_shared(format!("http://{}", services.grpc)).unwrap().connect().await.unwrap();
    let keys = Keys::open(&folder.path().join("keys"), &[app::PEOPLE]).unwrap();
    let office = Office { channel, keys, school: SchoolId::generate() };
    office.fill().await;
    office.close().await;

    let patience = Duration::from_mins(2);
    phones.wait_until(patience, |messages| messages.len() >= MESSAGES / 3).await.unwrap();
    dispatcher.kill().await;
    let before = phones.messages().len();
    assert!(before < MESSAGES, "everything had left before the kill: {before}");
    let dispatcher = Process::run(&config, &["dispatcher"], &log).await;
    phones.send_receipts_to(receipts(&dispatcher));
    let told = |messages: &[simulator::Message]| {
        messages
            .iter()
            .map(|message| message.accepted.to.clone())
            .collect::<std::collections::HashSet<_>>()
            .len()
    };
    let messages = phones.wait_until(patience, |messages| told(messages) == MESSAGES).await.unwrap();
    let duplicates = messages.len() - MESSAGES;
    println!("{backend:?}: {before} of {MESSAGES} had left when it was killed, {duplicates} told twice");
    assert!(duplicates <= CREDITS, "{duplicates} duplicates");
    dispatcher.end().await;
    services.end().await;
    nats.stop().await;
    phones.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_killed_amid_two_thousand_messages_loses_none_and_repeats_few() {
    nothing_is_lost(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql() {
    nothing_is_lost(Backend::Postgres).await;
}
