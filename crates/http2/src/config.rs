/// What one side of a connection advertises and bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// SETTINGS_INITIAL_WINDOW_SIZE: what the peer may send on a new stream before it is granted more. At most 2^31-1.
    /// Until it has seen this, a peer may use 65,535.
    pub initial_window_size: u32,
    /// SETTINGS_MAX_CONCURRENT_STREAMS: streams the peer may have open. More are refused. Of use on a server only.
    pub max_concurrent_streams: u32,
    /// SETTINGS_MAX_FRAME_SIZE: the longest frame taken, 16,384 to 16,777,215.
    pub max_frame_size: u32,
    /// SETTINGS_MAX_HEADER_LIST_SIZE: names, values and 32 for each field. A longer list resets the stream; a block of
    /// more than twice as many bytes (and more than a frame) ends the connection.
    pub max_header_list_size: u32,
    /// How much a peer may cost.
    pub limits: FloodLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            initial_window_size: 65_535,
            max_concurrent_streams: 1_024,
            max_frame_size: 16_384,
            max_header_list_size: 65_536,
            limits: FloodLimits::default(),
        }
    }
}

/// How often a peer may do what costs this side more than it costs the peer, beyond its useful work.
///
/// Each limit bounds a counter that goes up by one with each such act, and down again with useful work as described
/// here. Where the caller tells the time, each second also takes off one thirtieth of the limit (nghttp2 allows 1,000
/// resets and 33 more each second).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloodLimits {
    /// Streams that ended by RST_STREAM of the peer, by its violation, or were refused; each stream that ends in order
    /// takes one off. Rapid reset (CVE-2023-44487) and its twin that makes the server reset (CVE-2025-8671).
    pub resets: u32,
    /// PING frames (CVE-2019-9512); each HEADERS frame, and each DATA frame with data, takes one off.
    pub pings: u32,
    /// SETTINGS frames (CVE-2019-9515); each stream that ends in order takes one off.
    pub settings: u32,
    /// Frames that carry nothing (CVE-2019-9518): DATA and CONTINUATION without data, header lists without fields,
    /// informational responses. Each DATA frame with data, and each stream that ends in order, takes one off.
    pub empty: u32,
    /// PRIORITY, WINDOW_UPDATE, GOAWAY and frames of unknown type, and frames on streams that are gone (CVE-2019-9513);
    /// each HEADERS and DATA frame, sent or received, takes ten off.
    pub control: u32,
    /// CONTINUATION frames of one header block (CVE-2024-27316 and its likes).
    pub continuations: u32,
    /// Acknowledgements and RST_STREAM frames that wait to be output, as the peer sends but does not read.
    pub replies: u32,
}

impl Default for FloodLimits {
    fn default() -> Self {
        Self {
            resets: 1_000,
            pings: 1_000,
            settings: 200,
            empty: 1_000,
            control: 10_000,
            continuations: 32,
            replies: 1_000,
        }
    }
}
