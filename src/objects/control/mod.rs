//! What somebody outside may ask of the objects of one world: look, change data, call, put to sleep, break.
//!
//! A [`Command`] enters through the world's mailbox and is answered by an [`Answer`] or a [`Refusal`], all
//! plain data. Looking happens between two batches, when everything is committed, wakes nobody and makes no
//! file. What changes data of an object goes through its inbox: it waits for the gate like every event,
//! and is answered after the commit. An object that sleeps is not woken for it: its store is opened, changed,
//! committed and closed in its turn. Calls and requests are ordinary events. How any of this is spelled in
//! HTTP is the server's business.

mod alarms;
mod data;
mod facts;
mod faults;
mod life;
mod work;

use std::rc::Rc;

use tokio::sync::oneshot;

use crate::base::clock::Timestamp;
use crate::base::ids::ObjectId;
use crate::engine::Isolate;
use crate::engine::http::{FetchRequest, FetchResponse};
use crate::storage::{ListOptions, SqlValue};

use super::actor::{ActorKey, Slot};
use super::event::{Event, Reply, ReplyTo};
use super::failure::Failure;
use super::gate::ROOT;
use super::parcel::Message;
use super::scheduler::{Entry, Objects};

pub(super) use alarms::AlarmWaiters;
pub use data::DataCall;
pub use facts::{AlarmFacts, FacetFacts, NamespaceFacts, ObjectFacts, Overview, Pin, SocketFacts};
pub(super) use faults::Faults;
pub use faults::{Fault, FaultFacts, FaultRule};

/// Who asked; dropped without a word when the world ends before there is an answer.
pub type Asker = oneshot::Sender<Result<Answer, Refusal>>;

/// What is asked.
#[derive(Debug)]
pub enum Command {
    /// What lives in this world.
    Overview,
    /// The objects that this world knows, all or those of one class.
    Objects {
        /// Name of the class, or of the namespace (`<script>-<Class>`).
        class: Option<String>,
        /// Whether objects without an instance are named too.
        asleep: bool,
    },
    /// Something about one object.
    Object {
        /// Which one.
        target: Target,
        /// What.
        action: Action,
    },
    /// Every object that nothing pins loses its instance.
    HibernateAll,
    /// The next calls by stubs meet a fault.
    Inject(FaultRule),
    /// Which faults wait.
    Faults,
    /// None of them happens.
    ClearFaults,
    /// What was committed comes to the histories now.
    SaveHistory,
}

/// An object as somebody outside names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name of the class, or of the namespace.
    pub class: String,
    /// Which object.
    pub object: Address,
}

/// How an object is told from the others of its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// By its id.
    Id(ObjectId),
    /// By its name.
    Name(String),
}

/// What is asked about one object.
#[derive(Debug)]
pub enum Action {
    /// Everything that is known about it.
    Facts,
    /// One stored value.
    Get(String),
    /// Stored keys and values in a range.
    List(ListOptions),
    /// A change of its data.
    Change(Change),
    /// A call of a method; the arguments are a serialized array. `None` reads a property.
    Call(String, Option<Vec<u8>>),
    /// A request.
    Fetch(FetchRequest),
    /// Loses its instance if nothing pins it.
    Hibernate,
    /// Loses its instance, with timers and promises that nobody else waits for.
    Evict {
        /// Whether its hibernatable sockets end too.
        close_sockets: bool,
    },
    /// Is reset as by `ctx.abort()`.
    Reset(Option<String>),
    /// Runs its alarm now and answers when the handler has ended.
    RunAlarm,
}

/// A change of an object's data.
#[derive(Debug)]
pub enum Change {
    /// Stores a serialized value.
    Put(String, Vec<u8>),
    /// Deletes a key.
    Delete(String),
    /// Runs SQL, which may also only read.
    Sql(String, Vec<SqlValue>),
    /// Sets the alarm, or deletes it.
    SetAlarm(Option<Timestamp>),
}

