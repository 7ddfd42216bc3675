//! `GET /healthz`: the door is open.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::DoorState;

#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `connected` once Telegram has answered, `waiting` before.
    telegram: &'static str,
    version: &'static str,
}

/// Answers as soon as the door is open; needs no token.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health)))]
pub async fn healthz(State(state): State<DoorState>) -> Json<Health> {
    let telegram = if state.telegram.is() {
        "connected"
    } else {
        "waiting"
    };
    Json(Health {
        telegram,
        version: env!("CARGO_PKG_VERSION"),
    })
}
