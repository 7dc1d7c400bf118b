//! The one layer that lets a call through or not, and sees to it that an audited call was
//! written down.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use proto::access::Access;
use proto::options::v1::Role;
use tonic::{Code, Status};
use tracing::Instrument;

use super::known::Known;
use super::{Claims, role_of};
use crate::Tenant;
use crate::audit::Audited;
use crate::config::Issuer;
use crate::rejection::Rejection;
use crate::telemetry;

/// What needs no token.
const OPEN: [&str; 2] = ["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/"];

/// For how many seconds after its end a token is good, because clocks differ.
const LEEWAY: u64 = 5;

/// Whom a call comes from. Stands in the request's extensions once the gate has let it through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Who: a service's name, or a person's id.
    pub subject: String,
    /// For which tenant.
    pub tenant: Tenant,
    /// With which roles.
    pub roles: Vec<Role>,
}

impl Caller {
    /// The caller of a request that came through the gate.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| {
            Rejection::new(Code::Unauthenticated, "NO_TOKEN", "this call did not come through the gate")
                .into()
        })
    }

    /// Whether the caller holds this role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

struct Trusted {
    key: DecodingKey,
    may_grant: Vec<Role>,
}

/// Why the gate cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// An issuer's public key is not one.
    #[error("the public key of issuer {issuer} is not 32 bytes in base64url")]
    Key {
        /// Whose.
        issuer: String,
    },
    /// An issuer may grant a role that does not exist.
    #[error("issuer {issuer} may grant `{role}`, which is not a role")]
    Role {
        /// Whose.
        issuer: String,
        /// What stands there.
        role: String,
    },
    /// The RPCs' own words cannot be read.
    #[error("the roles of the RPCs cannot be read")]
    Access(#[from] proto::access::Error),
}

/// Knows every issuer, and what every RPC asks for.
#[derive(Clone)]
pub struct Gate {
    issuers: Arc<BTreeMap<String, Trusted>>,
    known: Arc<Known>,
    access: Arc<HashMap<String, Access>>,
}

impl Gate {
    /// A gate that believes these issuers.
    pub fn new(issuers: &BTreeMap<String, Issuer>) -> Result<Self, GateError> {
        let mut trusted = BTreeMap::new();
        for (name, issuer) in issuers {
            let key = DecodingKey::from_ed_components(&issuer.public_key)
                .ok()
                .filter(|key| key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == 32))
                .ok_or_else(|| GateError::Key { issuer: name.clone() })?;
            let may_grant = issuer
                .may_grant
                .iter()
                .map(|role| {
                    role_of(role).ok_or_else(|| GateError::Role { issuer: name.clone(), role: role.clone() })
                })
                .collect::<Result<_, _>>()?;
            trusted.insert(name.clone(), Trusted { key, may_grant });
        }
        Ok(Self {
            issuers: Arc::new(trusted),
            known: Arc::default(),
            access: Arc::new(proto::access::by_path()?),
        })
    }

    /// Whom a token stands for.
    pub fn verify(&self, token: &str) -> Result<Caller, Rejection> {
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(caller) = self.known.find(token, now) {
            return Ok(caller);
        }
        let (caller, ends_at) = self.examine(token)?;
        // One without an end would have been refused.
        let good_until = u64::try_from(ends_at).unwrap_or(0).saturating_add(LEEWAY);
        self.known.keep(token, &caller, good_until, now);
        Ok(caller)
    }

    /// Whom a token stands for by its own words and its signature, and until when.
    fn examine(&self, token: &str) -> Result<(Caller, i64), Rejection> {
        let refused = |reason, message: &str| Rejection::new(Code::Unauthenticated, reason, message);
        let issuer = jsonwebtoken::decode_header(token)
            .ok()
            .and_then(|header| header.kid)
            .and_then(|kid| self.issuers.get_key_value(&kid))
            .ok_or_else(|| refused("INVALID_TOKEN", "the token's issuer is not known here"))?;
        let (name, trusted) = issuer;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["schoolbell"]);
        validation.set_issuer(&[name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY;
        let claims = jsonwebtoken::decode::<Claims>(token, &trusted.key, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                    refused("EXPIRED_TOKEN", "the token has expired")
                }
                _ => refused("INVALID_TOKEN", "the token is not valid"),
            })?
            .claims;
        let roles = claims
            .roles
            .iter()
            .map(|role| role_of(role).filter(|role| trusted.may_grant.contains(role)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| {
                refused("ROLE_NOT_GRANTED", "the token's issuer may not grant one of its roles")
            })?;
        if roles.contains(&Role::Service) && claims.sub != *name {
            return Err(refused("NOT_YOUR_NAME", "a service speaks in its own name only"));
        }
        Ok((Caller { subject: claims.sub, tenant: claims.school, roles }, claims.exp))
    }

    /// What is known of the RPC that may be called; nothing of those that are open to everybody.
    fn admit(&self, request: &mut Request) -> Result<Option<&Access>, Rejection> {
        let path = request.uri().path();
        let Some(access) = self.access.get(path) else {
            if OPEN.iter().any(|open| path.starts_with(open)) {
                return Ok(None);
            }
            return Err(Rejection::new(Code::Unimplemented, "UNKNOWN_RPC", "there is no such RPC"));
        };
        let token = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| Rejection::new(Code::Unauthenticated, "NO_TOKEN", "a bearer token is needed"))?;
        let caller = self.verify(token)?;
        if !access.any_of.iter().any(|role| caller.is(*role)) {
            return Err(Rejection::new(
                Code::PermissionDenied,
                "ROLE_MISSING",
                "none of the token's roles may do this",
            ));
        }
        request.extensions_mut().insert(caller);
        Ok(Some(access))
    }
}

