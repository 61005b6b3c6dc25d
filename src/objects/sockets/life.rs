//! The life of one end of a WebSocket, as a pure state machine: what happens goes in, what to do comes out.
//!
//! Both directions end on their own: an end is open, then half-closed (it said goodbye, or the other one
//! did), then over. Fidelity: workerd `src/workerd/api/web-socket.c++` and the recorded answers of
//! workerd 1.20261117.1.

use crate::engine::socket::{ABNORMAL, Close};

/// Who is told what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Nobody yet: what arrives waits.
    Unclaimed,
    /// Event listeners.
    Standard,
    /// The handlers of an object, which need not be awake.
    Hibernatable,
}

/// Something that happened to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A message came.
    Message,
    /// The other end's last message came.
    Closed(Close),
    /// The connection ended without one.
    Lost,
    /// The connection, or a listener, failed; why.
    Failed(String),
}

/// What is to be done about it, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Hand the message over.
    Message,
    /// Send this close message.
    Reply(Close),
    /// Tell that the connection ends; `true` if the other end said so.
    Closed(Close, bool),
    /// Tell that the connection failed.
    Failed(String),
}

/// Why an end cannot do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    /// Nobody accepted it.
    #[error(
        "You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages."
    )]
    Unclaimed,
    /// It said goodbye.
    #[error("Can't call WebSocket send() after close().")]
    AfterClose,
    /// It belongs to an object's handlers.
    #[error("Can't accept() WebSocket after enabling hibernation.")]
    Hibernates,
    /// It belongs to listeners.
    #[error("Cannot call `acceptWebSocket()` if the WebSocket was already accepted via `accept()`")]
    Listens,
}

/// One end's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    acceptance: Acceptance,
    /// Whether this end, if it has listeners, answers a goodbye by itself.
    replies: bool,
    /// The other end said goodbye, or is gone.
    closed_in: bool,
    /// This end said goodbye.
    closed_out: bool,
    /// Its goodbye went out.
    close_sent: bool,
    /// Nothing can be sent any more.
    aborted: bool,
    /// It broke, and listeners were told.
    failed: bool,
    /// Its listeners are being told that it is gone without a goodbye.
    losing: bool,
    /// It sent a message.
    spoke: bool,
    /// The other end belongs to another request or object, or to a server.
    is_foreign: bool,
}

impl Life {
    /// The life of a new end; `replies`: it answers a goodbye by itself unless it is accepted otherwise.
    pub fn new(replies: bool) -> Self {
        Self {
            acceptance: Acceptance::Unclaimed,
            replies,
            closed_in: false,
            closed_out: false,
            close_sent: false,
            aborted: false,
            failed: false,
            losing: false,
            spoke: false,
            is_foreign: false,
        }
    }

    /// Who is told what arrives.
    pub fn acceptance(&self) -> Acceptance {
        self.acceptance
    }

    /// Listeners take it over; says whether it was unclaimed. `half_open` keeps it from replying by itself.
    ///
    /// # Errors
    /// When it belongs to an object's handlers.
    pub fn accept(&mut self, half_open: Option<bool>) -> Result<bool, LifeError> {
        match self.acceptance {
            Acceptance::Hibernatable => Err(LifeError::Hibernates),
            Acceptance::Standard => Ok(false),
            Acceptance::Unclaimed => {
                self.acceptance = Acceptance::Standard;
                self.replies = half_open.map_or(self.replies, |half_open| !half_open);
                Ok(true)
            }
        }
    }

    /// An object's handlers take it over.
    ///
    /// # Errors
    /// When it was accepted before.
    pub fn accept_hibernatable(&mut self) -> Result<(), LifeError> {
        if self.acceptance != Acceptance::Unclaimed {
            return Err(LifeError::Listens);
        }
        self.acceptance = Acceptance::Hibernatable;
        Ok(())
    }

    /// The other end is somebody else's: of this isolate, or a server's to which this end connected.
    pub fn note_foreign(&mut self) {
        self.is_foreign = true;
    }

    /// This end wants to send a message; says whether it goes out or is silently dropped.
    ///
    /// # Errors
    /// When it may not.
    pub fn send(&mut self) -> Result<bool, LifeError> {
        if self.closed_out {
            return Err(LifeError::AfterClose);
        }
        if self.aborted {
            return Ok(false);
        }
        if self.acceptance == Acceptance::Unclaimed {
            return Err(LifeError::Unclaimed);
        }
        self.spoke = true;
        Ok(true)
    }

    /// This end says goodbye; says whether that goes out. Doing it twice is nothing.
    ///
    /// # Errors
    /// When it may not.
    pub fn close(&mut self) -> Result<bool, LifeError> {
        if self.closed_out || self.aborted {
            return Ok(false);
        }
        if self.acceptance == Acceptance::Unclaimed {
            return Err(LifeError::Unclaimed);
        }
        self.closed_out = true;
        Ok(true)
    }