/// Letters of a statement that a history keeps.
const CAUSE_LETTERS: usize = 80;

impl Change {
    /// Adds what it does to `detail`, in the words that the commands for stopped state leave in a history.
    pub fn describe(&self, detail: &mut String) {
        let (verb, what) = match self {
            Self::Put(key, _) => ("put ", key.as_str()),
            Self::Delete(key) => ("delete ", key.as_str()),
            Self::Sql(sql, _) => ("sql ", sql.trim()),
            Self::SetAlarm(Some(_)) => ("alarm", " set"),
            Self::SetAlarm(None) => ("alarm", " cancel"),
        };
        detail.push_str(verb);
        detail.extend(what.chars().take(CAUSE_LETTERS));
    }
}

/// What was asked for.
#[derive(Debug)]
pub enum Answer {
    /// What lives in this world.
    Overview(Overview),
    /// Objects.
    Objects(Vec<ObjectFacts>),
    /// One object.
    Object(Box<ObjectFacts>),
    /// A stored value, serialized.
    Value(Option<Vec<u8>>),
    /// Keys and values in order, and whether there would be more.
    Entries(Vec<(String, Vec<u8>)>, bool),
    /// Rows of a query.
    Rows(Rows),
    /// The result of a call: serialized, and how many functions, stubs and streams are in it.
    Result(Vec<u8>, usize),
    /// A response.
    Response(FetchResponse),
    /// It is done; `true` if it changed anything.
    Done(bool),
    /// How a run of an alarm ended: `done`, `failed`, `dropped` or `moved`.
    AlarmRan(&'static str),
    /// So many objects lost their instance.
    Count(usize),
    /// The faults that wait.
    Faults(Vec<FaultFacts>),
}

/// The rows of a query, as far as they are given.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<SqlValue>>,
    /// Whether there were more than an answer holds.
    pub truncated: bool,
    /// As `rowsRead` of a cursor.
    pub rows_read: u64,
    /// As `rowsWritten` of a cursor.
    pub rows_written: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such class; the ones that there are.
    NoClass(String, Vec<String>),
    /// The id belongs to another class.
    ForeignId,
    /// There is no such thing.
    NotFound(String),
    /// The request makes no sense.
    Invalid(String),
    /// The object is busy.
    Pinned(String, Vec<Pin>),
    /// The object's code threw, or it was reset meanwhile.
    Failed(Box<Failure>),
}

impl Objects {
    /// Does what `command` asks; `asker` is answered now or later.
    pub fn control(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        command: Command,
        asker: Asker,
    ) {
        self.settle_alarm_ends();
        let answer = match command {
            Command::Overview => Ok(Answer::Overview(self.overview(isolate))),
            Command::Objects { class, asleep } => self.known_objects(isolate, class.as_deref(), asleep),
            Command::Object { target, action } => {
                return match self.resolve(&target) {
                    Ok((key, name)) => self.control_object(isolate, entry, key, name, action, asker),
                    Err(refusal) => say(asker, Err(refusal)),
                };
            }
            Command::HibernateAll => Ok(Answer::Count(self.hibernate_all(isolate, entry))),
            Command::Inject(rule) => self.inject(rule),
            Command::Faults => Ok(Answer::Faults(self.faults.facts())),
            Command::ClearFaults => Ok(Answer::Count(self.faults.clear())),
            Command::SaveHistory => {
                self.stores.save_all_history();
                Ok(Answer::Done(true))
            }
        };
        say(asker, answer);
    }

