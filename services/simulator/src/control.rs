//! `POST /control`: the outside world is told to misbehave, by hand or by a test in another process.
//!
//! The body is one [`Behaviour`] as JSON. Only a JSON content type is taken, which a foreign web page cannot send without
//! asking first; the port is on loopback anyway.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use crate::behaviour::Behaviour;
use crate::world::World;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().route("/control", post(tell)).with_state(world)
}

async fn tell(State(world): State<Arc<World>>, told: Result<Json<Behaviour>, JsonRejection>) -> Response {
    match told {
        Ok(Json(behaviour)) => {
            world.behaviours.tell(behaviour);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(rejection) => {
            (rejection.status(), Json(json!({ "error": rejection.body_text() }))).into_response()
        }
    }
}
