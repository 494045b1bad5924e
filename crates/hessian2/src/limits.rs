//! How much of a body is read.

/// What a body may cost at most. Each limit holds for one body, that is for one [`Decoder`](crate::Decoder).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many lists, maps and objects may stand within each other. Default 1024.
    pub depth: u32,
    /// How many values [`read_value`](crate::Decoder::read_value) may build, and fields of the classes that they
    /// need: 40 bytes of memory each. Skipping and selecting build none and may pass over more. Default 2^20.
    pub values: u32,
    /// How many bytes one text or binary may have, all its chunks together. Default 16 MiB.
    pub length: u32,
    /// How many classes a body may define. Default 4096.
    pub classes: u32,
    /// How many fields one class may have. Default 4096.
    pub fields: u32,
    /// How many type names of lists and maps a body may spell out. Default 65,536.
    pub types: u32,
    /// How many steps may be taken. Default 2^24.
    ///
    /// A value, a class definition and a field's name take one step, a text and a binary one more for every 32
    /// bytes: skipping a body takes no more steps than it has bytes. Selecting may read parts of a body again, to
    /// follow back references and to look up what a path ended at. Whatever this limit is, no more than eight steps
    /// for each byte of the body, and 16,384, are taken.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 1024,
            values: 1 << 20,
            length: 16 << 20,
            classes: 4096,
            fields: 4096,
            types: 1 << 16,
            work: 1 << 24,
        }
    }
}
