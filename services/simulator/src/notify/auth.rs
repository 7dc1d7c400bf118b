//! GOV.UK Notify's authentication: a JWT signed with the secret of an API key, good for 30 seconds either way.
//!
//! Pure: the header and the time are arguments. It knows one service and its keys, live and revoked, and answers each fault
//! with the server's status and message.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use uuid::Uuid;

use super::error::ApiError;

/// How far a client's clock may be off, in seconds.
const TOLERANCE: i64 = 30;

/// The keys of the one service that this Notify serves.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) service_id: Uuid,
    pub(crate) live: Vec<Uuid>,
    pub(crate) revoked: Vec<Uuid>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<serde_json::Value>,
    iat: Option<i64>,
}

/// Lets a request in, or says why not.
pub(crate) fn check(header: Option<&str>, keys: &Keys, now: Timestamp) -> Result<(), ApiError> {
    let header = header
        .filter(|header| !header.is_empty())
        .ok_or_else(|| unauthorised("authentication token must be provided"))?;
    let token = match header.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token,
        _ => return Err(unauthorised("authentication bearer scheme must be used")),
    };
    let claims: Claims =
        dangerous::insecure_decode_claims(token).map_err(|_| invalid("signature, api token is not valid"))?;
    check_issuer(claims.iss.as_ref(), keys)?;
    if !decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256) {
        return Err(invalid("algorithm used is not HS256"));
    }
    if keys.live.is_empty() && keys.revoked.is_empty() {
        return Err(invalid("service has no API keys"));
    }
    let signed_by = |secret: &Uuid| signed(token, *secret);
    let revoked = keys.revoked.iter().any(signed_by);
    if !revoked && !keys.live.iter().any(signed_by) {
        return Err(invalid("API key not found"));
    }
    let issued_at = claims.iat.ok_or_else(|| invalid("iat field not provided"))?;
    if (now.as_second() - issued_at).abs() > TOLERANCE {
        let message = "Error: Your system clock must be accurate to within 30 seconds";
        return Err(ApiError::new(403, "AuthError", message));
    }
    if revoked { Err(invalid("API key revoked")) } else { Ok(()) }
}

fn check_issuer(issuer: Option<&serde_json::Value>, keys: &Keys) -> Result<(), ApiError> {
    let issuer = issuer.ok_or_else(|| invalid("iss field not provided"))?;
    let service: Uuid = issuer
        .as_str()
        .and_then(|issuer| issuer.parse().ok())
        .ok_or_else(|| invalid("service id is not the right data type"))?;
    if service == keys.service_id { Ok(()) } else { Err(invalid("service not found")) }
}

/// The HMAC key is the text of the secret, dashes included, not its 16 bytes.
fn signed(token: &str, secret: Uuid) -> bool {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Claims>(token, &DecodingKey::from_secret(secret.to_string().as_bytes()), &validation).is_ok()
}

fn unauthorised(message: &str) -> ApiError {
    ApiError::new(401, "AuthError", format!("Unauthorized: {message}"))
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(403, "AuthError", format!("Invalid token: {message}"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    /// From the provider's own client libraries: key `my_test_key-26785a09-…-3d844edf-…`, issued at 1568818578.
    const GOLDEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIyNjc4NWEwOS1hYjE2LTRlYjAtODQwNy1hMzc0OTdhNTc1MDYiLCJpYXQiOjE1Njg4MTg1Nzh9.YT_aQYNif0l3HaPwy62Cj9g0qsYzjnj1K5pLwkELiFw";
    const SERVICE: Uuid = Uuid::from_u128(0x2678_5a09_ab16_4eb0_8407_a374_97a5_7506);
    const SECRET: Uuid = Uuid::from_u128(0x3d84_4edf_8d35_48ac_975b_e847_b4f1_22b0);
    const ISSUED: i64 = 1_568_818_578;

    fn keys() -> Keys {
        Keys { service_id: SERVICE, live: vec![SECRET], revoked: vec![Uuid::from_u128(7)] }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn signed_with(secret: Uuid, algorithm: Algorithm, claims: &Value) -> String {
        let key = EncodingKey::from_secret(secret.to_string().as_bytes());
        format!("Bearer {}", encode(&Header::new(algorithm), claims, &key).unwrap())
    }

    fn refusal(header: &str) -> (u16, String) {
        let error = check(Some(header), &keys(), at(ISSUED)).unwrap_err();
        (error.status, error.errors[0].1.clone())
    }

    #[test]
    fn the_golden_token_is_good_for_thirty_seconds_either_way() {
        let header = format!("Bearer {GOLDEN}");
        for second in [-30, 0, 30] {
            assert_eq!(check(Some(&header), &keys(), at(ISSUED + second)), Ok(()));
        }
        for second in [-31, 31] {
            let error = check(Some(&header), &keys(), at(ISSUED + second)).unwrap_err();
            assert_eq!(error.status, 403);
            assert!(error.why().contains("30 seconds"), "{error:?}");
        }
    }

    #[test]
    fn each_fault_has_its_own_answer() {
        let claims = json!({ "iss": SERVICE, "iat": ISSUED });
        let table = [
            (String::new(), 401, "Unauthorized: authentication token must be provided"),
            ("Basic abc".to_owned(), 401, "Unauthorized: authentication bearer scheme must be used"),
            ("Bearer abc".to_owned(), 403, "Invalid token: signature, api token is not valid"),
            (
                signed_with(SECRET, Algorithm::HS256, &json!({ "iat": ISSUED })),
                403,
                "Invalid token: iss field not provided",
            ),
            (
                signed_with(SECRET, Algorithm::HS256, &json!({ "iss": "school", "iat": ISSUED })),
                403,
                "Invalid token: service id is not the right data type",
            ),
            (
                signed_with(SECRET, Algorithm::HS256, &json!({ "iss": Uuid::from_u128(1), "iat": ISSUED })),
                403,
                "Invalid token: service not found",
            ),
            (
                signed_with(SECRET, Algorithm::HS512, &claims),
                403,
                "Invalid token: algorithm used is not HS256",
            ),
            (
                signed_with(Uuid::from_u128(2), Algorithm::HS256, &claims),
                403,
                "Invalid token: API key not found",
            ),
            (
                signed_with(Uuid::from_u128(7), Algorithm::HS256, &claims),
                403,
                "Invalid token: API key revoked",
            ),
        ];
        for (header, status, message) in table {
            assert_eq!(refusal(&header), (status, message.to_owned()));
        }
    }

    #[test]
    fn a_service_without_keys_says_so() {
        let keys = Keys { live: Vec::new(), revoked: Vec::new(), ..keys() };
        let error = check(Some(&format!("Bearer {GOLDEN}")), &keys, at(ISSUED)).unwrap_err();
        assert_eq!(error.errors[0].1, "Invalid token: service has no API keys");
    }
}
