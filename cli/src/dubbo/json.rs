//! Frames for programs: one JSON object a frame, on a line of its own.
//!
//! Written straight into the text, because values may lie deeper in each other than a tree of
//! JSON values could be printed or dropped on the native stack.

mod value;

use std::borrow::Cow;

use meshlane_dubbo::content::{Attachments, Content, Event, Message};
use meshlane_dubbo::{CallHead, Header, ResultKind, Serialization};
use meshlane_hessian2::Node;

use super::{Broken, Entry, FrameEntry};
use value::write_value;

/// An entry as a line of JSON.
pub fn json(name: &str, entry: &Entry<'_>) -> String {
    let mut object = Object::new();
    object.text("file", name);
    match entry {
        Entry::Frame(frame) => write_frame(&mut object, frame),
        Entry::Broken(broken) => write_broken(&mut object, broken),
    }
    object.end() + "\n"
}

fn write_broken(object: &mut Object, broken: &Broken) {
    object.text("error", &broken.text);
    object.number("offset", broken.offset);
    object.text("kind", broken.kind);
}

fn write_frame(object: &mut Object, frame: &FrameEntry<'_>) {
    write_header(object, &frame.header);
    match &frame.content {
        Ok(content) => write_content(object, &frame.header, content),
        Err(broken) => write_broken(object, broken),
    }
}

fn write_header(object: &mut Object, header: &Header) {
    object.bool("request", header.is_request());
    if header.is_request() {
        object.bool("two_way", header.is_two_way());
    }
    object.bool("event", header.is_event());
    object.number("serialization_id", header.serialization().number());
    if !header.is_request() {
        object.number("status", header.status.number());
    }
    object.text("request_id", &header.request_id.cast_signed().to_string());
    object.number("body_len", header.body_length);
}

fn write_content(object: &mut Object, header: &Header, content: &Content<'_>) {
    match &content.message {
        Message::Call {
            head,
            arguments,
            attachments,
        } => {
            write_head(object, head);
            if let Some(arguments) = arguments {
                let text = object.key("args");
                text.push('[');
                for (place, argument) in arguments.iter().enumerate() {
                    if place > 0 {
                        text.push(',');
                    }
                    write_value(text, argument.root());
                }
                text.push(']');
            }
            if let Some(attachments) = attachments {
                write_attachments(object, attachments);
                write_type(object, attachments);
            }
        }
        Message::Result {
            kind,
            exception_class,
            value,
            attachments,
        } => {
            let mut response = Object::new();
            response.text("kind", kind_name(*kind));
            response.number("kind_id", kind.number());
            // Of Hessian2 the response has all that is in it. Of the others it says what it is, and
            // what could be read stands beside it.
            let is_whole = header.serialization() == Serialization::HESSIAN2;
            let mut beside = Object::new();
            let place = if is_whole { &mut response } else { &mut beside };
            if let Some(value) = value {
                let name = if kind.is_exception() {
                    "exception"
                } else {
                    "value"
                };
                write_value(place.key(name), value.root());
            }
            if let (Some(class), true) = (exception_class, value.is_none()) {
                place.text("exception_class", class);
            }
            if let Some(attachments) = attachments {
                write_attachments(place, attachments);
            }
            object.raw("response", &response.end());
            object.append(beside);
        }
        Message::Error(message) => {
            let mut response = Object::new();
            response.text("kind", "error");
            response.optional_text("message", message.as_ref());
            object.raw("response", &response.end());
        }
        Message::Event(event) => match event {
            Event::Value(value) => write_value(object.key("event_data"), value.root()),
            Event::Known(meshlane_dubbo::Event::Heartbeat) => object.raw("event_data", "null"),
            Event::Known(meshlane_dubbo::Event::ReadOnly) => object.text("event_data", "R"),
            Event::Known(meshlane_dubbo::Event::Writable) => object.text("event_data", "W"),
            Event::Known(meshlane_dubbo::Event::Other) => {}
        },
        Message::Opaque => {}
    }
    if let Some(references) = content.references {
        object.number("ref_count", references);
    }
    let length = usize::try_from(header.body_length).unwrap_or(usize::MAX);
    match content.read {
        Some(read) if read < length => object.number("trailing_bytes", length - read),
        _ => {}
    }
}

fn write_head(object: &mut Object, head: &CallHead<'_>) {
    object.optional_text("dubbo_version", head.dubbo_version.as_ref());
    object.text("path", &head.path);
    object.optional_text("version", head.version.as_ref());
    object.text("method", &head.method);
    object.text("param_types_desc", &head.param_types);
}

/// Attachments under texts are an object; others as any map.
fn write_attachments(object: &mut Object, attachments: &Attachments<'_>) {
    // In the file's frame, not in the body.
    object.number(
        "attachments_offset",
        attachments.offset + meshlane_dubbo::HEADER_LENGTH,
    );
    let root = attachments.map.root();
    let text = object.key("attachments");
    let names = root.children().step_by(2);
    let named = matches!(root.node(), Node::Map { .. })
        && names
            .clone()
            .all(|name| matches!(name.node(), Node::Text(name) if name.as_str().is_some()));
    if !named {
        write_value(text, root);
        return;
    }
    text.push('{');
    for (place, (name, value)) in names.zip(root.children().skip(1).step_by(2)).enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_value(text, name);
        text.push(':');
        write_value(text, value);
    }
    text.push('}');
}

fn write_type(object: &mut Object, attachments: &Attachments<'_>) {
    match attachments.map.root().node() {
        Node::Map {
            type_name: Some(name),
        } => object.text("attachments_type", &(**name).clone().into_str_lossy()),
        _ => object.raw("attachments_type", "null"),
    }
}

fn kind_name(kind: ResultKind) -> &'static str {
    match kind {
        ResultKind::Exception => "exception",
        ResultKind::Value => "value",
        ResultKind::Null => "null",
        ResultKind::ExceptionWithAttachments => "exception+attachments",
        ResultKind::ValueWithAttachments => "value+attachments",
        ResultKind::NullWithAttachments => "null+attachments",
    }
}

/// A JSON object that is being written.
struct Object {
    text: String,
}

impl Object {
    fn new() -> Self {
        Self { text: "{".into() }
    }

    /// Writes a key; its value comes behind it.
    fn key(&mut self, name: &str) -> &mut String {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        value::write_text(&mut self.text, name);
        self.text.push(':');
        &mut self.text
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.key(name).push_str(value);
    }

    fn text(&mut self, name: &str, text: &str) {
        value::write_text(self.key(name), text);
    }

    fn optional_text(&mut self, name: &str, text: Option<&Cow<'_, str>>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    fn bool(&mut self, name: &str, bool: bool) {
        self.raw(name, if bool { "true" } else { "false" });
    }

    fn number(&mut self, name: &str, number: impl ToString) {
        self.raw(name, &number.to_string());
    }

    /// Takes over the entries of another object.
    fn append(&mut self, other: Self) {
        if let Some(entries) = other.text.get(1..).filter(|entries| !entries.is_empty()) {
            if self.text.len() > 1 {
                self.text.push(',');
            }
            self.text.push_str(entries);
        }
    }

    fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}
