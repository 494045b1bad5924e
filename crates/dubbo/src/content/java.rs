//! Bodies in Java serialization: texts are shown, of other objects the class.

use std::borrow::Cow;

use meshlane_hessian2::{Node, Value, ValueBuilder};

use super::{Attachments, Content, Kind, Message};
use crate::java::{Blocks, Dialect, Object, Objects};
use crate::{CallHead, InvalidBody, InvalidBodyKind, Limits, ResultHead, descriptor};

pub(super) fn read<'a>(
    kind: Kind,
    dialect: Dialect,
    body: &'a [u8],
    limits: &Limits,
) -> Result<Content<'a>, InvalidBody> {
    let mut values = Values {
        blocks: Blocks::new(body, dialect)?,
        objects: Objects::default(),
        limits,
    };
    let message = if kind == Kind::Call {
        values.call()?
    } else {
        values.result(ResultHead::read_java(body, dialect, false, limits)?)?
    };
    Ok(Content {
        message,
        references: None,
        read: Some(values.blocks.offset()),
    })
}

struct Values<'a, 'l> {
    blocks: Blocks<'a>,
    objects: Objects<'a>,
    limits: &'l Limits,
}

impl<'a> Values<'a, '_> {
    fn call(&mut self) -> Result<Message<'a>, InvalidBody> {
        let head = CallHead::read_java(&mut self.blocks, self.limits)?;
        let at = self.blocks.offset();
        let parameters = descriptor::parameters(&head.param_types, at, self.limits.max_parameters)?;
        let arguments: Result<_, _> = (0..parameters).map(|_| self.value()).collect();
        Ok(Message::Call {
            head,
            arguments: Some(arguments?),
            attachments: Some(self.attachments()?),
        })
    }

    fn result(&mut self, head: ResultHead<'a>) -> Result<Message<'a>, InvalidBody> {
        // The kind, which is in the head.
        self.blocks.u8()?;
        let value = if head.kind.is_exception() || head.kind.has_value() {
            Some(self.value()?)
        } else {
            None
        };
        let attachments = if head.kind.has_attachments() {
            Some(self.attachments()?)
        } else {
            None
        };
        Ok(Message::Result {
            kind: head.kind,
            exception_class: head.exception,
            value,
            attachments,
        })
    }

    fn value(&mut self) -> Result<Value<'a>, InvalidBody> {
        let at = self.blocks.offset();
        let object = match self.blocks.objects()? {
            Some(reader) => self.objects.object(reader, self.limits)?,
            None => Object::Null,
        };
        let mut builder = ValueBuilder::new();
        builder.push(node(object));
        builder.finish().ok_or(InvalidBodyKind::UnknownTag.at(at))
    }

    fn attachments(&mut self) -> Result<Attachments<'a>, InvalidBody> {
        let mut builder = ValueBuilder::new();
        let mut offset = self.blocks.offset();
        if let Some(reader) = self.blocks.objects()? {
            offset = reader.offset();
            builder.push(Node::Map { type_name: None });
            self.objects.map(reader, self.limits, |name, value, _| {
                builder.push(node(name)).push(node(value));
                Ok(())
            })?;
            builder.end();
        } else {
            builder.push(Node::Null);
        }
        let map = builder.finish();
        Ok(Attachments {
            offset,
            map: map.ok_or(InvalidBodyKind::Attachments.at(offset))?,
        })
    }
}

/// Objects are shown as `@` and their class.
fn node(object: Object<'_>) -> Node<'_> {
    match object {
        Object::Null => Node::Null,
        Object::Text(text) => Node::Text(text.into()),
        Object::Other(class) => {
            let class = format!("@{}", String::from_utf8_lossy(class));
            Node::Text(Cow::<str>::Owned(class).into())
        }
    }
}