    /// This end's goodbye went out.
    pub fn close_went_out(&mut self) {
        self.close_sent = true;
    }

    /// Something happened to an accepted end.
    pub fn happen(&mut self, what: Happening) -> Vec<Effect> {
        match what {
            Happening::Message if self.closed_in => Vec::new(),
            Happening::Message => vec![Effect::Message],
            Happening::Closed(_) if self.closed_in => Vec::new(),
            Happening::Closed(close) => {
                self.closed_in = true;
                let told = Effect::Closed(close.clone(), true);
                // Fidelity: observed with wrangler 4.164.0: an object's handler answers itself, whatever the date.
                if self.acceptance != Acceptance::Standard || !self.replies() {
                    return vec![told];
                }
                let mut effects = vec![Effect::Reply(close), told];
                if self.spoke || self.is_foreign {
                    // Fidelity: observed with workerd 1.20261117.1: an end that ever sent a message sees an
                    // error after the close that it was told of; one that only listened does not, unless the other
                    // end belongs to somebody else here or to a server.
                    effects.push(Effect::Failed("Network connection lost.".to_owned()));
                }
                effects
            }
            Happening::Lost => {
                self.aborted = true;
                if std::mem::replace(&mut self.closed_in, true) {
                    return Vec::new();
                }
                self.losing = self.acceptance == Acceptance::Standard;
                let reason = "WebSocket disconnected without sending Close frame.".to_owned();
                vec![Effect::Closed(Close { code: ABNORMAL, reason }, false)]
            }
            Happening::Failed(reason) => {
                let known = std::mem::replace(&mut self.aborted, true);
                self.closed_in = true;
                self.failed = self.acceptance == Acceptance::Standard;
                if known { Vec::new() } else { vec![Effect::Failed(reason)] }
            }
        }
    }

    /// Whether the other end said goodbye and nobody answered yet.
    pub fn is_half_closed(&self) -> bool {
        self.closed_in && !self.closed_out && !self.aborted
    }

    fn replies(&mut self) -> bool {
        let replies = self.replies && !self.closed_out && !self.aborted;
        self.closed_out |= replies;
        replies
    }

    /// The listeners were told what happened.
    pub fn told(&mut self) {
        self.losing = false;
    }

    /// The value of `readyState`.
    ///
    /// Fidelity: observed with wrangler 4.164.0: listeners see a lost end as open while they are told, and an object's
    /// handlers a broken one as closing.
    pub fn ready_state(&self) -> u8 {
        match (self.closed_in && !self.losing, self.closed_out) {
            _ if self.failed => 3,
            (true, true) => 3,
            (true, false) | (false, true) => 2,
            (false, false) => 1,
        }
    }

    /// Whether this end said goodbye.
    pub fn said_goodbye(&self) -> bool {
        self.closed_out
    }

