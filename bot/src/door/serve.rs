//! Listening, and who answers what.

use std::net::SocketAddr;

use anyhow::Context;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::answer::Refusal;
use super::{DoorState, access, alerts, health, messages, openapi, panels};

const LARGEST_BODY: usize = 12 * 1024 * 1024;

/// Takes the address, so that a port in use is known before anything else starts.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "the door's address {listen} is in use by another program (perhaps another kymo); stop it, or choose another with --listen"
        ),
        std::io::ErrorKind::AddrNotAvailable => anyhow::anyhow!(
            "the door's address {listen} is not an address of this machine; choose another with --listen"
        ),
        std::io::ErrorKind::PermissionDenied => anyhow::anyhow!(
            "the door may not listen at {listen}; choose a port above 1023 with --listen"
        ),
        _ => anyhow::Error::new(error).context(format!("listen at {listen}")),
    })
}

/// Serves until `stop`; requests under way are answered first.
pub async fn run(listener: TcpListener, state: DoorState, stop: CancellationToken) -> anyhow::Result<()> {
    axum::serve(listener, router(state))
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
        .context("serve the door")
}

fn router(state: DoorState) -> Router {
    let guarded = Router::new()
        .route(
            "/v1/panels/{topic}",
            get(panels::get_panel).put(panels::put_panel),
        )
        .route("/v1/alerts", post(alerts::post_alert))
        .route("/v1/messages", post(messages::post_message))
        .route("/v1/messages/{key}", put(messages::put_message))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), access::check));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/openapi.json", get(openapi::get_openapi))
        .merge(guarded)
        .fallback(|| async {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "the door has nothing there",
                "see /openapi.json for what it has",
            )
        })
        .method_not_allowed_fallback(|| async {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "the door does not do this there",
                "see /openapi.json",
            )
        })
        .with_state(state)
}
