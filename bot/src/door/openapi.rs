//! `GET /openapi.json`: the door described for programs.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "Kymograph: the notifier's door", description = "Panels, alerts, texts and pictures for people's chats."),
    paths(
        super::health::healthz,
        super::panels::get_panel,
        super::panels::put_panel,
        super::alerts::post_alert,
        super::messages::post_message,
        super::messages::put_message,
    ),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        description
            .components
            .get_or_insert_default()
            .add_security_scheme("token", scheme);
    }
}

/// The door's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

pub(super) async fn get_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}
