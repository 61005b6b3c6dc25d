//! Routes about what objects store, and calls of their methods.

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::future::poll_fn;

use super::Surface;
use super::objects::Place;
use super::query::{Query, target};
use super::reply::{Problem, body, finish, invalid, problem, unexpected};
use super::values::{bytes, from_json, from_sql, serialized, stored, to_sql};
use crate::base::limits;
use crate::objects::control::{Action, Answer, Change, Rows};
use crate::world::http::{Body, FetchRequest, FetchResponse};

/// `kv`, `kv/{key}`, `sql`, `call` and `fetch` of an object.
pub fn routes() -> Router<Surface> {
    const OBJECT: &str = "/cdn-cgi/dodev/objects/{class}/{object}";
    Router::new()
        .route(&format!("{OBJECT}/kv"), get(list).put(put_named).delete(delete_named))
        .route(&format!("{OBJECT}/kv/{{key}}"), get(get_key).put(put_key).delete(delete_key))
        .route(&format!("{OBJECT}/sql"), post(sql))
        .route(&format!("{OBJECT}/call"), post(call))
        .route(&format!("{OBJECT}/fetch"), post(fetch))
}

/// A key's place in a path: class, object and key.
type KeyPlace = Path<(String, String, String)>;

async fn list(
    State(surface): State<Surface>,
    Path((class, object)): Place,
    RawQuery(query): RawQuery,
) -> Response {
    let result = async {
        let known = ["start", "startAfter", "end", "prefix", "reverse", "limit"];
        let options = Query::read(query.as_deref(), &known)?.range()?;
        let limit = options.limit.map_or(usize::MAX, |limit| limit as usize - 1);
        let answer = surface.ask_object(target(class, &object)?, Action::List(options)).await?;
        let Answer::Entries(entries, cut) = answer else { return Err(unexpected()) };
        let more = cut || entries.len() > limit;
        let shown = entries.iter().take(limit).map(|(key, value)| {
            let mut entry = stored(value);
            entry.shift_insert(0, "key".to_owned(), key.as_str().into());
            Json::Object(entry)
        });
        Ok(json!({ "entries": shown.collect::<Vec<_>>(), "more": more }))
    };
    finish(result.await)
}

async fn get_key(State(surface): State<Surface>, Path((class, object, key)): KeyPlace) -> Response {
    let result = async {
        let answer = surface.ask_object(target(class, &object)?, Action::Get(key.clone())).await?;
        let Answer::Value(value) = answer else { return Err(unexpected()) };
        let missing = || problem(StatusCode::NOT_FOUND, "the object has no such key");
        let mut entry = stored(&value.ok_or_else(missing)?);
        entry.shift_insert(0, "key".to_owned(), key.into());
        Ok(Json::Object(entry))
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    #[serde(default, deserialize_with = "given")]
    value: Option<Json>,
    v8: Option<String>,
}

/// A field that is there, even if it is `null`.
fn given<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(input).map(Some)
}

async fn put_key(
    State(surface): State<Surface>,
    Path((class, object, key)): KeyPlace,
    request: Request,
) -> Response {
    finish(put(&surface, class, &object, key, request).await)
}

/// The key that `?key=` names: one that a path cannot hold, as `..`.
fn key_of(query: Option<&str>) -> Result<String, Problem> {
    let key = Query::read(query, &["key"])?.text("key");
    key.ok_or_else(|| invalid("say which key: in the path, or as `?key=`"))
}

async fn put_named(
    State(surface): State<Surface>,
    Path((class, object)): Place,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    finish(async { put(&surface, class, &object, key_of(query.as_deref())?, request).await }.await)
}

async fn put(
    surface: &Surface,
    class: String,
    object: &str,
    key: String,
    request: Request,
) -> Result<Json, Problem> {
    let value = match body::<PutBody>(request).await? {
        PutBody { value: Some(json), v8: None } => from_json(&json),
        PutBody { value: None, v8: Some(text) } => serialized(&text),
        PutBody { .. } => Err("give either `value` or `v8`".to_owned()),
    };
    let change = Change::Put(key, value.map_err(invalid)?);
    done(surface.ask_object(target(class, object)?, Action::Change(change)).await?)
}

async fn delete_key(State(surface): State<Surface>, Path((class, object, key)): KeyPlace) -> Response {
    finish(delete(&surface, class, &object, key).await)
}

async fn delete_named(
    State(surface): State<Surface>,
    Path((class, object)): Place,
    RawQuery(query): RawQuery,
) -> Response {
    finish(async { delete(&surface, class, &object, key_of(query.as_deref())?).await }.await)
}

async fn delete(surface: &Surface, class: String, object: &str, key: String) -> Result<Json, Problem> {
    let change = Action::Change(Change::Delete(key));
    done(surface.ask_object(target(class, object)?, change).await?)
}

