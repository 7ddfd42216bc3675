//! Errors as the door's callers get them: `{"error":"...","remedy":"..."}`.

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kymo_store::StoreError;
use serde::Serialize;

use crate::outbox::SendError;
use crate::panel::PanelError;
use crate::telegram::TelegramError;

/// A refusal: what is wrong, and what helps.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Refusal {
    #[serde(skip)]
    status: u16,
    pub error: String,
    pub remedy: String,
}

/// Why, for the log.
#[derive(Clone)]
pub(super) struct Reason(pub String);

impl Refusal {
    pub fn new(status: StatusCode, error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            error: error.into(),
            remedy: remedy.into(),
        }
    }

    pub fn bad(error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, remedy)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reason = Reason(self.error.clone());
        let mut response = (status, Json(self)).into_response();
        response.extensions_mut().insert(reason);
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            error.to_string(),
            "keep it and send it again",
        )
    }
}

impl From<PanelError> for Refusal {
    fn from(error: PanelError) -> Self {
        match error {
            PanelError::Store(error) => error.into(),
            PanelError::Closed => closed(),
        }
    }
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => closed(),
            SendError::Telegram(error) => {
                let remedy = match &error {
                    TelegramError::Forbidden(_) | TelegramError::ChatGone => {
                        "let the bot into the chat, or have the person press Start"
                    }
                    TelegramError::TooBig => {
                        "send a smaller picture: at most 10 MB, width and height together 10000"
                    }
                    TelegramError::Away(_) | TelegramError::Lost(_) | TelegramError::Flooded(_) => {
                        "keep it and send it again"
                    }
                    _ => "check the request against /openapi.json",
                };
                Self::new(StatusCode::BAD_GATEWAY, error.to_string(), remedy)
            }
        }
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        let remedy = "send JSON as /openapi.json describes it, with Content-Type: application/json";
        Self::new(rejection.status(), rejection.body_text(), remedy)
    }
}

impl From<MultipartError> for Refusal {
    fn from(error: MultipartError) -> Self {
        Self::new(
            error.status(),
            error.body_text(),
            "send the parts as multipart/form-data, 12 MB at most",
        )
    }
}

fn closed() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the bot is shutting down",
        "keep it and send it again",
    )
}