    /// Whether both directions ended, and nothing of this end waits to be sent.
    pub fn is_over(&self) -> bool {
        self.closed_in && (self.close_sent || self.aborted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(code: u16) -> Close {
        Close { code, reason: "r".to_owned() }
    }

    fn standard(replies: bool) -> Life {
        let mut life = Life::new(replies);
        assert_eq!(life.accept(None), Ok(true));
        life
    }

    #[test]
    fn an_unclaimed_end_cannot_speak() {
        let mut life = Life::new(true);
        assert_eq!(life.send(), Err(LifeError::Unclaimed), "nothing was sent");
        assert_eq!(life.close(), Err(LifeError::Unclaimed));
        assert_eq!(life.ready_state(), 1);
    }

    #[test]
    fn an_end_is_accepted_once_and_in_one_way() {
        let mut life = standard(true);
        assert_eq!(life.accept(None), Ok(false), "again is harmless");
        assert_eq!(life.accept_hibernatable(), Err(LifeError::Listens));
        let mut life = Life::new(true);
        assert_eq!(life.accept_hibernatable(), Ok(()));
        assert_eq!(life.accept(None), Err(LifeError::Hibernates));
    }

    #[test]
    fn the_one_who_closes_is_over_when_the_reply_comes() {
        let mut life = standard(true);
        assert_eq!(life.close(), Ok(true));
        assert_eq!(life.ready_state(), 2);
        assert_eq!(life.close(), Ok(false));
        assert_eq!(life.send(), Err(LifeError::AfterClose));
        life.close_went_out();
        assert_eq!(life.happen(Happening::Message), [Effect::Message], "the other one may still speak");
        assert_eq!(life.happen(Happening::Closed(close(1000))), [Effect::Closed(close(1000), true)]);
        assert_eq!(life.ready_state(), 3);
        assert!(life.is_over());
    }

    #[test]
    fn a_listening_end_replies_before_it_is_told() {
        let mut life = standard(true);
        let effects = life.happen(Happening::Closed(close(4000)));
        assert_eq!(effects, [Effect::Reply(close(4000)), Effect::Closed(close(4000), true)]);
        assert_eq!(life.ready_state(), 3);
        assert!(!life.is_over(), "the reply still waits for the commit");
        life.close_went_out();
        assert!(life.is_over());
    }

    #[test]
    fn an_end_that_spoke_sees_an_error_after_the_close() {
        let mut life = standard(true);
        assert_eq!(life.send(), Ok(true));
        let effects = life.happen(Happening::Closed(close(4000)));
        let lost = Effect::Failed("Network connection lost.".to_owned());
        assert_eq!(effects, [Effect::Reply(close(4000)), Effect::Closed(close(4000), true), lost]);
        assert!(!life.is_over(), "the reply still goes out");
    }

    #[test]
    fn a_half_open_end_may_speak_after_a_goodbye() {
        let mut life = Life::new(true);
        assert_eq!(life.accept(Some(true)), Ok(true));
        assert_eq!(life.happen(Happening::Closed(close(1000))), [Effect::Closed(close(1000), true)]);
        assert_eq!(life.ready_state(), 2);
        assert_eq!(life.send(), Ok(true));
        assert_eq!(life.close(), Ok(true));
        assert_eq!(life.ready_state(), 3);
    }

    #[test]
    fn a_handler_replies_itself_or_nobody_does() {
        for (replies, own) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut life = Life::new(replies);
            assert_eq!(life.accept_hibernatable(), Ok(()));
            assert_eq!(life.happen(Happening::Closed(close(1001))), [Effect::Closed(close(1001), true)]);
            assert_eq!(life.ready_state(), 2, "inside the handler");
            if own {
                assert_eq!(life.close(), Ok(true));
            }
            assert_eq!(life.is_half_closed(), !own);
            assert!(!life.is_over(), "a close message must go out first");
        }
    }

    #[test]
    fn a_lost_end_is_told_once_and_sends_nothing() {
        let mut life = standard(true);
        let effects = life.happen(Happening::Lost);
        assert!(matches!(&effects[..], [Effect::Closed(close, false)] if close.code == ABNORMAL));
        assert_eq!(life.happen(Happening::Lost), []);
        assert_eq!(life.send(), Ok(false));
        assert!(life.is_over());
    }

    #[test]
    fn listeners_see_a_lost_end_as_open_and_handlers_a_broken_one_as_closing() {
        let mut life = standard(true);
        life.happen(Happening::Lost);
        assert_eq!(life.ready_state(), 1);
        life.told();
        assert_eq!(life.ready_state(), 2);
        let mut life = standard(true);
        life.happen(Happening::Failed("why".to_owned()));
        assert_eq!(life.ready_state(), 3);
        let mut life = Life::new(true);
        life.accept_hibernatable().expect("unclaimed");
        life.happen(Happening::Failed("why".to_owned()));
        assert_eq!(life.ready_state(), 2);
    }

    #[test]
    fn a_failed_end_is_told_once() {
        let mut life = standard(true);
        let failed = || Happening::Failed("bad frame".to_owned());
        assert_eq!(life.happen(failed()), [Effect::Failed("bad frame".to_owned())]);
        assert_eq!(life.happen(failed()), []);
        assert_eq!(life.happen(Happening::Lost), []);
        assert!(life.is_over());
    }

    proptest! {
        /// Whatever happens in whatever order: the end is told of the connection's end at most once, and
        /// nothing is sent after a goodbye.
        #[test]
        fn the_end_is_told_once(hibernates: bool, replies: bool, steps in prop::collection::vec(0u8..6, 0..40)) {
            let mut life = Life::new(replies);
            if hibernates { life.accept_hibernatable().expect("unclaimed") } else { life.accept(None).map(drop).expect("unclaimed") }
            let (mut told, mut closes, mut over) = (0, 0, false);
            for step in steps {
                let effects = match step {
                    0 => life.happen(Happening::Message),
                    1 => life.happen(Happening::Closed(close(1000))),
                    2 => life.happen(Happening::Lost),
                    3 => { closes += u32::from(life.close().expect("accepted")); Vec::new() }
                    4 => { prop_assert!(closes == 0 || life.send() != Ok(true)); Vec::new() }
                    _ => { life.close_went_out(); Vec::new() }
                };
                prop_assert!(!over || effects.is_empty(), "nothing happens to what is over");
                for effect in effects {
                    told += u32::from(matches!(effect, Effect::Closed(..)));
                    closes += u32::from(matches!(effect, Effect::Reply(_)));
                }
                prop_assert!(told <= 1 && closes <= 1);
                over = life.is_over();
            }
        }
    }
}
