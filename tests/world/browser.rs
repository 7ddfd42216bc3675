//! A real Chromium with the phone page in it, as wide as a phone.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{PATIENCE, until};

pub struct Browser {
    pub page: Client,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens the page 390 points wide.
    pub async fn open(url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a free port")
            .local_addr()
            .expect("bound")
            .port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("start chromedriver; on Debian it is in chromium-driver, and ./test installs it");
        let profile = tempfile::tempdir().expect("a temporary folder");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({"goog:chromeOptions": {
            "args": arguments,
            "mobileEmulation": {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2.0, "touch": true}},
        }});
        let serde_json::Value::Object(capabilities) = capabilities else {
            unreachable!("an object was written")
        };
        let driver_url = format!("http://127.0.0.1:{port}");
        let page = until("chromedriver answers", || async {
            let mut client = ClientBuilder::new(HttpConnector::new());
            client
                .capabilities(capabilities.clone())
                .connect(&driver_url)
                .await
                .ok()
        })
        .await;
        page.goto(url).await.expect("the page opens");
        Self {
            page,
            _driver: driver,
            _profile: profile,
        }
    }

    /// Clicks what this CSS selector finds, as soon as it is there.
    pub async fn click(&self, selector: &str) {
        self.wait(selector).await;
        // The page draws itself anew with each piece of news, so an element may go between finding and clicking.
        until(&format!("a click on {selector}"), || async {
            self.page
                .find(Locator::Css(selector))
                .await
                .ok()?
                .click()
                .await
                .ok()
        })
        .await;
    }

    /// Clicks the last element with this selector and these words.
    pub async fn click_words(&self, selector: &str, words: &str) {
        let script = "const found = [...document.querySelectorAll(arguments[0])]
                          .filter(e => e.textContent.includes(arguments[1]));
                      found.at(-1)?.click(); return found.length > 0;";
        until(&format!("{selector} with {words:?} to click"), || async {
            let clicked = self
                .page
                .execute(script, vec![json!(selector), json!(words)])
                .await
                .ok()?;
            clicked.as_bool()?.then_some(())
        })
        .await;
    }

    pub async fn write(&self, selector: &str, text: &str) {
        self.wait(selector).await;
        let field = self
            .page
            .find(Locator::Css(selector))
            .await
            .expect("the field is there");
        field.send_keys(text).await.expect("type");
    }

    pub async fn wait(&self, selector: &str) {
        let found = self
            .page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(selector))
            .await;
        if let Err(error) = found {
            let picture = self.screenshot("failed").await;
            panic!("{selector} never came ({error}); see {}", picture.display());
        }
    }

    /// Waits until an element with this selector shows these words.
    pub async fn reads(&self, selector: &str, words: &str) {
        let script = "return [...document.querySelectorAll(arguments[0])].some(e => e.textContent.includes(arguments[1]));";
        until(&format!("{words:?} in {selector}"), || async {
            let shown = self
                .page
                .execute(script, vec![json!(selector), json!(words)])
                .await
                .ok()?;
            shown.as_bool()?.then_some(())
        })
        .await;
    }

    /// What a person sees now, kept under the build's folder of passing things.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("make the folder for screenshots");
        let path = folder.join(format!("{name}.png"));
        let png = self.page.screenshot().await.expect("a screenshot");
        std::fs::write(&path, png).expect("write the screenshot");
        path
    }
}
