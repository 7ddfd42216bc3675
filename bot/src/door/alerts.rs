//! `POST /v1/alerts`: something a person must know.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use kymo_door::Alert;

use super::DoorState;
use super::answer::Refusal;

const LONGEST_KEY: usize = 300;

/// Takes the alert in; 202 once it is durable. The same id again changes nothing.
#[utoipa::path(
    post, path = "/v1/alerts", security(("token" = [])), request_body = Alert,
    responses((status = 202, description = "it is durable"), (status = 400, body = Refusal),
        (status = 401, body = Refusal), (status = 503, body = Refusal))
)]
pub async fn post_alert(
    State(state): State<DoorState>,
    alert: Result<Json<Alert>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let Json(alert) = alert?;
    if alert.key.is_empty() || alert.key.len() > LONGEST_KEY {
        return Err(Refusal::bad(
            format!("the alert's key has {} bytes", alert.key.len()),
            format!("name the incident in 1 to {LONGEST_KEY} bytes"),
        ));
    }
    if alert.title.trim().is_empty() {
        return Err(Refusal::bad(
            "the alert has no title",
            "say in one line what happened",
        ));
    }
    state.alerts.raise(&alert).await?;
    Ok(StatusCode::ACCEPTED)
}
