//! Signing in elsewhere: OpenID Connect's code flow with PKCE, at Microsoft Entra, Google Workspace or any
//! other conforming issuer.
//!
//! A person is known by issuer and subject and by nothing else: an e-mail address can be given to
//! somebody else. Of an issuer that serves many schools a claim says which of them the person belongs to,
//! and it is looked at here. What the issuer says of itself, its keys with it, is read for each sign-in: a
//! key that it has withdrawn counts no longer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::future::BoxFuture;
use kit::config::Secret;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
    CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, Client,
    ClientId, ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse, http, url,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

/// For so long an issuer may think about an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many people are asked about at one issuer at once; strangers get no more of it.
const AT_ONCE: usize = 8;

/// Issuers whose accounts are those of the whole world, with the claim that says whose somebody is.
const SHARED: [(&str, &str); 2] = [("accounts.google.com", "hd"), ("login.microsoftonline.com", "tid")];

/// The settings of `[console.openid.<name>]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the account is called where it is chosen: `Microsoft`.
    pub label: String,
    /// As its ID tokens name it.
    pub issuer: String,
    /// By what it knows this console.
    pub client_id: String,
    /// What only it and this console know.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The file in which that stands.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What ID tokens must say beside: Entra's `tid`, Google's `hd`.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
}

/// Somebody, as an issuer has vouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who vouches.
    pub issuer: String,
    /// As whom it knows the person, for ever.
    pub subject: String,
}

/// Why nobody is vouched for. Nothing of a person is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The issuer cannot be asked, or answers nonsense.
    #[error("the issuer does not answer as it should: {0}")]
    Away(&'static str),
    /// The issuer gives nothing for this code.
    #[error("the issuer does not take the code")]
    Code,
    /// What the issuer gave is not to be believed.
    #[error("the ID token is not good: {0}")]
    Token(&'static str),
    /// The person is somebody of another school or trust.
    #[error("the claim {0} is not the one that is set")]
    Stranger(String),
}

/// What one sign-in needs when the person comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Begun {
    /// What the issuer must give back.
    pub state: String,
    /// What the ID token must carry.
    pub nonce: String,
    /// What proves that whoever comes back is whoever went.
    pub verifier: String,
}

/// An issuer that vouches for people.
pub struct Provider {
    /// What it is called.
    pub label: String,
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    claims: BTreeMap<String, String>,
    http: Http,
    turns: Semaphore,
}

