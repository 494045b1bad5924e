//! Frames that carry no message: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM; and what follows on violations.

use bytes::Bytes;

use super::send::schedule;
use super::{Connection, MAX_31, Role, flag, frame, setting};
use crate::frame::Head;
use crate::{
    ConnectionErrorKind as Kind, ErrorCode, Event, ResetReason, StreamErrorKind, StreamId,
};

impl Connection {
    pub(super) fn handle_settings(&mut self, head: Head, payload: &[u8]) -> Result<(), Kind> {
        if head.has(flag::ACK) {
            if let Some(window) = self.window.acknowledge()? {
                self.put_initial_window(window);
            }
            self.events.push_back(Event::SettingsAcknowledged);
            return Ok(());
        }
        if self.greeted {
            self.flood.settings()?;
        }
        let window = self.peer.initial_window;
        if !self.greeted {
            // Without a word of the peer about it, there is no limit.
            self.peer.max_concurrent_streams = u32::MAX;
            self.greeted = true;
        }
        self.peer.apply(payload, self.role == Role::Client)?;
        if self.peer.initial_window != window {
            self.reopen_windows()?;
        }
        self.put_reply(frame::put_settings_ack)?;
        if self.events.back() != Some(&Event::PeerSettings) {
            self.events.push_back(Event::PeerSettings);
        }
        Ok(())
    }

    /// The initial window of the peer has changed, and with it that of all streams (§6.9.2).
    fn reopen_windows(&mut self) -> Result<(), Kind> {
        let initial = i64::from(self.peer.initial_window);
        let mut overflow = false;
        let ready = &mut self.ready;
        self.streams.for_each(|id, stream| {
            overflow |= initial + stream.sent > i64::from(MAX_31);
            schedule(ready, id, stream);
        });
        if overflow {
            Err(Kind::SettingsWindow)
        } else {
            Ok(())
        }
    }

    pub(super) fn handle_ping(&mut self, head: Head, payload: &[u8]) -> Result<(), Kind> {
        let Some(&payload) = payload.first_chunk::<8>() else {
            return Err(Kind::FrameSize);
        };
        if !head.has(flag::ACK) {
            self.flood.ping()?;
            return self.put_reply(|to| frame::put_ping(to, flag::ACK, payload));
        }
        match self.pings.checked_sub(1) {
            Some(rest) => {
                self.pings = rest;
                self.events.push_back(Event::Pong { payload });
                Ok(())
            }
            None => self.flood.control(),
        }
    }

    pub(super) fn handle_goaway(&mut self, payload: &[u8]) -> Result<(), Kind> {
        let (Some(last), Some(code)) = (word(payload, 0), word(payload, 4)) else {
            return Err(Kind::FrameSize);
        };
        self.flood.control()?;
        let debug = Bytes::copy_from_slice(payload.get(8..).unwrap_or_default());
        let last = (last & MAX_31).min(self.goaway_received.unwrap_or(MAX_31));
        self.goaway_received = Some(last);
        self.events.push_back(Event::GoAway {
            last,
            code: ErrorCode(code),
            debug,
        });
        if self.role == Role::Client {
            // "these streams were never created" (§6.8).
            while let Some(id) = self.streams.highest_above(last) {
                self.reset(id);
                let (id, code) = (StreamId(id), ErrorCode::REFUSED_STREAM);
                self.events.push_back(Event::Reset {
                    id,
                    code,
                    reason: ResetReason::GoAway,
                });
            }
        }
        Ok(())
    }

    pub(super) fn handle_window_update(&mut self, id: u32, payload: &[u8]) -> Result<(), Kind> {
        let Some(increment) = word(payload, 0) else {
            return Err(Kind::FrameSize);
        };
        let increment = i64::from(increment & MAX_31);
        self.flood.control()?;
        if id == 0 {
            if increment == 0 {
                return Err(Kind::WindowIncrement);
            }
            self.send_window += increment;
            if self.send_window > i64::from(MAX_31) {
                return Err(Kind::WindowOverflow);
            }
            // Those who waited longest come first.
            while let Some(id) = self.waiting.pop_back() {
                self.ready.push_front(id);
            }
            return Ok(());
        }
        let Some(stream) = self.streams.get_mut(id) else {
            return self.check_not_idle(id);
        };
        if increment == 0 {
            return self.violate(id, StreamErrorKind::WindowIncrement);
        }
        stream.sent += increment;
        if i64::from(self.peer.initial_window) + stream.sent > i64::from(MAX_31) {
            return self.violate(id, StreamErrorKind::WindowOverflow);
        }
        schedule(&mut self.ready, id, stream);
        Ok(())
    }

    pub(super) fn handle_reset(&mut self, id: u32, payload: &[u8]) -> Result<(), Kind> {
        let Some(code) = word(payload, 0) else {
            return Err(Kind::FrameSize);
        };
        if self.streams.get(id).is_none() {
            self.check_not_idle(id)?;
            return self.flood.control();
        }
        self.forget(id);
        self.events.push_back(Event::Reset {
            id: StreamId(id),
            code: ErrorCode(code),
            reason: ResetReason::Peer,
        });
        self.flood.reset()
    }

    /// DATA or HEADERS on a stream that is not open.
    pub(super) fn handle_gone(&mut self, id: u32) -> Result<(), Kind> {
        self.check_not_idle(id)?;
        let refused = self.role == Role::Server && self.goaway_sent.is_some_and(|last| id > last);
        if refused || self.reset_here.contains(&id) {
            // On its way when the stream ended here: "MUST ignore" (§5.1).
            return self.flood.control();
        }
        self.flood.reset()?;
        self.put_reply(|to| frame::put_reset(to, id, ErrorCode::STREAM_CLOSED))
    }

    /// "Receiving any frame other than HEADERS or PRIORITY on a stream in this state MUST be treated as a connection
    /// error" (§5.1).
    fn check_not_idle(&self, id: u32) -> Result<(), Kind> {
        let idle = match self.role {
            Role::Client => id >= self.next_id,
            Role::Server => id > self.last_seen,
        };
        if idle || id.is_multiple_of(2) {
            Err(Kind::IdleStream)
        } else {
            Ok(())
        }
    }

    /// Resets an open stream on which the peer broke a rule.
    pub(super) fn violate(&mut self, id: u32, kind: StreamErrorKind) -> Result<(), Kind> {
        let code = kind.error_code();
        self.reset(id);
        self.events.push_back(Event::Reset {
            id: StreamId(id),
            code,
            reason: ResetReason::Violation(kind),
        });
        self.flood.reset()?;
        self.put_reply(|to| frame::put_reset(to, id, code))
    }

    pub(super) fn put_initial_window(&mut self, window: u32) {
        frame::put_settings(
            self.output.frames(),
            &[(setting::INITIAL_WINDOW_SIZE, window)],
        );
    }

    fn put_reply(&mut self, put: impl FnOnce(&mut bytes::BytesMut)) -> Result<(), Kind> {
        let (to, waiting) = self.output.reply();
        put(to);
        if waiting > self.flood.limits().replies {
            Err(Kind::ReplyFlood)
        } else {
            Ok(())
        }
    }
}

fn word(payload: &[u8], at: usize) -> Option<u32> {
    let bytes = payload.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}
