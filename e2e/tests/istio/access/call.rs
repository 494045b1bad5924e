//! Calls as clients write them, and as the provider understands them.

use anyhow::{Result, bail, ensure};
use meshlane_e2e::{
    dubbo::frame::Frame,
    peer::Arrived,
    wire::{INTERFACE, REQUEST, take_text, text},
};

/// The descriptor of a text.
const TEXT: &str = "Ljava/lang/String;";
/// The descriptors of a generic call.
const GENERIC: &str = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";

/// A call, as a client writes it in Hessian 2.0.
#[derive(Clone, Debug)]
pub(super) struct Call {
    interface: String,
    version: String,
    method: String,
    types: String,
    arguments: Vec<u8>,
    attachments: Vec<(String, String)>,
}

impl Call {
    /// A call without arguments.
    pub(super) fn of(method: &str) -> Self {
        Self {
            interface: INTERFACE.to_owned(),
            version: "0.0.0".to_owned(),
            method: method.to_owned(),
            types: String::new(),
            arguments: Vec::new(),
            attachments: Vec::new(),
        }
    }

    /// A generic call of a method with a text.
    pub(super) fn generic(method: &str, argument: &str) -> Self {
        let mut call = Self::of("$invoke").attachment("generic", "true");
        GENERIC.clone_into(&mut call.types);
        let arguments = &mut call.arguments;
        text(arguments, method);
        for (kind, value) in [("[string", "java.lang.String"), ("[object", argument)] {
            arguments.push(ONE_OF);
            text(arguments, kind);
            text(arguments, value);
        }
        call
    }

    /// A text more as an argument.
    pub(super) fn argument(mut self, argument: &str) -> Self {
        self.types.push_str(TEXT);
        text(&mut self.arguments, argument);
        self
    }

    /// Another interface.
    pub(super) fn interface(mut self, interface: &str) -> Self {
        interface.clone_into(&mut self.interface);
        self
    }

    /// Another version.
    pub(super) fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// An attachment more; the last of a name counts.
    pub(super) fn attachment(mut self, name: &str, value: &str) -> Self {
        self.attachments.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The method that it names.
    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// The frame of the call.
    pub(super) fn frame(&self) -> Frame {
        let mut body = Vec::new();
        let head = ["2.0.2", &self.interface, &self.version, &self.method];
        for word in head.into_iter().chain([self.types.as_str()]) {
            text(&mut body, word);
        }
        body.extend(&self.arguments);
        body.push(b'H');
        let service = [("path", &self.interface), ("interface", &self.interface)];
        let attachments = self
            .attachments
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        for (name, value) in service.into_iter().chain(attachments) {
            text(&mut body, name);
            text(&mut body, value);
        }
        body.push(b'Z');
        Frame::new(REQUEST, 0, 1, &body)
    }

    /// The bytes of the frame.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.frame().bytes().to_vec()
    }
}

/// What runs when a provider gets a call: it follows the attachments, and of a generic call the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) interface: String,
    pub(super) method: String,
    pub(super) argument: Option<String>,
}

impl Runs {
    /// Reads what arrived; an error when no call of these scenarios looks so.
    pub(super) fn read(arrived: &Arrived) -> Result<Self> {
        let from = &mut arrived.beginning.as_slice();
        let _protocol = take_text(from)?;
        let mut interface = take_text(from)?;
        let _version = take_text(from)?;
        let mut method = take_text(from)?;
        let types = take_text(from)?;
        let mut arguments = Vec::new();
        if types == GENERIC {
            method = take_text(from)?;
            for _ in 0..2 {
                take(from, ONE_OF)?;
                take_text(from)?;
                arguments.push(take_text(from)?);
            }
            arguments.remove(0);
        } else {
            for _ in 0..types.matches(TEXT).count() {
                arguments.push(take_text(from)?);
            }
            ensure!(types.replace(TEXT, "").is_empty(), "arguments of {types}");
        }
        take(from, b'H')?;
        while from.first() != Some(&b'Z') {
            let (name, value) = (take_text(from)?, take_text(from)?);
            if name == "path" {
                interface = value;
            }
        }
        Ok(Self {
            interface,
            method,
            argument: arguments.into_iter().next(),
        })
    }
}

fn take(from: &mut &[u8], tag: u8) -> Result<()> {
    match from.split_first() {
        Some((first, rest)) if *first == tag => *from = rest,
        other => bail!("{other:?} instead of {tag:#x}"),
    }
    Ok(())
}

/// A list with a type and one element.
const ONE_OF: u8 = 0x71;
