// SPDX-License-Identifier: Apache-2.0
//! What can be asked: the table of paths and what each answers.

use super::assets::{self, PAGE_SCRIPT, PAGE_STYLE};
use super::explained::{self, Wanted};
use super::frame::Frame;
use super::well::{self, Well};
use super::{HttpConfig, Surface, acts, guard, json, list, live, page};
use crate::history::Range;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::published::Published;
use crate::snapshot::Snapshot;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use gleaner_engine::decision::Health;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, watch};

/// What the answers are made from.
#[derive(Clone)]
struct Shown {
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    viewers: Arc<Semaphore>,
    /// How many there may be.
    viewers_most: usize,
    end: watch::Receiver<()>,
}

/// The paths of one listener, behind the guard.
pub(super) fn router(
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    config: &HttpConfig,
    end: watch::Receiver<()>,
) -> Router {
    let scraped = Router::new()
        .route("/metrics", get(scrape))
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready));
    let all = match config.surface {
        Surface::Metrics => scraped,
        Surface::All => scraped
            .route("/", get(page))
            .route(
                PAGE_SCRIPT.path,
                get(|asked: HeaderMap| async move { PAGE_SCRIPT.answer(&asked) }),
            )
            .route(
                PAGE_STYLE.path,
                get(|asked: HeaderMap| async move { PAGE_STYLE.answer(&asked) }),
            )
            .route("/decisions", get(decisions_page))
            .route("/decisions.json", get(decisions))
            .route("/decisions/{id}", get(explained))
            .route("/v1/decisions/{id}", get(explained_json))
            .route("/v1/live", get(live))
            .merge(data()),
    };
    let names: Arc<[String]> = config
        .allowed_hosts
        .iter()
        .map(|name| name.trim_end_matches('.').to_owned())
        .collect::<Vec<_>>()
        .into();
    let viewers = Arc::new(Semaphore::new(config.limits.viewers));
    let viewers_most = config.limits.viewers;
    all.fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here\n") })
        .with_state(Shown { published, metrics, viewers, viewers_most, end })
        .layer(from_fn_with_state(names, guard::guard))
}

/// What answers JSON, with and without that at the end of its name.
fn data() -> Router<Shown> {
    let all = [
        ("/v1/frame", get(frame)),
        ("/v1/acts", get(acts_now)),
        ("/v1/decisions", get(decisions)),
        ("/v1/history", get(history)),
        ("/v1/events", get(events)),
        ("/v1/offer", get(offer)),
        ("/v1/decision", get(decision)),
        ("/v1/tasks", get(tasks)),
        ("/v1/policies", get(policies)),
        ("/v1/reactions", get(reactions)),
        ("/v1/self", get(itself)),
        ("/v1/layout", get(layout)),
    ];
    all.into_iter().fold(Router::new(), |router, (path, answer)| {
        router.route(path, answer.clone()).route(&format!("{path}.json"), answer)
    })
}

async fn scrape(State(shown): State<Shown>) -> Response {
    match shown.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
        }
    }
}

/// 200 while decisions come from good readings; otherwise 503 and why.
async fn ready(State(shown): State<Shown>) -> Response {
    let not = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"));
    let Some(shot) = shown.published.load() else {
        return not("no decision yet").into_response();
    };
    match &shot.decision_at(Instant::now()).health {
        Health::Fresh => "ready\n".into_response(),
        Health::Cold { seen, needed } => {
            format!("ready, warming up: {seen} of {needed} seen\n").into_response()
        }
        Health::Failed { why, .. } => not(why).into_response(),
    }
}

async fn offer(State(shown): State<Shown>) -> Response {
    answer(&shown, |shot, now| encode(&json::offer(shot, now)))
}

async fn decision(State(shown): State<Shown>) -> Response {
    answer(&shown, |shot, now| encode(&json::decision(shot, now)))
}

async fn tasks(State(shown): State<Shown>) -> Response {
    answer(&shown, |shot, now| encode(&json::tasks(shot, now)))
}

