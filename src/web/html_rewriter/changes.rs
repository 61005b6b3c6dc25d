//! What a handler is told of a token, and how its changes are made.
//!
//! A change is a list: its name, then its arguments. JavaScript has checked them.

use std::sync::Arc;

use lol_html::html_content::{
    Comment, ContentType, Doctype, DocumentEnd, EndTag, StreamingHandler, StreamingHandlerSink, TextChunk,
};
use lol_html::send::Element;
use serde_json::{Value, json};

use super::parser::{Port, Stopped};

type Done = Result<(), Stopped>;

/// New content: a text, or a stream that JavaScript reads when its place is reached.
enum Content<'a> {
    Text(&'a str),
    Stream(u64),
}

fn content(change: &[Value]) -> (Content<'_>, ContentType) {
    let html = change.get(2).and_then(Value::as_bool).unwrap_or(false);
    let kind = if html { ContentType::Html } else { ContentType::Text };
    match change.get(1) {
        Some(Value::Number(id)) => (Content::Stream(id.as_u64().unwrap_or(0)), kind),
        text => (Content::Text(text.and_then(Value::as_str).unwrap_or("")), kind),
    }
}

fn argument(change: &[Value], at: usize) -> &str {
    change.get(at).and_then(Value::as_str).unwrap_or("")
}

/// Writes a stream that JavaScript reads.
struct Streamed {
    port: Arc<Port>,
    id: u64,
    kind: ContentType,
}

impl StreamingHandler for Streamed {
    fn write_all(self: Box<Self>, sink: &mut StreamingHandlerSink<'_>) -> Done {
        while let Some(piece) = self.port.content(self.id)? {
            sink.write_utf8_chunk(&piece, self.kind)?;
        }
        Ok(())
    }
}

/// Calls the plain or the streaming method of `$token` for the content of `$change`.
macro_rules! place {
    ($port:expr, $token:expr, $change:expr, $plain:ident, $streaming:ident) => {{
        let (content, kind) = content($change);
        match content {
            Content::Text(text) => $token.$plain(text, kind),
            Content::Stream(id) => $token.$streaming(Box::new(Streamed { port: $port.clone(), id, kind })),
        }
    }};
}

/// A start tag with its element.
pub fn element(port: &Arc<Port>, index: usize, element: &mut Element<'_, '_>) -> Done {
    let attributes: Vec<_> = element.attributes().iter().map(|one| [one.name(), one.value()]).collect();
    let changes = port.ask(&json!({
        "kind": "element",
        "handler": index,
        "tagName": element.tag_name(),
        "attributes": attributes,
        "removed": element.removed(),
        "namespaceURI": element.namespace_uri(),
        "canHaveContent": element.can_have_content(),
    }))?;
    for change in &changes {
        let change = change.as_slice();
        match argument(change, 0) {
            "setTagName" => element.set_tag_name(argument(change, 1))?,
            "setAttribute" => element.set_attribute(argument(change, 1), argument(change, 2))?,
            "removeAttribute" => element.remove_attribute(argument(change, 1)),
            "before" => place!(port, element, change, before, streaming_before),
            "after" => place!(port, element, change, after, streaming_after),
            "prepend" => place!(port, element, change, prepend, streaming_prepend),
            "append" => place!(port, element, change, append, streaming_append),
            "replace" => place!(port, element, change, replace, streaming_replace),
            "setInnerContent" => {
                place!(port, element, change, set_inner_content, streaming_set_inner_content)
            }
            "remove" => element.remove(),
            "removeAndKeepContent" => element.remove_and_keep_content(),
            _ => {
                let id = change.get(1).cloned().unwrap_or_default();
                let port = port.clone();
                element.on_end_tag(Box::new(move |tag: &mut EndTag<'_>| end_tag(&port, &id, tag)))?;
            }
        }
    }
    Ok(())
}

fn end_tag(port: &Arc<Port>, id: &Value, tag: &mut EndTag<'_>) -> Done {
    let changes = port.ask(&json!({ "kind": "endTag", "id": id, "name": tag.name() }))?;
    for change in &changes {
        let change = change.as_slice();
        match argument(change, 0) {
            "setName" => tag.set_name(argument(change, 1)),
            "before" => place!(port, tag, change, before, streaming_before),
            "after" => place!(port, tag, change, after, streaming_after),
            _ => tag.remove(),
        }
    }
    Ok(())
}

/// A comment.
pub fn comment(port: &Arc<Port>, index: usize, comment: &mut Comment<'_>) -> Done {
    let changes = port.ask(&json!({
        "kind": "comments",
        "handler": index,
        "text": comment.text(),
        "removed": comment.removed(),
    }))?;
    for change in &changes {
        let change = change.as_slice();
        match argument(change, 0) {
            "setText" => comment.set_text(argument(change, 1))?,
            "before" => place!(port, comment, change, before, streaming_before),
            "after" => place!(port, comment, change, after, streaming_after),
            "replace" => place!(port, comment, change, replace, streaming_replace),
            _ => comment.remove(),
        }
    }
    Ok(())
}

/// A piece of text.
pub fn text(port: &Arc<Port>, index: usize, text: &mut TextChunk<'_>) -> Done {
    let changes = port.ask(&json!({
        "kind": "text",
        "handler": index,
        "text": text.as_str(),
        "lastInTextNode": text.last_in_text_node(),
        "removed": text.removed(),
    }))?;
    for change in &changes {
        let change = change.as_slice();
        match argument(change, 0) {
            "before" => place!(port, text, change, before, streaming_before),
            "after" => place!(port, text, change, after, streaming_after),
            "replace" => place!(port, text, change, replace, streaming_replace),
            _ => text.remove(),
        }
    }
    Ok(())
}

/// A document type, which cannot be changed.
pub fn doctype(port: &Arc<Port>, index: usize, doctype: &mut Doctype<'_>) -> Done {
    port.ask(&json!({
        "kind": "doctype",
        "handler": index,
        "name": doctype.name(),
        "publicId": doctype.public_id(),
        "systemId": doctype.system_id(),
    }))?;
    Ok(())
}

/// The document's end.
pub fn end(port: &Arc<Port>, index: usize, end: &mut DocumentEnd<'_>) -> Done {
    for change in port.ask(&json!({ "kind": "end of document", "handler": index }))? {
        if let (Content::Text(text), kind) = content(&change) {
            end.append(text, kind);
        }
    }
    Ok(())
}
