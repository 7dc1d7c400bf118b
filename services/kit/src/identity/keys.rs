//! Keys: making, keeping and using them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proto::options::v1::Role;

use super::{Caller, Claims, SERVICE_TOKEN_FOR, role_name};
use crate::Tenant;
use crate::config::Issuer;
use crate::folder::make_private;

/// Why there is no key, or no token.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file of a key cannot be read or written.
    #[error("the key file of {name} cannot be used")]
    File {
        /// Whose key.
        name: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no Ed25519 key in PKCS #8 PEM.
    #[error("the key file of {name} holds no Ed25519 key in PKCS #8 PEM")]
    Pem {
        /// Whose key.
        name: String,
    },
    /// The machine gives no randomness.
    #[error("the machine gives no random bytes")]
    Random,
    /// A token cannot be signed.
    #[error("a token cannot be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// The private keys of one installation, by issuer.
pub struct Keys {
    keys: BTreeMap<String, SigningKey>,
}

impl Keys {
    /// Reads the key of each issuer from its file in `folder`, and makes the ones that are not
    /// there yet. Files are readable by their owner only.
    pub fn open(folder: &Path, issuers: &[&str]) -> Result<Self, KeyError> {
        Self::gather(folder, issuers, &BTreeMap::new())
    }

    /// The same, with files elsewhere for some of the issuers, which must be there.
    pub fn gather(
        folder: &Path,
        issuers: &[&str],
        elsewhere: &BTreeMap<String, PathBuf>,
    ) -> Result<Self, KeyError> {
        let mut keys = BTreeMap::new();
        for name in issuers {
            let (given, own) = (elsewhere.get(*name), folder.join(format!("{name}.pem")));
            if given.is_none() && !own.exists() {
                create(name, &own)?;
            }
            let key = read(name, given.unwrap_or(&own))?;
            keys.insert((*name).to_owned(), key);
        }
        Ok(Self { keys })
    }

    /// A signer with the key of this issuer.
    pub fn signer(&self, issuer: &str) -> Result<Signer, KeyError> {
        let pem = || KeyError::Pem { name: issuer.to_owned() };
        let key = self.keys.get(issuer).ok_or_else(pem)?;
        let der = key.to_pkcs8_der().map_err(|_| pem())?;
        Ok(Signer {
            issuer: issuer.to_owned(),
            key: EncodingKey::from_ed_der(der.as_bytes()),
            fresh: Arc::default(),
        })
    }

    /// The public half of a key, and the roles that it may grant, as they stand in the settings.
    #[must_use]
    pub fn issuer(&self, name: &str, may_grant: &[Role]) -> Option<Issuer> {
        self.keys.get(name).map(|key| Issuer {
            public_key: URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()),
            may_grant: may_grant.iter().map(|role| role_name(*role)).collect(),
        })
    }
}

/// Makes tokens in the name of one issuer.
#[derive(Clone)]
pub struct Signer {
    issuer: String,
    key: EncodingKey,
    fresh: Arc<Mutex<HashMap<Caller, (Timestamp, String)>>>,
}

/// For so long a token that lives for a minute is used again: half its life, so that a clock that goes
/// otherwise does not end it on its way.
const USED_AGAIN_FOR: SignedDuration = SignedDuration::from_secs(30);
/// How many of them are kept.
const MOST_FRESH: usize = 1_024;

impl Signer {
    /// A token for somebody. `now` is real time, because whoever checks it uses real time.
    pub fn token(
        &self,
        subject: &str,
        school: Tenant,
        roles: &[Role],
        life: (Timestamp, SignedDuration),
    ) -> Result<String, KeyError> {
        let (now, lives_for) = life;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: "schoolbell".to_owned(),
            sub: subject.to_owned(),
            school,
            roles: roles.iter().map(|role| role_name(*role)).collect(),
            iat: now.as_second(),
            exp: now.saturating_add(lives_for).unwrap_or(now).as_second(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.issuer.clone());
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(KeyError::Sign)
    }

    /// A token in the issuer's own name, as a service, that lives for a minute or what is left of it.
    pub fn own_token(&self, school: Tenant, now: Timestamp) -> Result<String, KeyError> {
        self.token_of(
            &Caller { subject: self.issuer.clone(), tenant: school, roles: vec![Role::Service] },
            now,
        )
    }

    /// A token for whoever is served, that lives for a minute or what is left of it.
    pub fn token_of(&self, caller: &Caller, now: Timestamp) -> Result<String, KeyError> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let used_again = |made_at: Timestamp| made_at <= now && now.duration_since(made_at) < USED_AGAIN_FOR;
        if let Some((made_at, token)) = fresh.get(caller)
            && used_again(*made_at)
        {
            return Ok(token.clone());
        }
        let life = (now, SERVICE_TOKEN_FOR);
        let token = self.token(&caller.subject, caller.tenant, &caller.roles, life)?;
        if fresh.len() >= MOST_FRESH {
            fresh.retain(|_, (made_at, _)| used_again(*made_at));
        }
        if fresh.len() < MOST_FRESH {
            fresh.insert(caller.clone(), (now, token.clone()));
        }
        Ok(token)
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

fn read(name: &str, path: &Path) -> Result<SigningKey, KeyError> {
    let pem =
        std::fs::read_to_string(path).map_err(|source| KeyError::File { name: name.to_owned(), source })?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::Pem { name: name.to_owned() })
}

/// Makes a key file whole or not at all. Of processes that do so at once in a shared folder the
/// first one's stays, and all read it.
fn create(name: &str, path: &Path) -> Result<(), KeyError> {
    let file = |source| KeyError::File { name: name.to_owned(), source };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| KeyError::Random)?;
    let key = SigningKey::from_bytes(&seed);
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Pem { name: name.to_owned() })?;
    if let Some(folder) = path.parent() {
        make_private(folder).map_err(file)?;
    }
    let unfinished = path.with_extension(uuid::Uuid::now_v7().simple().to_string());
    crate::store::write_private(&unfinished, pem.as_bytes()).map_err(file)?;
    let made = match std::fs::hard_link(&unfinished, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    };
    made.and(std::fs::remove_file(&unfinished)).map_err(file)
}