    fn control_object(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        key: ActorKey,
        name: Option<String>,
        action: Action,
        asker: Asker,
    ) {
        let slot = || self.slot(key, name.as_deref());
        let known = self.index.borrow().get(&key).copied();
        let answer = match action {
            Action::Facts => self.object_facts(isolate, key, name),
            Action::Get(_) | Action::List(_) if self.is_demanded(key) => {
                Err(Refusal::Pinned("the state of the object is being replaced".to_owned(), Vec::new()))
            }
            Action::Get(stored) => self.peek_value(key, known, &stored),
            Action::List(options) => self.peek_list(key, known, &options),
            Action::Change(change) => {
                return self.deliver(slot(), ROOT, Event::Control(Box::new(DataCall { change, asker })));
            }
            Action::Call(method, args) => {
                let args = args.map(|bytes| Message { bytes, parcels: Vec::new() });
                let event =
                    Event::Call { path: vec![method], args, before: None, reply: ReplyTo::Control(asker) };
                return self.deliver(slot(), ROOT, event);
            }
            Action::Fetch(request) => {
                let event = Event::Fetch { request, reply: ReplyTo::Control(asker) };
                return self.deliver(slot(), ROOT, event);
            }
            Action::Hibernate => self.hibernate_now(isolate, entry, known),
            Action::Evict { close_sockets } => self.evict_now(isolate, entry, known, close_sockets),
            Action::Reset(reason) => self.reset_now(known, reason),
            Action::RunAlarm => return self.run_alarm_now(slot(), asker),
        };
        say(asker, answer);
    }

    /// The object that `target` names.
    fn resolve(&self, target: &Target) -> Result<(ActorKey, Option<String>), Refusal> {
        let namespace = self.namespace_of(&target.class)?;
        let key = &self.namespaces[namespace].key;
        match &target.object {
            Address::Id(id) if key.owns(id) => Ok((ActorKey { namespace, id: *id }, None)),
            Address::Id(_) => Err(Refusal::ForeignId),
            Address::Name(name) => {
                Ok((ActorKey { namespace, id: key.id_from_name(name) }, Some(name.clone())))
            }
        }
    }

    fn namespace_of(&self, class: &str) -> Result<usize, Refusal> {
        let own = self.own_namespaces();
        if let Some(found) = own.iter().position(|namespace| namespace.key.as_str() == class) {
            return Ok(found);
        }
        let mut of_class = own.iter().enumerate().filter(|(_, namespace)| namespace.class == class);
        match (of_class.next(), of_class.next()) {
            (Some((found, _)), None) => Ok(found),
            (Some((_, one)), Some((_, other))) => Err(Refusal::Invalid(format!(
                "several Workers have a class `{class}`: say `{}` or `{}`",
                one.key.as_str(),
                other.key.as_str()
            ))),
            (None, _) => {
                let classes = (0..own.len()).map(|number| self.class_of(number).to_owned()).collect();
                Err(Refusal::NoClass(class.to_owned(), classes))
            }
        }
    }

    /// Answers `asker` with the outcome of an event.
    pub(super) fn answer_control(&self, asker: Asker, reply: Reply) {
        let answer = match reply {
            // What is in the message beside its bytes lets go when it is dropped here.
            Reply::Value(Message { bytes, parcels }) => Ok(Answer::Result(bytes, parcels.len())),
            Reply::Response(mut response) => {
                if response.web_socket.is_some() {
                    self.lose_socket_of(&Reply::Response(response));
                    say(asker, Err(Refusal::Invalid("the response is a WebSocket: connect to it".into())));
                    return;
                }
                response.web_socket = None;
                Ok(Answer::Response(response))
            }
            Reply::Done => Ok(Answer::Done(true)),
            Reply::Told(answer) => Ok(*answer),
            Reply::Failed(failure) => Err(Refusal::Failed(Box::new(failure))),
        };
        say(asker, answer);
    }

    /// The objects that have an instance and wait for nothing in it; facets are part of their root.
    pub(super) fn awake_slots(&self) -> Vec<Slot> {
        let mut slots = self.object_slots();
        slots.retain(|slot| self.with_actor(*slot, |actor| actor.idle_scope().is_some()));
        slots
    }
}

fn say(asker: Asker, answer: Result<Answer, Refusal>) {
    // Whoever asked may have hung up.
    drop(asker.send(answer));
}
