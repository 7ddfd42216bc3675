//! The phone page: plain HTML, CSS and JavaScript, served from the binary.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::server::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(
            "/",
            get(|| file("text/html; charset=utf-8", include_str!("index.html"))),
        )
        .route(
            "/t.me/{bot}",
            get(|| file("text/html; charset=utf-8", include_str!("index.html"))),
        )
        .route(
            "/page/phone.css",
            get(|| file("text/css; charset=utf-8", include_str!("phone.css"))),
        )
        .route(
            "/page/phone.js",
            get(|| file("text/javascript; charset=utf-8", include_str!("phone.js"))),
        )
}

async fn file(kind: &'static str, content: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    (headers, content).into_response()
}
