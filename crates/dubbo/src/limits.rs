//! How much work a body may make.

/// The limits of reading a body. What goes beyond is [`Unreadable`](crate::Unreadable).
#[derive(Debug, Clone)]
pub struct Limits {
    /// The limits of Hessian 2.0 values; the depth also of JSONB values.
    pub values: meshlane_hessian2::Limits,
    /// The longest text of the head of a call, of an attachment and of a message, in bytes.
    /// By default 65,535: more than anything real, and the most that Java's `writeUTF` writes.
    pub max_text: usize,
    /// The most parameters of a method. By default 255, as many as the JVM allows.
    pub max_parameters: usize,
    /// The most attachments of a call. By default 4,096.
    pub max_attachments: usize,
    /// How deep JSONB values may lie in each other. By default 512.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            values: meshlane_hessian2::Limits::default(),
            max_text: 65_535,
            max_parameters: 255,
            max_attachments: 4_096,
            max_depth: 512,
        }
    }
}
