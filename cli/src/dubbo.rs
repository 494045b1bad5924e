//! Dubbo2 frames in files, and how they are printed.

mod bytes;
mod frames;
mod human;
mod json;
mod tree;

pub use frames::{Broken, Entry, FrameEntry, Frames, raw_bytes};
pub use human::human;
pub use json::json;