/// A path as it may be told: of the RPCs, what the list of them says, and of what is open to everybody, the
/// service.
fn known(path: &str) -> String {
    let open = OPEN.iter().find(|open| path.starts_with(**open));
    open.map_or(path, |open| open.trim_end_matches('/')).to_owned()
}

/// Health and reflection are for everybody; what is neither that nor an RPC that says who may call
/// it is refused, whoever serves it.
pub(crate) async fn check(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    // Whatever else a caller writes there is not repeated.
    let path = known(request.uri().path());
    let access = match gate.admit(&mut request) {
        Ok(access) => access,
        Err(rejection) => return Status::from(rejection).into_http(),
    };
    let audited = access.is_some_and(|access| access.audited);
    let changes = access.is_some_and(|access| access.changes);
    // A page asks many things that change nothing, and making a span takes longer than answering some of them.
    let response = if changes || telemetry::is_collected() {
        let span = tracing::info_span!("rpc", path);
        let trace = request.headers().get("traceparent").and_then(|trace| trace.to_str().ok());
        telemetry::continue_from(&span, trace);
        next.run(request).instrument(span).await
    } else {
        next.run(request).await
    };
    let failed = Status::from_header_map(response.headers()).map(|status| status.code());
    if let Some(code @ (Code::Internal | Code::Unknown)) = failed {
        tracing::warn!(rpc = path, grpc.code = ?code, "a call could not be answered");
    }
    let refused = failed.is_some();
    if audited && !refused && response.extensions().get::<Audited>().is_none() {
        tracing::error!(rpc = path, "an audited call answered without an audit entry");
        let withheld = "the answer was withheld: it was not written down";
        return Status::from(Rejection::new(Code::Internal, "NOT_AUDITED", withheld)).into_http();
    }
    response
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::{Keys, SERVICE_TOKEN_FOR};
    use super::*;
    use crate::clock::Clock;

    fn real() -> Timestamp {
        Clock::system().real()
    }

    fn keys_and_gate() -> (tempfile::TempDir, Keys, Gate) {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path(), &["absences", "console"]).unwrap();
        let issuers = BTreeMap::from([
            ("absences".to_owned(), keys.issuer("absences", &[Role::Service]).unwrap()),
            ("console".to_owned(), keys.issuer("console", &[Role::Office, Role::Head]).unwrap()),
        ]);
        let gate = Gate::new(&issuers).unwrap();
        (folder, keys, gate)
    }

    #[test]
    fn a_token_names_its_subject_tenant_and_roles() {
        let (_folder, keys, gate) = keys_and_gate();
        let school = Tenant::generate();
        let token = keys
            .signer("console")
            .unwrap()
            .token("person-7", school, &[Role::Office], (real(), SERVICE_TOKEN_FOR))
            .unwrap();
        for _ in 0..2 {
            let caller = gate.verify(&token).unwrap();
            let roles = vec![Role::Office];
            assert_eq!(caller, Caller { subject: "person-7".into(), tenant: school, roles });
        }
    }

    #[test]
    fn an_expired_forged_or_overreaching_token_is_refused() {
        let (_folder, keys, gate) = keys_and_gate();
        let school = Tenant::generate();
        let console = keys.signer("console").unwrap();
        let hour_ago = real() - SignedDuration::from_hours(1);
        let service = keys.signer("absences").unwrap();
        let borrowed =
            service.token("console", school, &[Role::Service], (real(), SERVICE_TOKEN_FOR)).unwrap();
        let expired = console.token("p", school, &[Role::Office], (hour_ago, SERVICE_TOKEN_FOR)).unwrap();
        let overreaching = console.token("p", school, &[Role::Service], (real(), SERVICE_TOKEN_FOR)).unwrap();
        let valid = console.token("p", school, &[Role::Office], (real(), SERVICE_TOKEN_FOR)).unwrap();
        let (payload, _) = valid.rsplit_once('.').unwrap();
        let forged = format!("{payload}.{}", expired.rsplit_once('.').unwrap().1);
        let elsewhere = tempfile::tempdir().unwrap();
        let stranger = Keys::open(elsewhere.path(), &["console"]).unwrap().signer("console").unwrap();
        let strange = stranger.token("p", school, &[Role::Office], (real(), SERVICE_TOKEN_FOR)).unwrap();
        for (token, reason) in [
            (expired.as_str(), "EXPIRED_TOKEN"),
            (&overreaching, "ROLE_NOT_GRANTED"),
            (&borrowed, "NOT_YOUR_NAME"),
            (&forged, "INVALID_TOKEN"),
            (&strange, "INVALID_TOKEN"),
            ("", "INVALID_TOKEN"),
            ("a.b.c", "INVALID_TOKEN"),
        ] {
            for _ in 0..2 {
                assert_eq!(gate.verify(token).unwrap_err().reason(), reason);
            }
        }
        gate.verify(&valid).unwrap();
        assert_eq!(gate.verify(&forged).unwrap_err().reason(), "INVALID_TOKEN", "the same words are known");
    }

    #[test]
    fn a_token_that_was_good_is_refused_when_it_is_over() {
        let (_folder, keys, gate) = keys_and_gate();
        let console = keys.signer("console").unwrap();
        let ends_soon = (real(), SignedDuration::from_secs(-5));
        let token = console.token("p", Tenant::generate(), &[Role::Office], ends_soon).unwrap();
        let first = gate.verify(&token).map(|_| ());
        let over = jsonwebtoken::get_current_timestamp() + 2;
        assert!(first.is_err() || gate.known.find(&token, over).is_none());
    }

    #[test]
    fn a_service_uses_its_token_again_for_half_a_minute_and_for_one_tenant() {
        let (_folder, keys, gate) = keys_and_gate();
        let (signer, school, now) = (keys.signer("absences").unwrap(), Tenant::generate(), real());
        let after =
            |seconds| signer.clone().own_token(school, now + SignedDuration::from_secs(seconds)).unwrap();
        let first = after(0);
        assert_eq!(gate.verify(&first).unwrap().tenant, school);
        assert_eq!(after(29), first);
        assert_ne!(after(30), first);
        let earlier = after(-1);
        assert_ne!(earlier, first, "a clock that was put back");
        assert_ne!(signer.own_token(Tenant::generate(), now).unwrap(), earlier);
    }

    #[test]
    fn processes_that_make_a_key_at_once_in_one_folder_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(8);
        let open = || {
            start.wait();
            Keys::open(folder.path(), &["absences"]).unwrap().issuer("absences", &[]).unwrap().public_key
        };
        let keys: Vec<String> = std::thread::scope(|threads| {
            let opening: Vec<_> = (0..8).map(|_| threads.spawn(open)).collect();
            opening.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing unfinished is left");
    }

    #[test]
    fn a_key_is_kept_in_a_file_that_only_its_owner_reads() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, keys, _gate) = keys_and_gate();
        let again = Keys::open(folder.path(), &["absences"]).unwrap();
        assert_eq!(
            keys.issuer("absences", &[]).unwrap().public_key,
            again.issuer("absences", &[]).unwrap().public_key
        );
        let mode = std::fs::metadata(folder.path().join("absences.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
