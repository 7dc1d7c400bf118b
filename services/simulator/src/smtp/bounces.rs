//! Bounces: what a mail server says later about a mail that it had taken, as a delivery report (RFC 3464) to the envelope's sender.
//!
//! The report is a whole mail. Nothing here sends mail: it is posted to whoever takes bounces in, as the sender's own mail server
//! would hand it on. A mail with an empty return address gets none.

use std::sync::Arc;

use crate::behaviour::Returns;
use crate::callback::{Callback, ReceiptsTo, Report};
use crate::world::World;

/// A mail that was accepted and does not arrive.
pub(super) struct Returned {
    /// The server's id of it.
    pub(super) id: String,
    /// The envelope's sender.
    pub(super) sender: String,
    /// The recipient.
    pub(super) to: String,
    /// Its headers as they came.
    pub(super) headers: String,
    /// What is said of it.
    pub(super) returns: Returns,
}

/// Brings reports back.
pub(crate) struct Postman {
    callback: Callback,
    world: Arc<World>,
}

impl Postman {
    pub(crate) fn new(
        world: Arc<World>,
        target: Option<ReceiptsTo>,
        believed: rustls::RootCertStore,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self { callback: Callback::new(Arc::clone(&world), target, believed)?, world })
    }

    /// From now on bounces go there, those that are waiting included.
    pub(crate) fn send_to(&self, target: ReceiptsTo) {
        self.callback.send_to(target);
    }

    /// Promises a report about an accepted mail.
    pub(super) fn promise(self: &Arc<Self>, returned: Returned) {
        if returned.sender.is_empty() {
            return;
        }
        let postman = Arc::clone(self);
        self.world.tasks.spawn(async move {
            let stopping = postman.world.stopping.clone();
            stopping.run_until_cancelled(postman.carry(returned)).await;
        });
    }

    async fn carry(&self, returned: Returned) {
        let copies = self.callback.due().await;
        let report = Report {
            status: verdict(returned.returns).action,
            content_type: "message/rfc822",
            body: report(&returned).into_bytes(),
            id: returned.id,
        };
        self.callback.say(&report, copies).await;
    }
}

struct Verdict {
    action: &'static str,
    status: &'static str,
    words: &'static str,
}

fn verdict(returns: Returns) -> Verdict {
    match returns {
        Returns::NoSuchMailbox => {
            Verdict { action: "failed", status: "5.1.1", words: "550 5.1.1 nobody of this name is here" }
        }
        Returns::GivenUp => {
            Verdict { action: "failed", status: "4.4.7", words: "451 4.4.1 no answer for four days" }
        }
        Returns::Delayed => {
            Verdict { action: "delayed", status: "4.2.2", words: "452 4.2.2 the mailbox is full" }
        }
    }
}

fn report(returned: &Returned) -> String {
    let Returned { id, sender, to, headers, returns } = returned;
    let Verdict { action, status, words } = verdict(*returns);
    let boundary = format!("report-{id}");
    [
        "From: Mail delivery <mailer-daemon@mail.example.org>",
        &format!("To: {sender}"),
        "Subject: About your mail",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        &format!(" boundary=\"{boundary}\""),
        "",
        &format!("--{boundary}"),
        "Content-Type: text/plain; charset=utf-8",
        "",
        &format!("Your mail to {to}: {words}"),
        "",
        &format!("--{boundary}"),
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mail.example.org",
        "",
        &format!("Final-Recipient: rfc822; {to}"),
        &format!("Action: {action}"),
        &format!("Status: {status}"),
        &format!("Diagnostic-Code: smtp; {words}"),
        "",
        &format!("--{boundary}"),
        "Content-Type: text/rfc822-headers",
        "",
        headers,
        "",
        &format!("--{boundary}--"),
        "",
    ]
    .join("\r\n")
}