fn done(answer: Answer) -> Result<Json, Problem> {
    match answer {
        Answer::Done(changed) => Ok(json!({ "changed": changed })),
        _ => Err(unexpected()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlBody {
    query: String,
    #[serde(default)]
    params: Vec<Json>,
}

async fn sql(State(surface): State<Surface>, Path((class, object)): Place, request: Request) -> Response {
    let result = async {
        let SqlBody { query, params } = body(request).await?;
        let parameters = params.iter().map(to_sql).collect::<Result<_, _>>().map_err(invalid)?;
        let change = Action::Change(Change::Sql(query, parameters));
        let answer = surface.ask_object(target(class, &object)?, change).await?;
        let Answer::Rows(Rows { columns, rows, truncated, rows_read, rows_written }) = answer else {
            return Err(unexpected());
        };
        let rows: Vec<Vec<Json>> = rows.iter().map(|row| row.iter().map(from_sql).collect()).collect();
        Ok(json!({
            "columns": columns, "rows": rows, "truncated": truncated,
            "rowsRead": rows_read, "rowsWritten": rows_written,
        }))
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallBody {
    method: String,
    args: Option<Vec<Json>>,
    v8: Option<String>,
}

async fn call(State(surface): State<Surface>, Path((class, object)): Place, request: Request) -> Response {
    let result = async {
        let CallBody { method, args, v8 } = body(request).await?;
        let args = match (args, v8) {
            (Some(_), Some(_)) => Err("give either `args` or `v8`".to_owned()),
            (None, Some(text)) => serialized(&text),
            (args, None) => from_json(&Json::Array(args.unwrap_or_default())),
        };
        let action = Action::Call(method, Some(args.map_err(invalid)?));
        match surface.ask_object(target(class, &object)?, action).await? {
            Answer::Result(bytes, 0) => Ok(Json::Object(stored(&bytes))),
            Answer::Result(_, stubs) => {
                let unreadable = "the result has functions, stubs or streams, which are no data";
                Ok(json!({ "unreadable": unreadable, "stubs": stubs }))
            }
            _ => Err(unexpected()),
        }
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FetchBody {
    #[serde(default = "get_method")]
    method: String,
    #[serde(default = "root_url")]
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    text: Option<String>,
    base64: Option<String>,
}

fn get_method() -> String {
    "GET".to_owned()
}

fn root_url() -> String {
    "http://object/".to_owned()
}

impl FetchBody {
    fn request(self) -> Result<FetchRequest, String> {
        let url =
            url::Url::parse(&self.url).map_err(|error| format!("`url` is not an absolute URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("`url` begins with http: or https:".to_owned());
        }
        let method = http::Method::from_bytes(self.method.as_bytes());
        let method = method.map_err(|_| "`method` is no method".to_owned())?;
        let header = |(name, value): (String, String)| {
            let name = http::HeaderName::from_bytes(name.as_bytes());
            let value = http::HeaderValue::from_str(&value);
            match (name, value) {
                (Ok(name), Ok(value)) => Ok((name, value)),
                _ => Err("`headers` has a name or a value that HTTP does not allow".to_owned()),
            }
        };
        let body = match (self.text, self.base64) {
            (Some(_), Some(_)) => return Err("give either `text` or `base64`".to_owned()),
            (Some(text), None) => Body::Bytes(text.into()),
            (None, Some(text)) => Body::Bytes(bytes(&text)?.into()),
            (None, None) => Body::Empty,
        };
        let headers = self.headers.into_iter().map(header).collect::<Result<_, _>>()?;
        Ok(FetchRequest { method, url: url.into(), headers, body, cf: None, client: None })
    }
}

async fn fetch(State(surface): State<Surface>, Path((class, object)): Place, request: Request) -> Response {
    let result = async {
        let request = body::<FetchBody>(request).await?.request().map_err(invalid)?;
        match surface.ask_object(target(class, &object)?, Action::Fetch(request)).await? {
            Answer::Response(response) => response_json(response).await,
            _ => Err(unexpected()),
        }
    };
    finish(result.await)
}

async fn response_json(response: FetchResponse) -> Result<Json, Problem> {
    let whole = whole(response.body).await?;
    let headers = response.headers.iter();
    let headers =
        headers.map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]));
    let headers: Vec<_> = headers.collect();
    let mut json =
        json!({ "status": response.status, "statusText": response.status_text, "headers": headers });
    match std::str::from_utf8(&whole) {
        Ok(text) => json["text"] = text.into(),
        Err(_) => json["base64"] = STANDARD.encode(&whole).into(),
    }
    Ok(json)
}

async fn whole(body: Body) -> Result<Bytes, Problem> {
    let mut reader = match body {
        Body::Empty => return Ok(Bytes::new()),
        Body::Bytes(bytes) => return Ok(bytes),
        Body::Stream(reader, _) => reader,
    };
    let broken = |error: String| problem(StatusCode::BAD_GATEWAY, error);
    let read = async {
        let mut whole = BytesMut::new();
        while let Some(chunk) = poll_fn(|context| reader.poll_read(context)).await {
            let chunk = chunk.map_err(|error| broken(format!("the response broke off: {error}")))?;
            if whole.len() + chunk.len() > limits::CONTROL_ANSWER_BYTES {
                return Err(broken("the response is too large to be shown".to_owned()));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    };
    let late = |_| problem(StatusCode::GATEWAY_TIMEOUT, "the response did not end in time");
    tokio::time::timeout(limits::CONTROL_WAIT, read).await.map_err(late)?
}
