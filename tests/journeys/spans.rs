//! Spans go to a collector with TLS, if its certificate can be believed, and to nobody else.

use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Tls;
use kit::testing::authority::Authority;
use proto::directory::v1::GetSchoolRequest;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tests::apart::Process;
use tests::apart::ground::{Ground, HERE};
use tests::apart::protected::{Protected, Standing};
use tests::collector::Collector;
use tests::wait::until;
use tonic::Request;

const CALLED: &str = "/schoolbell.directory.v1.DirectoryService/GetSchool";

#[tokio::test(flavor = "multi_thread")]
async fn spans_leave_with_tls_for_a_collector_that_can_be_believed_and_for_no_other() {
    schoolbell::app::choose_tls();
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::start(folder.path()).await;
    let mut services = Protected::on(&ground, folder.path(), Standing::Production, "");
    let known = Collector::start(&ground.certificate("collector")).await;
    let stranger: Tls = Authority::new().settings(&folder.path().join("stranger"), &["collector", HERE]);
    let unknown = Collector::start(&stranger).await;
    for collector in [&unknown, &known] {
        let mut command = services.command("directory", &ground.certificate("directory"));
        let place = format!("https://{HERE}:{}", collector.port);
        command.env("SCHOOLBELL__TELEMETRY__OTLP_ENDPOINT", place);
        let process = Process::serve(command, &services.log()).await;
        services.processes.insert("directory".to_owned(), process);
        let mut directory = DirectoryServiceClient::new(services.channel("directory").await);
        let life = (Clock::system().real(), SignedDuration::from_mins(10));
        let token = services.signer().token("somebody", SchoolId::generate(), &[Role::Office], life).unwrap();
        let mut request = Request::new(GetSchoolRequest {});
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        // There is no such school, which is as good a call as any.
        directory.get_school(request).await.unwrap_err();
        // What was not sent yet is sent before the end, which nobody holds up.
        services.take("directory").end().await;
    }
    until("a span", || async { known.heard(CALLED) }, |heard| *heard > 0).await;
    assert_eq!(unknown.heard(CALLED), 0);
    ground.stop().await;
}
