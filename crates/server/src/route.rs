//! A route: one path, its methods, and the answers that all paths share.

use std::sync::Arc;

use axum::{Router, body::Body, response::Response, routing::MethodRouter};
use contract::Pattern;
use http::{HeaderValue, StatusCode, header};

use crate::{app::App, problem::Problem};

/// One path. Every path answers OPTIONS, and methods that it does not allow with 405 and `Allow`.
pub(crate) struct Route {
    path: String,
    answers_head: bool,
}

impl Route {
    pub(crate) fn of(pattern: Pattern) -> Self {
        Self::named(&format!("/{pattern}"))
    }

    pub(crate) fn named(path: &str) -> Self {
        Self { path: path.to_owned(), answers_head: false }
    }

    /// Answers HEAD like GET without the body. Without this, HEAD is refused: for a pattern that streams or
    /// holds its answer it makes no sense.
    pub(crate) fn answering_head(mut self) -> Self {
        self.answers_head = true;
        self
    }

    pub(crate) fn serve(self, allow: &'static str, methods: MethodRouter<Arc<App>>) -> Router<Arc<App>> {
        let refuse = move || async move {
            let detail = format!("this path allows {allow}");
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(header::ALLOW, allow)
        };
        let mut methods = methods.options(move || async move { options(allow) }).fallback(refuse);
        if !self.answers_head {
            methods = methods.head(refuse);
        }
        Router::new().route(&self.path, methods)
    }
}

fn options(allow: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
