//! Reads the parameters of a call: query string, form, JSON or multipart.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::Value;

use super::args::{Args, Upload};
use super::error::ApiError;

/// Largest request: a document of 50 MB and its company.
pub(crate) const BODY_LIMIT: usize = 60 * 1024 * 1024;

pub(crate) async fn read(request: Request) -> Result<Args, ApiError> {
    let mut args = Args::default();
    let (head, body) = request.into_parts();
    // Read to its end whatever comes: a connection with an unread rest would be closed under the bot's next call.
    let body = to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|_| ApiError::too_large())?;
    if let Some(query) = head.uri.query() {
        read_pairs(query.as_bytes(), &mut args);
    }
    let kind = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "multipart/form-data" => {
            read_multipart(Request::from_parts(head, Body::from(body)), &mut args).await?;
        }
        "application/json" if !body.is_empty() => read_json(&body, &mut args)?,
        "application/x-www-form-urlencoded" => read_pairs(&body, &mut args),
        _ if body.is_empty() => {}
        _ => {
            return Err(ApiError::bad(format!(
                "the sandbox can't read a body of type \"{kind}\""
            )));
        }
    }
    Ok(args)
}

fn read_pairs(pairs: &[u8], args: &mut Args) {
    for (name, value) in url::form_urlencoded::parse(pairs) {
        args.values
            .insert(name.into_owned(), Value::String(value.into_owned()));
    }
}

fn read_json(body: &[u8], args: &mut Args) -> Result<(), ApiError> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(ApiError::bad("can't parse JSON object in the request"));
    };
    args.values.extend(fields);
    Ok(())
}

async fn read_multipart(request: Request, args: &mut Args) -> Result<(), ApiError> {
    let broken = |e: axum::extract::multipart::MultipartError| match e.into_response().status().as_u16() {
        413 => ApiError::too_large(),
        _ => ApiError::bad("can't parse multipart/form-data in the request"),
    };
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| ApiError::bad("can't parse multipart/form-data in the request: no boundary"))?;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let mime = field
            .content_type()
            .unwrap_or("application/octet-stream")
            .to_owned();
        let bytes = field.bytes().await.map_err(broken)?;
        match file_name {
            Some(file_name) => {
                args.files.insert(
                    name,
                    Upload {
                        name: file_name,
                        mime,
                        bytes,
                    },
                );
            }
            None => {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| ApiError::bad("strings must be encoded in UTF-8"))?;
                args.values.insert(name, Value::String(text));
            }
        }
    }
    Ok(())
}
