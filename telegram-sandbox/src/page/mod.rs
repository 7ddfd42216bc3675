//! The phone page: plain HTML, CSS and JavaScript, served from the binary.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::server::Shared;

const HTML: &str = include_str!("index.html");

/// The page's own files. Nothing is fetched from anywhere else.
const FILES: &[(&str, &str, &str)] = &[
    ("phone.css", "text/css", include_str!("phone.css")),
    ("bubbles.css", "text/css", include_str!("bubbles.css")),
    ("overlays.css", "text/css", include_str!("overlays.css")),
    ("app.js", "text/javascript", include_str!("app.js")),
    ("api.js", "text/javascript", include_str!("api.js")),
    ("dom.js", "text/javascript", include_str!("dom.js")),
    ("store.js", "text/javascript", include_str!("store.js")),
    ("list.js", "text/javascript", include_str!("list.js")),
    ("chat.js", "text/javascript", include_str!("chat.js")),
    ("pinned.js", "text/javascript", include_str!("pinned.js")),
    ("bubble.js", "text/javascript", include_str!("bubble.js")),
    ("words.js", "text/javascript", include_str!("words.js")),
    ("composer.js", "text/javascript", include_str!("composer.js")),
    ("people.js", "text/javascript", include_str!("people.js")),
    ("menu.js", "text/javascript", include_str!("menu.js")),
    ("toast.js", "text/javascript", include_str!("toast.js")),
    ("viewer.js", "text/javascript", include_str!("viewer.js")),
    ("theme.js", "text/javascript", include_str!("theme.js")),
];

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(index))
        .route("/t.me/{bot}", get(index))
        .route("/page/{file}", get(file))
        .route(
            "/favicon.ico",
            get(|| async { Redirect::permanent("/page/icon.svg") }),
        )
        .route("/page/icon.svg", get(icon))
}

async fn index() -> Response {
    serve("text/html", HTML)
}

async fn icon() -> Response {
    serve("image/svg+xml", include_str!("icon.svg"))
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, content)) => serve(kind, content),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn serve(kind: &str, content: &'static str) -> Response {
    // What a bot writes is never code; the policy would stop it if it were.
    let policy = "default-src 'self'; img-src 'self' data:; style-src 'self'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, format!("{kind}; charset=utf-8")),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy.to_owned()),
    ];
    (headers, content).into_response()
}
