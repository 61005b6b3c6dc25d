//! Routes about stored objects as wholes: removing, importing, bringing earlier states back, snapshots.
//!
//! What replaces files is done while no world has the objects: their instances end, their files are closed, and events
//! for them wait; then they wake anew. A snapshot is taken while all worlds stand still between two batches. Files are
//! read and written on a thread that may wait. Nothing here opens a database that a world has open, except through SQLite:
//! closing the file would drop the locks of this process.

use std::path::Path as FilePath;
use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Surface;
use super::objects::Place;
use super::query::{Query, target};
use super::reply::{Problem, answer, body, bytes_of, finish, invalid, parse};
use crate::base::clock::{Clock, Timestamp};
use crate::base::limits;
use crate::inspect::snapshot::{self, Saving, Snapshot};
use crate::inspect::{Book, InspectError, Namespace, ObjectRef, PointName, Writer, lines};
use crate::objects::control::{Address, Command};
use crate::objects::{Busy, Extent, LeaseKey};
use crate::storage::history::Point;
use crate::world::SharedState;

/// `state/…`, and of an object its history, its end and its return to an earlier state.
pub fn routes() -> Router<Surface> {
    Router::new()
        .route("/cdn-cgi/dodev/objects/{class}/{object}/history", get(history))
        .route("/cdn-cgi/dodev/objects/{class}/{object}/restore", post(restore))
        .route("/cdn-cgi/dodev/state/save-history", post(save_history))
        .route("/cdn-cgi/dodev/state/remove", post(remove))
        .route("/cdn-cgi/dodev/state/reset", post(reset))
        .route("/cdn-cgi/dodev/state/import", post(import))
        .route("/cdn-cgi/dodev/state/snapshots", get(list_snapshots).post(save_snapshot))
        .route("/cdn-cgi/dodev/state/snapshots/{name}", axum::routing::delete(remove_snapshot))
        .route("/cdn-cgi/dodev/state/snapshots/{name}/load", post(load_snapshot))
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// What a change is made with, on a thread that may wait.
struct Desk {
    state: Arc<SharedState>,
    book: Book,
    clock: Clock,
}

impl Desk {
    fn new(surface: &Surface) -> Self {
        let state = surface.state.read().unwrap_or_else(PoisonError::into_inner).clone();
        let persist = state.root().parent().unwrap_or(FilePath::new("")).to_owned();
        Self { state, book: Book::at(&persist), clock: surface.clock.clone() }
    }

    /// Does `change` while no world has the objects of `extent`; its answer gets the warnings that there were.
    fn change(
        &self,
        extent: Extent,
        close_sockets: bool,
        change: impl FnOnce(&Writer) -> Result<Json, InspectError>,
    ) -> Result<Json, Failed> {
        let _alone = self.state.exclusively();
        let taken = self.state.take_out(extent, close_sockets, limits::CONTROL_TAKE_OUT)?;
        let writer = Writer::lent(self.book.root(), self.clock.clone());
        let mut done = change(&writer)?;
        drop(taken);
        done["warnings"] = json!(writer.take_warnings());
        Ok(done)
    }

    /// The object that `segment` names in the stored class `class`. Reads no database.
    fn object(&self, class: &str, segment: &str) -> Result<ObjectRef, Failed> {
        let wrong = |_: Problem| InspectError::Invalid("this is no object's name or id".to_owned());
        let target = target(class.to_owned(), segment).map_err(wrong)?;
        let namespace = self.book.find_namespace(&target.class)?;
        Ok(match target.object {
            Address::Id(id) => ObjectRef { namespace, id, name: None },
            Address::Name(name) => self.book.present(&namespace, &name)?,
        })
    }
}

/// Does `work` on a thread that may wait, and answers.
async fn on_desk(
    surface: &Surface,
    work: impl FnOnce(&Desk) -> Result<Json, Failed> + Send + 'static,
) -> Result<Json, Problem> {
    let desk = Desk::new(surface);
    let done = tokio::task::spawn_blocking(move || work(&desk)).await;
    let broken = |_| InspectError::Invalid("this broke the server: a defect of dodev".to_owned()).into();
    done.unwrap_or_else(|error| Err(broken(error))).map_err(|failed| problem(&failed))
}

fn problem(failed: &Failed) -> Problem {
    let error = match failed {
        Failed::Busy(busy) => {
            return Box::new(answer(
                StatusCode::CONFLICT,
                &json!({ "error": busy.to_string(), "code": "busy", "pins": [] }),
            ));
        }
        Failed::Inspect(error) => error,
    };
    let status = match error {
        InspectError::NotFound { .. } | InspectError::NoState { .. } => StatusCode::NOT_FOUND,
        InspectError::Exists { .. } | InspectError::Held { .. } | InspectError::Used(_) => {
            StatusCode::CONFLICT
        }
        InspectError::Ambiguous { .. }
        | InspectError::Invalid(_)
        | InspectError::Sql(_)
        | InspectError::Mistake(_) => StatusCode::BAD_REQUEST,
        InspectError::Server(_)
        | InspectError::Damaged { .. }
        | InspectError::Migration(_)
        | InspectError::Io { .. }
        | InspectError::Storage(_)
        | InspectError::Commit(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let body = json!({
        "error": error.to_string(), "code": error.code(), "help": error.help(), "nearest": error.nearest(),
    });
    Box::new(answer(status, &body))
}

fn key_of(object: &ObjectRef) -> LeaseKey {
    (object.namespace.key(), object.id)
}

async fn history(
    State(surface): State<Surface>,
    Path((class, object)): Place,
    RawQuery(query): RawQuery,
) -> Response {
    let result = async {
        let most = u32::try_from(limits::CONTROL_ROWS).unwrap_or(u32::MAX);
        let limit = Query::read(query.as_deref(), &["limit"])?.count("limit", most)?.unwrap_or(most);
        let read = move |desk: &Desk| {
            let object = desk.object(&class, &object)?;
            let mut points = desk.book.history_of(&object)?.points().map_err(InspectError::history)?;
            let total = points.len();
            points.reverse();
            points.truncate(limit as usize);
            Ok(json!({ "total": total, "points": points.iter().map(point_json).collect::<Vec<_>>() }))
        };
        on_desk(&surface, read).await
    };
    finish(result.await)
}

fn point_json(point: &Point) -> Json {
    json!({
        "time": point.time.0, "bookmark": point.bookmark.to_string(), "sizeBytes": point.size_bytes,
        "cause": { "kind": point.cause.kind.name(), "detail": point.cause.detail, "events": point.cause.events },
    })
}

async fn save_history(State(surface): State<Surface>) -> Response {
    let result = async {
        surface.ask(Command::SaveHistory).await?;
        Ok(json!({ "changed": true }))
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoreBody {
    bookmark: Option<String>,
    time: Option<i64>,
    name: Option<String>,
}

async fn restore(State(surface): State<Surface>, Path((class, object)): Place, request: Request) -> Response {
    let result = async {
        let RestoreBody { bookmark, time, name } = body(request).await?;
        let point = match (bookmark, time) {
            (Some(text), None) => {
                PointName::Bookmark(text.parse().map_err(|_| invalid(format!("`{text}` is no bookmark")))?)
            }
            (None, Some(time)) => PointName::At(Timestamp(time)),
            _ => return Err(invalid("give either `bookmark` or `time`")),
        };
        let work = move |desk: &Desk| {
            let mut object = desk.object(&class, &object)?;
            object.name = name.or(object.name);
            // Misspelt points end nobody's instance; the newest may still have to be taken over into the history.
            desk.book.history_of(&object)?;
            desk.change(Extent::Objects(vec![key_of(&object)]), false, |writer| {
                let history = desk.book.history_of(&object)?;
                let point = point.find(&object, &history, desk.clock.now())?;
                let undo = writer.restore(&object, &history, &point)?;
                Ok(json!({ "point": point_json(&point), "undo": undo.to_string() }))
            })
        };
        on_desk(&surface, work).await
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveBody {
    objects: Vec<ObjectBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectBody {
    class: String,
    object: String,
}

async fn remove(State(surface): State<Surface>, request: Request) -> Response {
    let result = async {
        let RemoveBody { objects } = body(request).await?;
        let work = move |desk: &Desk| {
            let found: Result<Vec<_>, _> =
                objects.iter().map(|one| desk.object(&one.class, &one.object)).collect();
            let found = found?;
            if let Some(missing) = found.iter().find(|object| !object.exists()) {
                return Err(InspectError::not_found(format!("there is no {}", missing.label())).into());
            }
            let extent = Extent::Objects(found.iter().map(key_of).collect());
            desk.change(extent, true, |writer| {
                found.iter().try_for_each(|object| writer.remove(object))?;
                Ok(json!({ "removed": found.len() }))
            })
        };
        on_desk(&surface, work).await
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetBody {
    class: Option<String>,
}

async fn reset(State(surface): State<Surface>, request: Request) -> Response {
    let result = async {
        let ResetBody { class } = body(request).await?;
        let work = move |desk: &Desk| {
            let namespaces = match &class {
                Some(class) => vec![desk.book.find_namespace(class)?],
                None => desk.book.namespaces()?,
            };
            let extent = match class {
                Some(_) => Extent::Namespaces(namespaces.iter().map(Namespace::key).collect()),
                None => Extent::All,
            };
            desk.change(extent, true, |writer| {
                let mut objects = 0;
                for namespace in &namespaces {
                    objects += desk.book.ids(namespace)?.len();
                    writer.remove_namespace(namespace)?;
                }
                let classes: Vec<_> = namespaces.iter().map(|one| &one.class).collect();
                Ok(json!({ "objects": objects, "classes": classes }))
            })
        };
        on_desk(&surface, work).await
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportBody {
    lines: String,
    worker: Option<String>,
    #[serde(default)]
    replace: bool,
}

async fn import(State(surface): State<Surface>, request: Request) -> Response {
    let result = async {
        let bytes = bytes_of(request, limits::CONTROL_IMPORT_BYTES).await?;
        let ImportBody { lines: text, worker, replace } = parse(&bytes)?;
        let work = move |desk: &Desk| {
            let imported = lines::read(text.as_bytes())?;
            let targets: Result<Vec<_>, _> =
                imported.iter().map(|one| one.target(&desk.book, worker.as_deref())).collect();
            let targets = targets?;
            let extent = Extent::Objects(targets.iter().map(key_of).collect());
            desk.change(extent, false, |writer| {
                lines::check_free(&targets, replace)?;
                for (one, target) in imported.iter().zip(&targets) {
                    one.store(writer, target)?;
                }
                let objects: Vec<_> = targets
                    .iter()
                    .map(|object| {
                        json!({
                            "namespace": object.namespace.key(), "class": object.namespace.class,
                            "id": object.id.to_string(), "name": object.name,
                        })
                    })
                    .collect();
                Ok(json!({ "objects": objects }))
            })
        };
        on_desk(&surface, work).await
    };
    finish(result.await)
}

async fn list_snapshots(State(surface): State<Surface>) -> Response {
    let list = |desk: &Desk| {
        let all = snapshot::list(&desk.book)?;
        Ok(json!({ "snapshots": all.iter().map(snapshot_json).collect::<Vec<_>>() }))
    };
    finish(on_desk(&surface, list).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotBody {
    name: String,
    #[serde(default)]
    replace: bool,
}

async fn save_snapshot(State(surface): State<Surface>, request: Request) -> Response {
    let result = async {
        let SnapshotBody { name, replace } = body(request).await?;
        let work = move |desk: &Desk| {
            snapshot::check_free(&desk.book, &name, replace)?;
            let _alone = desk.state.exclusively();
            let still = desk.state.stand_still(limits::CONTROL_TAKE_OUT)?;
            let saving = Saving { name: &name, replace, now: desk.clock.now(), open: &still.open_files() };
            let made = snapshot::save(&desk.book, &saving, &|_, _| ())?;
            Ok(json!({ "snapshot": snapshot_json(&made) }))
        };
        on_desk(&surface, work).await
    };
    finish(result.await)
}

async fn remove_snapshot(State(surface): State<Surface>, Path(name): Path<String>) -> Response {
    let work = move |desk: &Desk| {
        let _alone = desk.state.exclusively();
        snapshot::remove(&desk.book, &name)?;
        Ok(json!({ "changed": true }))
    };
    finish(on_desk(&surface, work).await)
}

async fn load_snapshot(
    State(surface): State<Surface>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    let reload = surface.reload.clone();
    let result = async {
        let Nothing {} = body(request).await?;
        let work = move |desk: &Desk| {
            // A misspelt name ends nobody's instance.
            snapshot::open(&desk.book, &name)?;
            let changes_code = snapshot::changes_code(&desk.book, &name);
            let done = desk.change(Extent::All, false, |writer| {
                let loaded = snapshot::load(&desk.book, writer, &name, &|_, _| ())?;
                Ok(json!({ "snapshot": snapshot_json(&loaded), "reloads": changes_code }))
            })?;
            if changes_code {
                reload();
            }
            Ok(done)
        };
        on_desk(&surface, work).await
    };
    finish(result.await)
}

fn snapshot_json(snapshot: &Snapshot) -> Json {
    json!({
        "name": snapshot.name, "made": snapshot.made_ms, "objects": snapshot.objects,
        "sizeBytes": snapshot.size_bytes,
    })
}
