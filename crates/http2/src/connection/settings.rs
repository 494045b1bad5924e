use crate::ConnectionErrorKind;
use crate::frame::{DEFAULT_FRAME_SIZE, DEFAULT_WINDOW, MAX_31, setting};

/// The initial window that this side advertises. At most one change is in flight.
#[derive(Debug)]
pub(super) struct LocalWindow {
    acknowledged: u32,
    in_flight: Option<u32>,
    next: Option<u32>,
}

impl LocalWindow {
    /// The first SETTINGS are on their way.
    pub(super) fn new(advertised: u32) -> Self {
        Self {
            acknowledged: DEFAULT_WINDOW,
            in_flight: Some(advertised),
            next: None,
        }
    }

    /// Asks for another window. Returns what to send now, if anything.
    pub(super) fn change(&mut self, window: u32) -> Option<u32> {
        if self.in_flight.is_some() {
            self.next = Some(window);
            return None;
        }
        if window == self.acknowledged {
            return None;
        }
        self.in_flight = Some(window);
        Some(window)
    }

    /// The peer has applied what was in flight. Returns what to send next, if anything.
    pub(super) fn acknowledge(&mut self) -> Result<Option<u32>, ConnectionErrorKind> {
        self.acknowledged = self
            .in_flight
            .take()
            .ok_or(ConnectionErrorKind::SettingsAck)?;
        Ok(self.next.take().and_then(|next| self.change(next)))
    }

    /// The largest that a peer may use, whichever SETTINGS it has seen.
    pub(super) fn largest(&self) -> i64 {
        i64::from(
            self.in_flight
                .map_or(self.acknowledged, |window| window.max(self.acknowledged)),
        )
    }

    /// The same, with changes that wait for their turn.
    pub(super) fn largest_asked(&self) -> i64 {
        self.largest().max(i64::from(self.next.unwrap_or(0)))
    }
}

/// What the peer advertises.
#[derive(Debug)]
pub(super) struct PeerSettings {
    pub(super) max_concurrent_streams: u32,
    pub(super) initial_window: u32,
    pub(super) max_frame_size: u32,
    pub(super) max_header_list_size: u32,
}

impl PeerSettings {
    /// Before its SETTINGS arrive. The RFC allows any number of streams then, and recommends peers to allow at least 100.
    pub(super) fn new() -> Self {
        Self {
            max_concurrent_streams: 100,
            initial_window: DEFAULT_WINDOW,
            max_frame_size: DEFAULT_FRAME_SIZE,
            max_header_list_size: u32::MAX,
        }
    }

    /// Applies one SETTINGS frame.
    pub(super) fn apply(
        &mut self,
        payload: &[u8],
        from_server: bool,
    ) -> Result<(), ConnectionErrorKind> {
        let (settings, _) = payload.as_chunks::<6>();
        for &[i0, i1, v0, v1, v2, v3] in settings {
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            match u16::from_be_bytes([i0, i1]) {
                // "A server MUST NOT explicitly set this value to 1" (§6.5.2).
                setting::ENABLE_PUSH if value > u32::from(!from_server) => {
                    return Err(ConnectionErrorKind::SettingsValue);
                }
                setting::MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = value,
                setting::INITIAL_WINDOW_SIZE if value > MAX_31 => {
                    return Err(ConnectionErrorKind::SettingsWindow);
                }
                setting::INITIAL_WINDOW_SIZE => self.initial_window = value,
                setting::MAX_FRAME_SIZE
                    if !(DEFAULT_FRAME_SIZE..=LARGEST_FRAME).contains(&value) =>
                {
                    return Err(ConnectionErrorKind::SettingsValue);
                }
                setting::MAX_FRAME_SIZE => self.max_frame_size = value,
                setting::MAX_HEADER_LIST_SIZE => self.max_header_list_size = value,
                // HEADER_TABLE_SIZE: the encoder uses no table. Unknown ones MUST be ignored.
                _ => {}
            }
        }
        Ok(())
    }
}

/// A frame's length has 24 bits.
pub(super) const LARGEST_FRAME: u32 = 0x00ff_ffff;
