//! Who may come in: whoever knows the token.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::DoorState;
use super::answer::{Reason, Refusal};

pub(super) async fn check(State(state): State<DoorState>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if !same(given.trim(), state.token.expose_secret()) {
        return Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the door does not know this token",
            "send `Authorization: Bearer <token>` with the content of the file door.token in the bot's data folder",
        )
        .into_response();
    }
    let response = next.run(request).await;
    if response.status().is_server_error()
        && let Some(Reason(reason)) = response.extensions().get()
        && state.said.is_news(reason)
    {
        tracing::error!("the door refuses requests: {reason}");
    }
    response
}

/// Takes the same time wherever the two differ, and whatever their lengths.
fn same(given: &str, token: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(token)).into()
}
