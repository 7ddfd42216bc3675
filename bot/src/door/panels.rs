//! `GET /v1/panels/{topic}`: how a picture is wanted; `PUT`: a graph worker's newest one.

use axum::Json;
use axum::extract::{Multipart, Path, State};
use bytes::Bytes;
use kymo_door::{PanelAnswer, PanelFacts};
use kymo_runlog::Topic;

use super::DoorState;
use super::answer::Refusal;
use super::messages::check_picture;

/// Shows the picture in every chat that has a panel of the topic; answers when the next one is welcome.
#[utoipa::path(
    put, path = "/v1/panels/{topic}", security(("token" = [])),
    params(("topic" = String, Path, description = "the run's topic")),
    request_body(content = PanelForm, content_type = "multipart/form-data"),
    responses((status = 200, body = PanelAnswer), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 413, body = Refusal), (status = 503, body = Refusal))
)]
pub async fn put_panel(
    State(state): State<DoorState>,
    Path(topic): Path<String>,
    mut form: Multipart,
) -> Result<Json<PanelAnswer>, Refusal> {
    let topic =
        Topic::parse(&topic).map_err(|error| Refusal::bad(error.to_string(), "check the topic's name"))?;
    let mut facts: Option<PanelFacts> = None;
    let mut picture: Option<Bytes> = None;
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("facts") => {
                let text = field.text().await?;
                let read = serde_json::from_str(&text).map_err(|error| {
                    Refusal::bad(
                        format!("the part `facts` is not understood: {error}"),
                        "see PanelFacts in /openapi.json",
                    )
                })?;
                facts = Some(read);
            }
            Some("picture") => picture = Some(field.bytes().await?),
            Some(_) | None => {}
        }
    }
    let facts =
        facts.ok_or_else(|| Refusal::bad("the part `facts` is missing", "send PanelFacts as JSON"))?;
    let picture = picture.ok_or_else(|| Refusal::bad("the part `picture` is missing", "send a PNG"))?;
    check_picture(&picture)?;
    Ok(Json(state.panels.show(&topic, facts, picture).await?))
}

/// How the next picture is wanted: whoever is about to draw asks first.
#[utoipa::path(
    get, path = "/v1/panels/{topic}", security(("token" = [])),
    params(("topic" = String, Path, description = "the run's topic")),
    responses((status = 200, body = PanelAnswer), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 503, body = Refusal))
)]
pub async fn get_panel(
    State(state): State<DoorState>,
    Path(topic): Path<String>,
) -> Result<Json<PanelAnswer>, Refusal> {
    let topic =
        Topic::parse(&topic).map_err(|error| Refusal::bad(error.to_string(), "check the topic's name"))?;
    Ok(Json(state.panels.wanted(&topic).await?))
}

/// The parts of the form.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)] // describes the request in /openapi.json
pub struct PanelForm {
    facts: PanelFacts,
    /// A PNG, at most 10 MB.
    #[schema(value_type = String, format = Binary)]
    picture: Vec<u8>,
}
