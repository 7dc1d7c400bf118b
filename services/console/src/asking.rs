//! Asking the services in the name of whoever is signed in.
//!
//! Everything that can go wrong is a [`Trouble`], which a page shows in words; what a service said of
//! single fields goes back beside the fields of the form.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use kit::asked::LARGEST_ANSWER;
use kit::identity::Caller;
use kit::service::{Peer, Platform};
use kit::way::Way;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::incidents::v1::incidents_service_client::IncidentsServiceClient;
use proto::messaging::v1::messaging_service_client::MessagingServiceClient;
use proto::operations::v1::operations_service_client::OperationsServiceClient;
use proto::scheduling::v1::scheduling_service_client::SchedulingServiceClient;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

/// The services that are asked, this one among them: each has tasks, dead letters and an audit of its own.
pub const NAMES: [&str; 8] =
    ["absences", "incidents", "scheduling", "messaging", "dispatcher", "directory", "website", "console"];
/// Longer than any of them takes; whoever waits longer thinks that it is broken.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// Why a service did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be asked just now. The name of the service.
    Away(&'static str),
    /// None of the person's roles may do this.
    NotAllowed,
    /// There is no such thing in this school.
    Unknown,
    /// It said no, and why.
    Refused(Refusal),
}

/// What a service said instead of doing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable, in UPPER_SNAKE.
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// What is wrong with which field of the request.
    pub fields: Vec<(String, String)>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(service) => write!(f, "{service} cannot be asked just now"),
            Self::NotAllowed => f.write_str("your roles do not allow this"),
            Self::Unknown => f.write_str("there is no such thing in this school"),
            Self::Refused(refusal) => f.write_str(&refusal.message),
        }
    }
}

impl Trouble {
    fn of(service: &'static str, status: &Status) -> Self {
        let details = status.get_error_details();
        match status.code() {
            Code::PermissionDenied => Self::NotAllowed,
            Code::NotFound => Self::Unknown,
            Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists => {
                let violations = details.bad_request().map(|bad| bad.field_violations.as_slice());
                let fields = violations.unwrap_or_default().iter();
                Self::Refused(Refusal {
                    reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
                    message: status.message().to_owned(),
                    fields: fields.map(|at| (at.field.clone(), at.description.clone())).collect(),
                })
            }
            code => {
                // What a service writes into its status may name somebody.
                tracing::warn!(peer = service, grpc.code = ?code, "a service cannot be asked");
                Self::Away(service)
            }
        }
    }
}

/// The way to every service.
#[derive(Clone)]
pub struct Services {
    peers: BTreeMap<&'static str, Peer>,
}

impl Services {
    /// Those that this process can reach; a service without an address is away.
    pub fn of(platform: &Platform) -> Self {
        let peer = |name: &&'static str| Some((*name, platform.peer(name).ok()?));
        Self { peers: NAMES.iter().filter_map(peer).collect() }
    }

    /// Nobody: all are away.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { peers: BTreeMap::new() }
    }

    /// Asking in somebody's name.
    pub fn ask<'a>(&'a self, caller: &'a Caller) -> Asking<'a> {
        Asking { services: self, caller }
    }
}

/// The services, asked by one person.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    services: &'a Services,
    caller: &'a Caller,
}

macro_rules! asked {
    ($($name:ident = $service:literal, $client:ident;)*) => {$(
        #[doc = concat!("Asks ", $service, ".")]
        pub async fn $name<T, A, Answering>(
            self,
            message: T,
            call: impl FnOnce($client<Way>, Request<T>) -> Answering,
        ) -> Result<A, Trouble>
        where
            Answering: Future<Output = Result<Response<A>, Status>>,
        {
            self.call($service, message, |way, request| {
                call($client::new(way).max_decoding_message_size(LARGEST_ANSWER), request)
            })
            .await
        }
    )*};
}

impl Asking<'_> {
    asked! {
        directory = "directory", DirectoryServiceClient;
        absences = "absences", AbsencesServiceClient;
        incidents = "incidents", IncidentsServiceClient;
        scheduling = "scheduling", SchedulingServiceClient;
        messaging = "messaging", MessagingServiceClient;
        dispatcher = "dispatcher", DispatcherServiceClient;
    }

    /// Asks a service for what every service has: its tasks.
    pub async fn tasks<T, A, Answering>(
        self,
        service: &'static str,
        message: T,
        call: impl FnOnce(TasksServiceClient<Way>, Request<T>) -> Answering,
    ) -> Result<A, Trouble>
    where
        Answering: Future<Output = Result<Response<A>, Status>>,
    {
        self.call(service, message, |way, request| call(TasksServiceClient::new(way), request)).await
    }

    /// The same for what it put aside.
    pub async fn operations<T, A, Answering>(
        self,
        service: &'static str,
        message: T,
        call: impl FnOnce(OperationsServiceClient<Way>, Request<T>) -> Answering,
    ) -> Result<A, Trouble>
    where
        Answering: Future<Output = Result<Response<A>, Status>>,
    {
        self.call(service, message, |way, request| call(OperationsServiceClient::new(way), request)).await
    }

    async fn call<T, A, Answering>(
        self,
        service: &'static str,
        message: T,
        call: impl FnOnce(Way, Request<T>) -> Answering,
    ) -> Result<A, Trouble>
    where
        Answering: Future<Output = Result<Response<A>, Status>>,
    {
        let peer = self.services.peers.get(service).ok_or(Trouble::Away(service))?;
        let trouble = |status: &Status| Trouble::of(service, status);
        let request = peer.request_of(self.caller, message, PATIENCE).map_err(|status| trouble(&status))?;
        let answer = call(peer.way(), request).await.map_err(|status| trouble(&status))?;
        Ok(answer.into_inner())
    }
}

/// Asks a service one thing: `ask!(visitor, directory.get_pupil(request))`.
macro_rules! ask {
    ($visitor:expr, $service:ident.$rpc:ident($message:expr)) => {
        $visitor.ask().$service($message, |mut client, request| async move { client.$rpc(request).await })
    };
}
pub(crate) use ask;

/// The name of a service that was named in a form or a path.
pub fn service(name: &str) -> Result<&'static str, Trouble> {
    NAMES.iter().copied().find(|known| *known == name).ok_or(Trouble::Unknown)
}
