//! The uplink: `POST /events` publishes one event. A WebSocket publishes with the same function.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, Request, State},
    response::Response,
};
use contract::{Cursor, EventType};
use event_log::{AppendError, EventLog};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::{app::App, problem::Problem, request::media_type};

/// Why a text was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    /// SSE ends a line at a carriage return (WHATWG HTML §9.2.5), so no framing may carry one.
    #[error("the text holds a carriage return, which Server-Sent Events cannot carry: use line feeds only")]
    CarriageReturn,
    #[error(transparent)]
    Log(#[from] AppendError),
}

/// Publishes a text from outside the schedule.
pub(crate) fn publish(
    log: &EventLog,
    event_type: Option<EventType>,
    text: &str,
) -> Result<Cursor, PublishError> {
    if text.contains('\r') {
        return Err(PublishError::CarriageReturn);
    }
    Ok(log.append(event_type, text)?)
}

#[derive(Debug, Deserialize)]
struct Parameters {
    r#type: Option<String>,
}

/// `POST /events?type=T`: 201 and the cursor after the new event.
pub(crate) async fn post(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    app.check_origin(request.headers())?;
    let Query(parameters) = Query::<Parameters>::try_from_uri(request.uri())
        .map_err(|error| Problem::bad_request(format!("the query cannot be read: {error}")))?;
    let event_type = parameters
        .r#type
        .map(|name| name.parse::<EventType>())
        .transpose()
        .map_err(|error| Problem::bad_request(format!("type: {error}")))?;
    let kind = media_type(request.headers());
    // `curl -d` sends the form type. The body is published unchanged, whatever its type.
    let is_text = matches!(
        kind.as_deref(),
        None | Some("text/plain" | "application/json" | "application/x-www-form-urlencoded")
    );
    if !is_text {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is published as text: send it as text/plain or application/json",
        ));
    }
    let body = app.read_body(request.into_body()).await?;
    let text = std::str::from_utf8(&body)
        .map_err(|error| Problem::bad_request(format!("the body is not UTF-8: {error}")))?;
    let cursor = publish(app.log(), event_type, text).map_err(|error| match error {
        PublishError::CarriageReturn => Problem::bad_request(error.to_string()),
        PublishError::Log(AppendError::Closed) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).with(header::RETRY_AFTER, "1")
        }
    })?;
    let mut response = Response::new(Body::from(json!({ "id": cursor }).to_string()));
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
