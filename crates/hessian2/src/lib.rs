//! Hessian 2.0, as Dubbo peers speak it.
//!
//! The body of a Dubbo frame is a row of values in the [Hessian 2.0 serialization
//! protocol](http://hessian.caucho.com/doc/hessian-serialization.html). This crate passes over such values
//! quickly, finds the few scalars in them that a policy asks about, reads them completely, and writes them. It
//! knows nothing of frames, has no clock, does no input or output, and never panics, whatever the bytes are.
//!
//! # Anatomy
//!
//! A value begins with a tag, which often holds a small number or length too.
//!
//! ```text
//!  43 06 "Person" 92 04 "name" 03 "age"   a class definition: its name, two fields, their names
//!  60 05 "alice" ae                       an object of class 0: the text "alice", the int 30
//!  48 04 "tags" 7a 91 92 02 "me" 51 90 5a a map: "tags" to a list of two ints, "me" to a back
//!  │                                      reference to the object; 5a ends the map
//!  └─ tag
//! ```
//!
//! Three tables grow while a body is read, and hold for all of it: the classes (`O` and `60`–`6f` use them by
//! number), the type names of lists and maps (given as a text once, then by number), and the lists, maps and
//! objects (`Q` refers to them by number, in the order in which they began). This is why one [`Decoder`] reads the
//! whole body, and why a body whose values are moved around is another body.
//!
//! Where peers and specification differ, this crate is with the peers:
//!
//! - The double `5f` counts thousandths; it is no 32-bit float.
//! - Lengths of text are in UTF-16 units. Java, Go and JavaScript peers write a character beyond U+FFFF as two
//!   surrogates of three bytes each (CESU-8); four bytes as in UTF-8 are read as well, and count two.
//! - Java strings may hold surrogates without their other half: hence [`Text`], which is not always a `str`.
//! - The last chunk of a text (`R`) or binary (`A`) may be in a short form.
//! - A class definition may stand before any value.
//!
//! # Example
//!
//! ```
//! use meshlane_hessian2::{Decoder, Encoder, Limits, Path, Scalar, Step};
//!
//! let mut encoder = Encoder::new();
//! encoder.write_str("sayHello");
//! encoder.begin_map(None);
//! encoder.write_str("user");
//! encoder.begin_map(None);
//! encoder.write_str("id");
//! encoder.write_long(7);
//! encoder.end();
//! encoder.end();
//! let body = encoder.into_bytes();
//!
//! let mut decoder = Decoder::new(&body, &Limits::default());
//! assert_eq!(decoder.read_text()?, "sayHello");
//! let path = Path::from(vec![Step::Field("user".into()), Step::Field("id".into())]);
//! decoder.select_value(&[path], &mut |index, scalar| {
//!     assert_eq!((index, scalar), (0, Scalar::Long(7)));
//! })?;
//! assert!(decoder.is_at_end());
//! # Ok::<(), meshlane_hessian2::Invalid>(())
//! ```
//!
//! # Three ways to read
//!
//! | | costs | builds |
//! |---|---|---|
//! | [`Decoder::skip_value`] | least: binaries by their length, ASCII text many bytes at a time | nothing |
//! | [`Decoder::select_value`] | little more: what no path leads to is skipped | what is found |
//! | [`Decoder::read_value`] | most | a [`Value`]; texts and binaries in one chunk are borrowed from the body |
//!
//! All three accept the same bytes, and refuse the others with the same error at the same place. (Only
//! [`Limits::values`] is about building, and following back references may come to the end of [`Limits::work`].)
//!
//! # Limits
//!
//! [`Limits`] bounds depth, counts, lengths and work. Nothing is recursive, neither reading nor writing, comparing,
//! printing or dropping a value, so depth costs heap and no stack. Memory is only taken for what has been read: a
//! claimed length is compared with the bytes that are left before anything else happens. Back references are not
//! resolved while reading, so values that contain themselves are no trouble; selection follows them as far as the
//! path has steps.
//!
//! An [`Invalid`] names the offset and the [kind](InvalidKind), which has a stable code for counters. A body that
//! was cut reads well up to the cut and is [`InvalidKind::Truncated`] there, so that the head of a call can be read
//! before the rest of it has come.

mod class;
mod decoder;
mod encoder;
mod invalid;
mod limits;
mod path;
mod scalar;
mod text;
mod value;

pub use class::Class;
pub use decoder::{Decoder, Kind};
pub use encoder::Encoder;
pub use invalid::{Invalid, InvalidKind};
pub use limits::Limits;
pub use path::{Path, Step};
pub use scalar::{MAX_LIST, Scalar};
pub use text::Text;
pub use value::{Children, Item, Node, Value, ValueBuilder};
