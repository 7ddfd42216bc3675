//! A door that takes every picture at once, so that a graph worker draws as fast as records come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::put;
use axum::{Json, Router};
use kymo_door::PanelAnswer;
use tokio::net::TcpListener;
use url::Url;

pub struct StandInDoor {
    pub url: Url,
    pictures: Arc<AtomicU64>,
    server: tokio::task::JoinHandle<()>,
}

impl StandInDoor {
    pub async fn open() -> anyhow::Result<Self> {
        let pictures = Arc::new(AtomicU64::new(0));
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("find a free port")?;
        let url = Url::parse(&format!("http://{}", listener.local_addr()?))?;
        let app = Router::new()
            .route("/v1/panels/{topic}", put(take))
            .layer(DefaultBodyLimit::max(16 << 20))
            .with_state(pictures.clone());
        let server = tokio::spawn(async move {
            // It ends with the bench.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            url,
            pictures,
            server,
        })
    }

    pub fn pictures(&self) -> u64 {
        self.pictures.load(Ordering::Relaxed)
    }
}

impl Drop for StandInDoor {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(pictures): State<Arc<AtomicU64>>, _picture: Bytes) -> Json<PanelAnswer> {
    pictures.fetch_add(1, Ordering::Relaxed);
    Json(PanelAnswer {
        next_in_ms: 0,
        shown_in: 1,
        theme: "light".into(),
    })
}
