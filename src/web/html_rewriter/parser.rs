//! The thread that parses one document, and the exchange with it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use encoding_rs::Encoding;
use lol_html::html_content::{Comment, Doctype, DocumentEnd, TextChunk};
use lol_html::send::{HtmlRewriter, Settings};
use lol_html::{AsciiCompatibleEncoding, DocumentContentHandlers, ElementContentHandlers, Selector};
use serde::Deserialize;
use serde_json::{Value, json};

use super::changes;

/// Stack of a parsing thread: handlers do not nest.
const STACK_BYTES: usize = 512 * 1024;

/// What JavaScript tells the parser.
pub enum Command {
    /// More of the document.
    Write(Vec<u8>),
    /// The document ends.
    End,
    /// The handler is done; what it changed, as JSON.
    Change(String),
    /// A piece of streamed content, or its end.
    Content(Option<Vec<u8>>),
    /// The handler failed.
    Stop,
}

/// What the parser needs: an event as JSON, and the output since the last one.
type Event = (String, Vec<u8>);

/// One document's parser.
pub struct Parser {
    commands: Sender<Command>,
    events: Receiver<Event>,
}

/// One `on()` or `onDocument()`: its selector, and what it has handlers for.
#[derive(Deserialize)]
struct Registered {
    selector: Option<String>,
    kinds: Vec<String>,
}

impl Parser {
    /// Starts a thread for a document in `encoding` with `handlers` (JSON).
    ///
    /// # Errors
    /// The platform's text when the encoding is unknown.
    pub fn start(handlers: &str, encoding: &str) -> Result<Self, String> {
        let registered: Vec<Registered> =
            serde_json::from_str(handlers).map_err(|error| format!("Parser error: {error}"))?;
        let encoding = Encoding::for_label_no_replacement(encoding.as_bytes())
            .ok_or("Parser error: Unknown character encoding has been provided.")?;
        let encoding = AsciiCompatibleEncoding::new(encoding)
            .ok_or("Parser error: Expected ASCII-compatible encoding.")?;
        let (commands, inbox) = channel();
        let (outbox, events) = channel();
        let port = Arc::new(Port { inbox: Mutex::new(inbox), outbox, output: Mutex::default() });
        thread::Builder::new()
            .name("html rewriter".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || run(&port, &registered, encoding))
            .map_err(|error| format!("Parser error: no thread for it: {error}"))?;
        Ok(Self { commands, events })
    }

    /// Goes on with `command` until the parser needs something.
    pub fn step(&mut self, command: Command) -> Event {
        let gone = || (r#"{"kind":"error","message":"The parser has ended."}"#.to_owned(), Vec::new());
        if self.commands.send(command).is_err() {
            return gone();
        }
        self.events.recv().unwrap_or_else(|_| gone())
    }
}

/// The message for a selector that is none.
pub fn check_selector(text: &str) -> Option<String> {
    text.parse::<Selector>().err().map(|error| format!("Parser error: {error}"))
}

/// The thread's end of the exchange.
pub struct Port {
    inbox: Mutex<Receiver<Command>>,
    outbox: Sender<Event>,
    output: Mutex<Vec<u8>>,
}

/// Why a handler gives up: nobody listens, or JavaScript said so.
pub type Stopped = Box<dyn std::error::Error + Send + Sync>;

impl Port {
    fn receive(&self) -> Result<Command, Stopped> {
        Ok(self.inbox.lock().map_err(|_| "poisoned")?.recv()?)
    }

    fn write(&self, bytes: &[u8]) {
        if let Ok(mut output) = self.output.lock() {
            output.extend_from_slice(bytes);
        }
    }

    fn send(&self, event: &Value) {
        let output = self.output.lock().map(|mut output| std::mem::take(&mut *output)).unwrap_or_default();
        // Nobody listens any more when the document was given up.
        drop(self.outbox.send((event.to_string(), output)));
    }

    /// Tells JavaScript of a token; what it changed.
    pub fn ask(&self, event: &Value) -> Result<Vec<Vec<Value>>, Stopped> {
        self.send(event);
        match self.receive()? {
            Command::Change(changes) => Ok(serde_json::from_str(&changes)?),
            _ => Err("stopped".into()),
        }
    }

    /// The next piece of the streamed content `id`; `None` at its end.
    pub fn content(&self, id: u64) -> Result<Option<Vec<u8>>, Stopped> {
        self.send(&json!({ "kind": "content", "id": id }));
        match self.receive()? {
            Command::Content(piece) => Ok(piece),
            _ => Err("stopped".into()),
        }
    }
}

fn run(port: &Arc<Port>, registered: &[Registered], encoding: AsciiCompatibleEncoding) {
    let mut settings = Settings::new_send();
    settings = settings.with_encoding(encoding).with_strict(true);
    for (index, one) in registered.iter().enumerate() {
        settings = match &one.selector {
            Some(selector) => {
                let Ok(selector) = selector.parse::<Selector>() else { continue };
                let handlers = element_handlers(port, index, &one.kinds);
                settings.append_element_content_handler((std::borrow::Cow::Owned(selector), handlers))
            }
            None => settings.append_document_content_handler(document_handlers(port, index, &one.kinds)),
        };
    }
    let sink = port.clone();
    let mut rewriter = HtmlRewriter::new(settings, move |bytes: &[u8]| sink.write(bytes));
    loop {
        let written = match port.receive() {
            Ok(Command::Write(bytes)) => rewriter.write(&bytes),
            Ok(Command::End) => {
                return match rewriter.end() {
                    Ok(()) => port.send(&json!({ "kind": "end" })),
                    Err(error) => port.send(&json!({ "kind": "error", "message": error.to_string() })),
                };
            }
            // Out of turn, or nobody is there.
            Ok(Command::Change(_) | Command::Content(_) | Command::Stop) | Err(_) => return,
        };
        match written {
            Ok(()) => port.send(&json!({ "kind": "more" })),
            Err(error) => return port.send(&json!({ "kind": "error", "message": error.to_string() })),
        }
    }
}

type Elements = ElementContentHandlers<'static, lol_html::send::SendHandlerTypes>;
type Documents = DocumentContentHandlers<'static, lol_html::send::SendHandlerTypes>;

fn element_handlers(port: &Arc<Port>, index: usize, kinds: &[String]) -> Elements {
    let mut handlers = Elements::default();
    for kind in kinds {
        let port = port.clone();
        handlers = match kind.as_str() {
            "element" => handlers.element(move |element: &mut lol_html::send::Element<'_, '_>| {
                changes::element(&port, index, element)
            }),
            "comments" => {
                handlers.comments(move |comment: &mut Comment<'_>| changes::comment(&port, index, comment))
            }
            _ => handlers.text(move |text: &mut TextChunk<'_>| changes::text(&port, index, text)),
        };
    }
    handlers
}

fn document_handlers(port: &Arc<Port>, index: usize, kinds: &[String]) -> Documents {
    let mut handlers = Documents::default();
    for kind in kinds {
        let port = port.clone();
        handlers = match kind.as_str() {
            "doctype" => {
                handlers.doctype(move |doctype: &mut Doctype<'_>| changes::doctype(&port, index, doctype))
            }
            "comments" => {
                handlers.comments(move |comment: &mut Comment<'_>| changes::comment(&port, index, comment))
            }
            "text" => handlers.text(move |text: &mut TextChunk<'_>| changes::text(&port, index, text)),
            _ => handlers.end(move |end: &mut DocumentEnd<'_>| changes::end(&port, index, end)),
        };
    }
    handlers
}