/// Every claim beside those that all issuers make.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Others(BTreeMap<String, serde_json::Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Asked = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Provider {
    /// Of the settings; asks nobody yet. Needs a process-wide default of rustls' cryptography.
    pub fn new(key: &str, config: &Config) -> anyhow::Result<Self> {
        let at = |what| format!("console.openid.{key}.{what}");
        let issuer = IssuerUrl::new(config.issuer.clone()).with_context(|| at("issuer"))?;
        let host = issuer.url().host();
        let here = match host {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        ensure!(issuer.url().scheme() == "https" || here, "{} must begin with https://", at("issuer"));
        for (shared, claim) in SHARED {
            ensure!(
                issuer.url().host_str() != Some(shared) || config.claims.contains_key(claim),
                "{} must say which {claim} is yours: everybody has an account at {shared}",
                at("claims")
            );
        }
        ensure!(!config.label.trim().is_empty(), "{} is empty", at("label"));
        ensure!(
            key.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()),
            "console.openid.{key}: use small letters and digits; it stands in addresses"
        );
        let secret = match (&config.client_secret, &config.client_secret_file) {
            (None, None) => None,
            (value, file) => {
                let secret = Secret::resolve(value.clone(), file.as_ref(), "client_secret");
                let secret = secret.with_context(|| format!("console.openid.{key}"))?;
                Some(ClientSecret::new(secret.reveal().to_owned()))
            }
        };
        // A redirect could lead the console's own secret to somebody else.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        Ok(Self {
            label: config.label.trim().to_owned(),
            issuer,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: secret,
            claims: config.claims.clone(),
            http: Http(http),
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// Reads what the issuer says of itself, as `schoolbell check` does.
    pub async fn check(&self) -> Result<(), Refused> {
        self.described().await.map(drop)
    }

    /// Where the person is sent, and what is needed when it comes back.
    pub async fn begin(&self, comes_back_to: &str) -> Result<(url::Url, Begun), Refused> {
        let _turn = self.turn().await?;
        let client = self.client(comes_back_to).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            // Google says whose somebody is only beside these; nothing of them is kept.
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            // Several people use one machine; nobody is to be signed in as whoever sat there before.
            .add_prompt(CoreAuthPrompt::SelectAccount)
            .set_pkce_challenge(challenge)
            .url();
        let begun = Begun {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        };
        Ok((address, begun))
    }

    /// Who came back with this code.
    pub async fn finish(&self, comes_back_to: &str, code: &str, begun: Begun) -> Result<Identity, Refused> {
        let _turn = self.turn().await?;
        let client = self.client(comes_back_to).await?;
        let asking = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| Refused::Away("it names no place where codes are taken"))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier));
        let tokens = asking.request_async(&self.http).await;
        let tokens = tokens.map_err(|error| match error {
            RequestTokenError::ServerResponse(_) => Refused::Code,
            RequestTokenError::Request(_) => Refused::Away("its place for codes cannot be reached"),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Refused::Away("what it gives for a code cannot be read")
            }
        })?;
        let token = tokens.id_token().ok_or(Refused::Token("there is none"))?;
        let verified = token.claims(&client.id_token_verifier(), &Nonce::new(begun.nonce));
        let claims = verified.map_err(|error| Refused::Token(why(&error)))?;
        for (name, expected) in &self.claims {
            let said = claims.additional_claims().0.get(name).and_then(serde_json::Value::as_str);
            if said != Some(expected) {
                return Err(Refused::Stranger(name.clone()));
            }
        }
        Ok(Identity {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
        })
    }

    /// Whether an answer that names its issuer (RFC 9207) comes from this one.
    pub fn is_from(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.issuer.as_str())
    }

    /// Strangers who begin and do not go on keep nobody waiting for long.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Refused> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or(Refused::Away("too many people are asked about at once"))
    }

    async fn described(&self) -> Result<CoreProviderMetadata, Refused> {
        CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await.map_err(|error| {
            Refused::Away(match error {
                DiscoveryError::Request(_) => "it cannot be reached",
                DiscoveryError::Validation(_) => "it calls itself otherwise",
                _ => "its description cannot be read",
            })
        })
    }

    async fn client(&self, comes_back_to: &str) -> Result<Asked, Refused> {
        let described = self.described().await?;
        let basic = described
            .token_endpoint_auth_methods_supported()
            .is_none_or(|known| known.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let comes_back_to = RedirectUrl::new(comes_back_to.to_owned());
        let comes_back_to = comes_back_to.map_err(|_| Refused::Away("our own address cannot be read"))?;
        Ok(Asked::from_provider_metadata(described, self.client_id.clone(), self.client_secret.clone())
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_redirect_uri(comes_back_to))
    }
}

/// What is wrong with an ID token; the library's own words would name claims of a person.
fn why(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "it has expired",
        ClaimsVerificationError::InvalidAudience(_) => "it is for somebody else",
        ClaimsVerificationError::InvalidIssuer(_) => "somebody else has issued it",
        ClaimsVerificationError::InvalidNonce(_) => "it is for another sign-in",
        ClaimsVerificationError::SignatureVerification(_) => "no key of the issuer has signed it",
        _ => "it says what is not expected",
    }
}

/// Our own HTTP client, as the library asks it.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = BoxFuture<'c, Result<HttpResponse, reqwest::Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.0.execute(request.try_into()?).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut response = http::Response::new(answer.bytes().await?.to_vec());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: &str, claims: &[(&str, &str)]) -> Config {
        Config {
            label: "Work".to_owned(),
            issuer: issuer.to_owned(),
            client_id: "schoolbell".to_owned(),
            client_secret: None,
            client_secret_file: None,
            claims: claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn an_issuer_of_everybody_needs_the_claim_that_says_whose_somebody_is() {
        kit::testing::choose_tls();
        let refused = |issuer, claims| {
            Provider::new("work", &config(issuer, claims)).err().map(|error| format!("{error:#}"))
        };
        let (google, entra) = ("https://accounts.google.com", "https://login.microsoftonline.com/t/v2.0");
        assert_eq!(refused(google, &[("hd", "school.example.org")]), None);
        assert_eq!(refused(entra, &[("tid", "t")]), None);
        assert_eq!(refused("http://127.0.0.1:9", &[]), None, "on this machine");
        for (issuer, claims, says) in [
            (google, &[][..], "must say which hd is yours"),
            (google, &[("tid", "t")], "must say which hd is yours"),
            (entra, &[], "must say which tid is yours"),
            ("http://sign-in.example.org", &[], "must begin with https://"),
            ("sign-in.example.org", &[], "console.openid.work.issuer"),
        ] {
            let words = refused(issuer, claims).unwrap();
            assert!(words.contains(says), "{issuer}: {words}");
        }
        assert!(Provider::new("Work/1", &config(google, &[("hd", "x")])).is_err(), "it stands in addresses");
    }
}
