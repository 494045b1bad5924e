//! Frames for people.

use std::fmt::{self, Write};

use meshlane_dubbo::content::{Attachments, Content, Event, Message};
use meshlane_dubbo::{CallHead, Header, Parameters, ResultKind, java_type};

use super::tree::{Tree, quoted};
use super::{Broken, Entry, FrameEntry};

/// An entry as indented text: a line about the header, and below it what the body says.
pub fn human(name: &str, entry: &Entry<'_>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = match entry {
        Entry::Frame(frame) => write_frame(&mut text, name, frame),
        Entry::Broken(broken) => write_broken(&mut text, name, broken),
    };
    text
}

fn write_broken(out: &mut String, name: &str, broken: &Broken) -> fmt::Result {
    let Broken { offset, kind, text } = broken;
    writeln!(out, "{name}:{offset}: broken ({kind}): {text}")
}

fn write_frame(out: &mut String, name: &str, frame: &FrameEntry<'_>) -> fmt::Result {
    let header = &frame.header;
    writeln!(out, "{name}:{}: {}", frame.offset, headline(header))?;
    match &frame.content {
        Ok(content) => write_content(out, header, content),
        Err(Broken { offset, kind, text }) => {
            writeln!(out, "  broken at byte {offset} ({kind}): {text}")
        }
    }
}

/// `call 7, two-way, hessian2, 181 bytes`
fn headline(header: &Header) -> String {
    let what = match (header.is_event(), header.is_request()) {
        (false, true) => "call",
        (false, false) => "response",
        (true, true) => "event",
        (true, false) => "answer to event",
    };
    let id = header.request_id.cast_signed();
    let detail = if !header.is_request() {
        format!("status {}", header.status)
    } else if header.is_two_way() {
        "two-way".to_owned()
    } else {
        "one-way".to_owned()
    };
    let serialization = header.serialization();
    let serialization = match serialization.name() {
        Some(name) => name.to_owned(),
        None => format!("serialization {}", serialization.number()),
    };
    let length = header.body_length;
    format!("{what} {id}, {detail}, {serialization}, {length} bytes")
}

fn write_content(out: &mut String, header: &Header, content: &Content<'_>) -> fmt::Result {
    match &content.message {
        Message::Call {
            head,
            arguments,
            attachments,
        } => {
            write_head(out, head)?;
            let values = arguments.iter().flatten().chain(map(attachments.as_ref()));
            let tree = Tree::new(values.map(|value| value.root()));
            let mut types = Parameters::of(&head.param_types);
            for (place, argument) in arguments.iter().flatten().enumerate() {
                let declared = types.next().map(java_type).unwrap_or_default();
                tree.write(out, 2, &format!("[{place}] {declared} = "), argument.root());
            }
            if arguments.is_none() {
                writeln!(out, "  (arguments and attachments cannot be read)")?;
            }
            write_attachments(out, &tree, attachments.as_ref())?;
        }
        Message::Result {
            kind,
            exception_class,
            value,
            attachments,
        } => {
            let values = value.iter().chain(map(attachments.as_ref()));
            let tree = Tree::new(values.map(|value| value.root()));
            let what = result_name(*kind);
            match (value, exception_class) {
                (Some(value), _) => tree.write(out, 2, &format!("{what}: "), value.root()),
                (None, Some(class)) => writeln!(out, "  {what}: {class}")?,
                (None, None) => writeln!(out, "  {what}")?,
            }
            write_attachments(out, &tree, attachments.as_ref())?;
        }
        Message::Error(Some(message)) => writeln!(out, "  message: {}", quoted(message))?,
        Message::Error(None) => writeln!(out, "  message: null")?,
        Message::Event(event) => write_event(out, event)?,
        Message::Opaque => writeln!(out, "  (the body cannot be read)")?,
    }
    let length = usize::try_from(header.body_length).unwrap_or(usize::MAX);
    match content.read {
        Some(read) if read < length => {
            writeln!(out, "  {} bytes follow that nobody reads", length - read)
        }
        _ => Ok(()),
    }
}

/// `interface.method(types)`, then version and protocol.
fn write_head(out: &mut String, head: &CallHead<'_>) -> fmt::Result {
    let types: Vec<_> = Parameters::of(&head.param_types).map(java_type).collect();
    let (path, method) = (plain(&head.path), plain(&head.method));
    writeln!(out, "  {path}.{method}({})", plain(&types.join(", ")))?;
    let version = head.version.as_deref().map_or("null".into(), quoted);
    let protocol = head.dubbo_version.as_deref().map_or("null".into(), quoted);
    writeln!(out, "  version {version}, protocol {protocol}")
}

fn write_attachments(
    out: &mut String,
    tree: &Tree,
    attachments: Option<&Attachments<'_>>,
) -> fmt::Result {
    if let Some(attachments) = attachments {
        tree.write(out, 2, "attachments: ", attachments.map.root());
    }
    Ok(())
}

fn write_event(out: &mut String, event: &Event<'_>) -> fmt::Result {
    let known = match event {
        Event::Known(event) => *event,
        Event::Value(value) => match value.root().node() {
            meshlane_hessian2::Node::Null => meshlane_dubbo::Event::Heartbeat,
            meshlane_hessian2::Node::Text(text) if *text == "R" => meshlane_dubbo::Event::ReadOnly,
            meshlane_hessian2::Node::Text(text) if *text == "W" => meshlane_dubbo::Event::Writable,
            _ => {
                let root = value.root();
                Tree::new(std::iter::once(root)).write(out, 2, "", root);
                return Ok(());
            }
        },
    };
    out.write_str(match known {
        meshlane_dubbo::Event::Heartbeat => "  heartbeat\n",
        meshlane_dubbo::Event::ReadOnly => {
            "  readonly: the provider is about to leave, send no new calls\n"
        }
        meshlane_dubbo::Event::Writable => "  writable: calls are welcome again\n",
        meshlane_dubbo::Event::Other => "  unknown event\n",
    })
}

fn map<'c, 'a>(
    attachments: Option<&'c Attachments<'a>>,
) -> impl Iterator<Item = &'c meshlane_hessian2::Value<'a>> {
    attachments.map(|attachments| &attachments.map).into_iter()
}

const fn result_name(kind: ResultKind) -> &'static str {
    match kind {
        ResultKind::Exception | ResultKind::ExceptionWithAttachments => "exception",
        ResultKind::Value | ResultKind::ValueWithAttachments => "value",
        ResultKind::Null | ResultKind::NullWithAttachments => "null",
    }
}

/// A name as it is, unless it holds what would disturb a terminal.
fn plain(name: &str) -> String {
    if name.chars().any(char::is_control) {
        quoted(name)
    } else {
        name.to_owned()
    }
}
