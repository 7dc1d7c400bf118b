//! `schoolbell redeliver`: sends again to those whom nothing reached.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use proto::dispatcher::v1::RedeliverRequest;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::dispatcher::v1::redeliver_request::What;
use proto::ids::{EventId, GatheringId, NoticeId};

use super::caller::Caller;
use crate::app;
use crate::settings::Settings;

/// What is sent again.
#[derive(Debug, Args)]
pub struct Redeliver {
    /// A notice (`ntc_…`) or a gathering (`gth_…`), as `schoolbell trace` prints them.
    id: String,
    /// Why; it is kept.
    #[arg(long)]
    why: String,
    /// The same for the same wish: asked twice, it is done once. Made up when it is not given.
    #[arg(long)]
    request_id: Option<String>,
    #[command(flatten)]
    caller: Caller,
}

impl Redeliver {
    /// Asks the dispatcher, and says what came of it.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let what = if self.id.parse::<GatheringId>().is_ok() {
            What::GatheringId(self.id)
        } else if self.id.parse::<NoticeId>().is_ok() {
            What::NoticeId(self.id)
        } else {
            bail!("{} is neither a notice nor a gathering", self.id);
        };
        let bearer = self.caller.bearer(settings, &["office"])?;
        let mut client = DispatcherServiceClient::connect(app::way_to(settings, "dispatcher")?)
            .await
            .context("the dispatcher cannot be reached; is Schoolbell running?")?;
        let request_id = self.request_id.unwrap_or_else(|| EventId::generate().to_string());
        let request = RedeliverRequest { request_id, what: Some(what), why: self.why };
        let answer = client.redeliver(bearer.with(request)).await;
        let answer = answer
            .map_err(|status| anyhow::anyhow!("the dispatcher refused: {}", status.message()))?
            .into_inner();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} messages go to {} contacts again", answer.messages, answer.contacts)?;
        writeln!(
            out,
            "{} contacts are left alone: it reached them, may have, or is on its way",
            answer.left_alone
        )?;
        if answer.tasks > 0 {
            writeln!(out, "{} tasks for people whom no message reaches", answer.tasks)?;
        }
        if answer.over > 0 {
            writeln!(
                out,
                "{} notices hold no longer or come too late: nothing of them is sent",
                answer.over
            )?;
        }
        Ok(())
    }
}
