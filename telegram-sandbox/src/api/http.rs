//! One call over HTTP: token, parameters, faults, the method, the note of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::args::Args;
use super::error::ApiError;
use super::method::{self, Answer, Method, Run, edit_media};
use super::{request, updates};
use crate::control::orders::Fault;
use crate::server::{Shared, lock};

/// `/bot<token>/<method>`; the second value says that the connection must break.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    token: &str,
    method: &str,
    request: Request,
) -> (Response, bool) {
    let args = request::read(request).await;
    if let Err(refusal) = check_token(shared, token) {
        return (answer(&Err(refusal)), false);
    }
    let chat = args.as_ref().ok().and_then(Args::chat_hint);
    let fault = lock(&shared.world).faults.take(method, chat);
    let mut lost = false;
    let result = match fault {
        None => carry_out(shared, method, args).await,
        Some(Fault::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            carry_out(shared, method, args).await
        }
        Some(Fault::LostAnswer) => {
            lost = true;
            carry_out(shared, method, args).await
        }
        Some(Fault::Reset) => {
            lost = true;
            Err(ApiError::server(500))
        }
        Some(Fault::TooMany { retry_after }) => Err(ApiError::too_many(retry_after)),
        Some(Fault::Server { code }) => Err(ApiError::server(code)),
        Some(Fault::Refuse { code, description }) => Err(ApiError {
            code,
            description,
            retry_after: None,
            migrate_to: None,
        }),
    };
    lock(&shared.world).note_call(method, chat, &result, lost);
    if let Err(refusal) = &result {
        tracing::debug!(
            method,
            code = refusal.code,
            reason = refusal.description,
            "call refused"
        );
    }
    (answer(&result), lost)
}

fn check_token(shared: &Shared, token: &str) -> Result<(), ApiError> {
    match token == shared.config.token {
        true => Ok(()),
        false
            if token
                .split_once(':')
                .is_some_and(|(id, key)| id.parse::<i64>().is_ok() && !key.is_empty()) =>
        {
            Err(ApiError::unauthorized())
        }
        // Telegram does not even look at what cannot be a token.
        false => Err(ApiError {
            code: 404,
            description: "Not Found".into(),
            retry_after: None,
            migrate_to: None,
        }),
    }
}

async fn carry_out(shared: &Shared, name: &str, args: Result<Args, ApiError>) -> Answer {
    let method: &Method = method::find(name).ok_or_else(ApiError::no_method)?;
    let args = args?;
    args.check(method)?;
    match method.run {
        Run::Now(run) => run(&mut lock(&shared.world), &args),
        Run::GetUpdates => updates::get_updates(&shared.world, &args).await,
        Run::EditMedia => edit_media::run(&shared.world, &args, shared.config.media_edit_time).await,
    }
}

fn answer(result: &Answer) -> Response {
    match result {
        Ok(value) => Json(json!({ "ok": true, "result": value })).into_response(),
        Err(refusal) => {
            let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body: Value = refusal.to_json();
            let mut response = (code, Json(body)).into_response();
            if let Some(seconds) = refusal.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
    }
}

/// `/file/bot<token>/<file_path>`.
pub(crate) fn download(shared: &Shared, token: &str, path: &str) -> Response {
    if let Err(refusal) = check_token(shared, token) {
        return answer(&Err(refusal));
    }
    let world = lock(&shared.world);
    let found = world
        .files
        .find_path(path)
        .and_then(|f| world.files.bytes(&f.sha256));
    match found {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        None => answer(&Err(ApiError {
            code: 404,
            description: "Not Found".into(),
            retry_after: None,
            migrate_to: None,
        })),
    }
}
