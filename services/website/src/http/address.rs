//! Where visitors find this website, for what must name itself by its whole address.
//!
//! It is what the settings say, so that every replica and every proxy gives the same; without a
//! setting it is what the visitor has asked for.

use std::str::FromStr;

use anyhow::{Context, bail};
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, Uri, header};
use kit::config::Mode;
use proto::ids::SchoolId;

/// Where this website is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At this address, without a stroke at its end.
    Set(String),
    /// At the host that was asked, by this scheme.
    Asked(Scheme),
}

impl Address {
    /// From `website.public_url`. In production nothing is served without TLS, whoever speaks it.
    pub fn new(public_url: Option<&str>, mode: Mode) -> anyhow::Result<Self> {
        let scheme = if mode == Mode::Production { Scheme::HTTPS } else { Scheme::HTTP };
        let Some(text) = public_url else { return Ok(Self::Asked(scheme)) };
        let url = Uri::from_str(text).context("website.public_url is no address")?;
        let whole = url.scheme().is_some() && url.path() == "/" && url.query().is_none();
        if !whole || url.authority().is_none_or(names_somebody) {
            bail!("website.public_url is not a scheme and a host, such as https://alerts.example.org");
        }
        if mode == Mode::Production && url.scheme() != Some(&Scheme::HTTPS) {
            bail!("production refuses website.public_url without https");
        }
        Ok(Self::Set(text.trim_end_matches('/').to_owned()))
    }

    /// The whole address of a school's pages, with a stroke at its end; none when the visitor did
    /// not say whom they ask.
    pub fn of(&self, school: SchoolId, asked: &HeaderMap) -> Option<String> {
        let place = match self {
            Self::Set(place) => place.clone(),
            Self::Asked(scheme) => {
                let host = asked.get(header::HOST)?.to_str().ok()?;
                let host = Authority::from_str(host).ok().filter(|host| !names_somebody(host))?;
                format!("{scheme}://{host}")
            }
        };
        Some(format!("{place}/website/{school}/"))
    }
}

fn names_somebody(authority: &Authority) -> bool {
    authority.as_str().contains('@')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(host: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))])
    }

    #[test]
    fn the_address_that_is_set_counts_whoever_is_asked() {
        let school = SchoolId::generate();
        for text in ["https://alerts.example.org", "https://alerts.example.org/"] {
            let address = Address::new(Some(text), Mode::Production).unwrap();
            let home = Some(format!("https://alerts.example.org/website/{school}/"));
            assert_eq!(address.of(school, &asked("evil.test")), home);
            assert_eq!(address.of(school, &HeaderMap::new()), home);
        }
    }

    #[test]
    fn without_one_it_is_the_host_that_was_asked_if_that_is_one() {
        let school = SchoolId::generate();
        let trial = Address::new(None, Mode::Trial).unwrap();
        let home = |host| trial.of(school, &asked(host));
        assert_eq!(home("127.0.0.1:7401"), Some(format!("http://127.0.0.1:7401/website/{school}/")));
        for host in ["", "a b", "a/b", "user@host", "\"><script>"] {
            assert_eq!(home(host), None, "{host}");
        }
        assert_eq!(trial.of(school, &HeaderMap::new()), None);
        let production = Address::new(None, Mode::Production).unwrap();
        assert!(
            production.of(school, &asked("a.example.org")).unwrap().starts_with("https://a.example.org/")
        );
    }

    #[test]
    fn what_is_no_address_of_a_host_is_refused_at_the_start() {
        for text in [
            "",
            "alerts.example.org",
            "https://",
            "https://a.test/path",
            "https://a.test?x",
            "https://u@a.test",
        ] {
            assert!(Address::new(Some(text), Mode::Trial).is_err(), "{text}");
        }
        assert!(Address::new(Some("http://a.test"), Mode::Trial).is_ok());
        assert!(Address::new(Some("http://a.test"), Mode::Production).is_err());
    }
}
