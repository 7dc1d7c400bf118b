//! A real browser: Debian's Chromium without a window, led through WebDriver by its own driver.
//!
//! Each [`Browser`] has a driver, a port and a profile of its own, and leaves nothing behind. It loads
//! nothing but what a test opens: everything that Chromium would ask of its makers is switched off.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::wait::{PATIENCE, until};

/// Width and height of a window in CSS pixels.
pub type Size = (u32, u32);

/// How often a driver is started before the test gives up.
const PORTS_TRIED: usize = 10;

type Words = Lines<BufReader<ChildStdout>>;

/// The narrowest window in which WCAG 2.2 (1.4.10, reflow) asks for no scrolling to the side.
pub const NARROW: Size = (320, 640);

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// As nearly everywhere.
    Run,
    /// As a visitor may have chosen, or a network that cuts them off.
    AreOff,
}

/// A browser with one window.
pub struct Browser {
    // In this order: the session ends while its driver lives, and its folder goes last.
    driver: WebDriver,
    process: Child,
    // The driver would stop when nobody held its output.
    _words: Words,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// When there is none: `make test` installs it (`deploy/tools/install chromium`).
    pub async fn start(scripts: Scripts) -> Self {
        schoolbell::app::choose_tls();
        let folder = tempfile::tempdir().unwrap();
        let (process, words, port) = launch().await;
        let url = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::builder(url, capabilities(folder.path(), scripts))
            .request_timeout(PATIENCE)
            .connect()
            .await
            .expect("chromium: deploy/tools/install chromium");
        Self { driver, process, _words: words, _folder: folder }
    }

    /// Everything that WebDriver can do.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens an address and waits until it is loaded.
    pub async fn open(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    /// Gives the window's inside this size.
    pub async fn resize(&self, (width, height): Size) {
        self.driver.cdp().emulation().set_device_metrics_override(width, height, 1.0, false).await.unwrap();
        let expected = json!([width, height]);
        let inside = || self.ask("return [innerWidth, innerHeight]");
        until("the size", inside, |inside| *inside == expected).await;
    }

    /// What a script answers that runs in the window.
    pub async fn ask(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Asks until the answer is the expected one.
    pub async fn shows(&self, what: &str, script: &str, expected: Value) {
        until(what, || self.ask(script), |answer| *answer == expected).await;
    }

    /// What keeps people from using the page: axe-core's serious and critical findings, each with where.
    ///
    /// # Panics
    /// When there is no axe-core: `make test` installs it (`deploy/tools/install axe`).
    pub async fn barriers(&self) -> Vec<String> {
        let axe = std::fs::read_to_string(crate::installation::tools().join("axe.min.js"));
        let axe = axe.expect("axe-core: deploy/tools/install axe");
        self.driver.execute(axe, Vec::new()).await.unwrap();
        let run = "return axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations\
                   .filter((one) => ['serious', 'critical'].includes(one.impact))\
                   .flatMap((one) => one.nodes.map((node) => one.id + ': ' + node.target.join(' '))))";
        serde_json::from_value(self.ask(run).await).unwrap()
    }

    /// How many pixels of the page lie beyond the right edge of its window.
    pub async fn beyond_the_edge(&self) -> Value {
        self.ask("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await
    }

    /// Keeps a picture of what is seen, for people to look at: `target/browser/NAME.png`.
    pub async fn picture(&self, name: &str) {
        let folder = pictures();
        std::fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    /// Ends the browser and its driver.
    pub async fn quit(mut self) {
        self.driver.quit().await.unwrap();
        self.process.kill().await.unwrap();
    }
}

/// Starts a driver; where it can be reached. It wants the same port for IPv4 as the system has picked for
/// IPv6, and ends when somebody has that one.
async fn launch() -> (Child, Words, u16) {
    let mut started = None;
    for _ in 0..PORTS_TRIED {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "chromedriver", "--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("setpriv, of util-linux");
        let mut words = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = tokio::time::timeout(PATIENCE, port(&mut words)).await;
        if let Some(port) = port.expect("the driver starts or ends") {
            started = Some((process, words, port));
            break;
        }
    }
    started.expect("chromedriver: deploy/tools/install chromium")
}

/// None when the driver ends without having said it.
async fn port(words: &mut Words) -> Option<u16> {
    while let Some(line) = words.next_line().await.unwrap() {
        if let Some((_, port)) = line.rsplit_once("successfully on port ") {
            return port.trim_end_matches('.').parse().ok();
        }
    }
    None
}

fn capabilities(folder: &Path, scripts: Scripts) -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    // A browser whose driver is killed would live on.
    let program = folder.join("chromium");
    std::fs::write(&program, "#!/bin/sh\nexec setpriv --pdeathsig KILL chromium \"$@\"\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    capabilities.set_binary(&program.to_string_lossy()).unwrap();
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    for argument in [
        "--headless=new",
        // Tests may run as root, for whom Chromium has no sandbox; it opens our own pages only.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-breakpad",
        "--lang=en-GB",
        &profile,
    ] {
        capabilities.add_arg(argument).unwrap();
    }
    if scripts == Scripts::AreOff {
        let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
        capabilities.add_experimental_option("prefs", prefs).unwrap();
    }
    capabilities
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/browser")
}
