//! Somebody's browser at the staff console, without eyes: it keeps cookies and follows nothing by itself.

use std::collections::BTreeMap;

use proto::options::v1::Role;
use reqwest::header::SET_COOKIE;
use reqwest::{Client, RequestBuilder, StatusCode};

use crate::School;

/// A visit.
pub struct Visit {
    client: Client,
    console: String,
    cookies: BTreeMap<String, String>,
}

/// What came back.
pub struct Page {
    /// How it is.
    pub status: StatusCode,
    /// Where it leads on; empty when it does not.
    pub leads: String,
    /// The page itself.
    pub text: String,
}

impl Page {
    /// What stands in a hidden field.
    pub fn field(&self, name: &str) -> String {
        self.after(&format!("name=\"{name}\" value=\""))
    }

    /// What stands between these words and the next quotation mark.
    pub fn after(&self, words: &str) -> String {
        let (_, rest) = self.text.split_once(words).unwrap();
        rest.split_once('"').unwrap().0.replace("&#38;", "&")
    }
}

impl Visit {
    /// By nobody yet.
    pub fn by_nobody(school: &School) -> Self {
        schoolbell::app::choose_tls();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, console: format!("http://{}/console", school.http), cookies: BTreeMap::new() }
    }

    /// By somebody with this role, who came by a link of the command line.
    pub async fn to(school: &School, role: Role) -> Self {
        Self::with(school, &school.token(school.id, role)).await
    }

    /// By whoever has this link of the command line.
    pub async fn with(school: &School, token: &str) -> Self {
        let mut visit = Self::by_nobody(school);
        visit.post("/enter", &[("token", token)]).await;
        visit
    }

    /// Whether the browser has a session.
    pub fn is_signed_in(&self) -> bool {
        self.cookies.contains_key("schoolbell")
    }

    /// Writes something else into what it keeps.
    pub fn tampers(&mut self, cookie: &str, with: impl FnOnce(&str) -> String) {
        let kept = self.cookies.get_mut(cookie).unwrap();
        *kept = with(kept);
    }

    /// Forgets what it keeps.
    pub fn forgets(&mut self) {
        self.cookies.clear();
    }

    async fn sent(&mut self, request: RequestBuilder) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") || value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let leads = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let status = answer.status();
        Page { status, leads: leads.unwrap_or_default(), text: answer.text().await.unwrap() }
    }

    /// Looks at a page of the console.
    pub async fn get(&mut self, page: &str) -> Page {
        self.look(&format!("{}{page}", self.console)).await
    }

    /// Looks at whatever stands at this address.
    pub async fn look(&mut self, address: &str) -> Page {
        self.sent(self.client.get(address)).await
    }

    /// Follows from page to page, here and elsewhere, until one leads no further or to the console's.
    pub async fn follow(&mut self, mut address: String) -> Page {
        loop {
            let page = self.look(&address).await;
            if page.leads.is_empty() || page.leads.starts_with("/console") {
                return page;
            }
            address = reqwest::Url::parse(&address).unwrap().join(&page.leads).unwrap().into();
        }
    }

    /// Sends a form of the console.
    pub async fn post(&mut self, page: &str, fields: &[(&str, &str)]) -> Page {
        self.sent(self.client.post(format!("{}{page}", self.console)).form(fields)).await
    }

    /// What every form of this visit carries.
    pub async fn mark(&mut self) -> String {
        self.get("/sessions").await.field("mark")
    }
}