async fn policies(State(shown): State<Shown>) -> Response {
    answer(&shown, |shot, now| encode(&json::policies(shot, now)))
}

async fn page(State(shown): State<Shown>, asked: HeaderMap) -> Response {
    let (reacted, well) = (shown.metrics.reactions(), well_of(&shown));
    let page = page::render(&shown.published, &reacted, &well.said, Instant::now());
    assets::html(page, &asked)
}

/// `action`, `resource` and `task` say what of it is wanted.
async fn decisions_page(
    State(shown): State<Shown>,
    Query(asked): Query<list::Query>,
    headers: HeaderMap,
) -> Response {
    match asked.filter() {
        Ok(filter) => assets::html(list::page(&list::list(&shown.published, filter)), &headers),
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

async fn decisions(State(shown): State<Shown>, Query(asked): Query<list::Query>) -> Response {
    match asked.filter() {
        Ok(filter) => respond(encode(&list::list(&shown.published, filter))),
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

async fn acts_now(State(shown): State<Shown>) -> Response {
    answer(&shown, |shot, _| encode(&acts::acts(shot, &shown.published)))
}

async fn explained(State(shown): State<Shown>, Path(id): Path<String>) -> Response {
    let found = explained::wanted(&id).and_then(|(tick, form)| {
        let explained = explained::explain(&shown.published, tick)?;
        Ok(match form {
            Wanted::Page => Html(explained::page(&explained)).into_response(),
            Wanted::Json => respond(encode(&explained)),
        })
    });
    found.unwrap_or_else(IntoResponse::into_response)
}

async fn explained_json(State(shown): State<Shown>, Path(id): Path<String>) -> Response {
    let found = explained::wanted(&id)
        .and_then(|(tick, _)| explained::explain(&shown.published, tick))
        .map(|explained| respond(encode(&explained)));
    found.unwrap_or_else(IntoResponse::into_response)
}

async fn reactions(State(shown): State<Shown>) -> Response {
    respond(encode(&shown.metrics.reactions()))
}

async fn itself(State(shown): State<Shown>) -> Response {
    respond(encode(&well_of(&shown)))
}

fn well_of(shown: &Shown) -> Well {
    let free = shown.viewers.available_permits();
    well::well(&shown.published, &shown.metrics, free, shown.viewers_most)
}

async fn live(State(shown): State<Shown>) -> Response {
    live::live(shown.published, shown.viewers, shown.end)
}

async fn frame(State(shown): State<Shown>) -> Response {
    answer(&shown, |shot, now| encode(&Frame::of(shot, &shown.published, now)))
}

/// `range` is `10m`, `1h` or `6h`.
async fn history(State(shown): State<Shown>, Query(asked): Query<Asked>) -> Response {
    let word = asked.range.as_deref().unwrap_or("10m");
    let Some(range) = Range::of_word(word) else {
        return (StatusCode::BAD_REQUEST, "range is 10m, 1h or 6h\n").into_response();
    };
    // Copied out of the lock first: encoding takes longer than a tick may wait.
    let columns = shown.published.history().columns(range);
    respond(encode(&columns))
}

async fn events(State(shown): State<Shown>) -> Response {
    respond(encode(&shown.published.latest_events()))
}

/// What a client may ask of `/v1/history`.
#[derive(Deserialize)]
struct Asked {
    range: Option<String>,
}

async fn layout(State(shown): State<Shown>) -> Response {
    let about = shown.published.about();
    if about.layout.is_null() {
        return (StatusCode::NOT_FOUND, "this host shows no layout\n").into_response();
    }
    respond(encode(&about.layout))
}

fn answer(
    shown: &Shown,
    body: impl FnOnce(&Snapshot, Instant) -> serde_json::Result<Vec<u8>>,
) -> Response {
    match shown.published.load() {
        Some(shot) => respond(body(&shot, Instant::now())),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no decision yet\n").into_response(),
    }
}

fn encode(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn respond(body: serde_json::Result<Vec<u8>>) -> Response {
    match body {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be encoded");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
        }
    }
}
