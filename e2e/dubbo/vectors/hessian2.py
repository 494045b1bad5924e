"""Reads Hessian 2.0 as Dubbo peers write it, without knowing any class.

Written for the test vectors from the specification (http://hessian.caucho.com/doc/hessian-serialization.html) and what
peers send beyond it, independently of the Rust decoder, so that one checks the other. The notation of the values is in
testdata/dubbo/README.md.
"""

import hashlib
import struct

LONG_TEXT = 4096
LONG_BYTES = 64


class Invalid(Exception):
    """The bytes are not Hessian."""


class Reader:
    """One body: all its values share the tables of references, classes and types."""

    def __init__(self, data):
        self.data = data
        self.offset = 0
        self.references = 0
        self.classes = []
        self.types = []
        self.features = set()

    def at_end(self):
        return self.offset == len(self.data)

    def peek(self):
        if self.at_end():
            raise Invalid(f"ends at {self.offset}")
        return self.data[self.offset]

    def take(self, count):
        if count < 0 or self.offset + count > len(self.data):
            raise Invalid(f"ends within {count} bytes at {self.offset}")
        self.offset += count
        return self.data[self.offset - count : self.offset]

    def number(self, size, signed=True):
        return int.from_bytes(self.take(size), "big", signed=signed)

    # ---------------------------------------------------------------------------------------------------- values

    def value(self):
        tag = self.take(1)[0]
        if is_text(tag):
            return describe_text(self.units(tag))
        if is_bytes(tag):
            return describe_bytes(self.bytes(tag))
        if 0x80 <= tag <= 0xD7 or tag == 0x49:
            return self.int(tag)
        if 0xD8 <= tag or 0x38 <= tag <= 0x3F or tag in (0x4C, 0x59):
            return {"$long": str(self.long(tag))}
        if 0x5B <= tag <= 0x5F or tag == 0x44:
            return {"$double": repr(self.double(tag))}
        if 0x60 <= tag <= 0x6F:
            return self.instance(tag - 0x60)
        if 0x70 <= tag <= 0x7F:
            return self.list(tag & 7, self.type() if tag < 0x78 else None)
        return self.other(chr(tag))

    def other(self, tag):
        if tag == "N":
            return None
        if tag in "TF":
            return tag == "T"
        if tag == "J":
            return {"$date": self.number(8)}
        if tag == "K":
            return {"$date": self.number(4) * 60_000}
        if tag == "C":
            self.define_class()
            return self.value()
        if tag == "O":
            return self.instance(self.int())
        if tag == "Q":
            number = self.int()
            if not 0 <= number < self.references:
                raise Invalid(f"reference {number} of {self.references}")
            self.features.add("reference")
            return {"$ref": number}
        if tag in "HM":
            return self.map(self.type() if tag == "M" else None)
        if tag in "UW":
            return self.list(None, self.type() if tag == "U" else None)
        if tag in "VX":
            kind = self.type() if tag == "V" else None
            return self.list(self.int(), kind)
        raise Invalid(f"tag {ord(tag):02x} at {self.offset - 1}")

    def int(self, tag=None):
        tag = self.take(1)[0] if tag is None else tag
        if 0x80 <= tag <= 0xBF:
            return tag - 0x90
        if 0xC0 <= tag <= 0xCF:
            return ((tag - 0xC8) << 8) | self.number(1, signed=False)
        if 0xD0 <= tag <= 0xD7:
            return ((tag - 0xD4) << 16) | self.number(2, signed=False)
        if tag == 0x49:
            return self.number(4)
        raise Invalid(f"no int at {self.offset - 1}")

    def long(self, tag):
        if 0xD8 <= tag <= 0xEF:
            return tag - 0xE0
        if tag >= 0xF0:
            return ((tag - 0xF8) << 8) | self.number(1, signed=False)
        if 0x38 <= tag <= 0x3F:
            return ((tag - 0x3C) << 16) | self.number(2, signed=False)
        return self.number(8 if tag == 0x4C else 4)

    def double(self, tag):
        if tag in (0x5B, 0x5C):
            return float(tag - 0x5B)
        if tag in (0x5D, 0x5E):
            return float(self.number(tag - 0x5C))
        if tag == 0x5F:
            # Thousandths, whatever the specification says.
            return 0.001 * self.number(4)
        return struct.unpack(">d", self.take(8))[0]

    # ------------------------------------------------------------------------------------------------ text, bytes

    def units(self, tag=None):
        """The UTF-16 units of a text; lengths on the wire count these."""
        tag = self.take(1)[0] if tag is None else tag
        if tag < 0x20:
            return self.decode(tag)
        if 0x30 <= tag <= 0x33:
            return self.decode(((tag - 0x30) << 8) | self.number(1, signed=False))
        if tag == 0x53:
            return self.decode(self.number(2, signed=False))
        if tag == 0x52:
            self.features.add("text-in-chunks")
            units = self.decode(self.number(2, signed=False))
            return units + self.units()
        raise Invalid(f"no text at {self.offset - 1}")

    def decode(self, count):
        units = []
        while len(units) < count:
            lead = self.take(1)[0]
            if lead < 0x80:
                units.append(lead)
                continue
            more = 1 if lead >> 5 == 0b110 else 2 if lead >> 4 == 0b1110 else 3 if lead >> 3 == 0b11110 else 0
            if more == 0:
                raise Invalid(f"byte {lead:02x} at {self.offset - 1}")
            code = lead & (0x3F >> more)
            for byte in self.take(more):
                if byte >> 6 != 0b10:
                    raise Invalid(f"byte {byte:02x} before {self.offset}")
                code = code << 6 | byte & 0x3F
            if code > 0xFFFF:
                self.features.add("utf-8-of-four-bytes")
                code -= 0x10000
                units += [0xD800 | code >> 10, 0xDC00 | code & 0x3FF]
            else:
                units.append(code)
        return units

    def text(self, tag=None):
        return units_to_text(self.units(tag))

    def optional_text(self):
        if self.peek() == 0x4E:
            self.take(1)
            return None
        return self.text()

    def bytes(self, tag):
        if 0x20 <= tag <= 0x2F:
            return self.take(tag - 0x20)
        if 0x34 <= tag <= 0x37:
            return self.take(((tag - 0x34) << 8) | self.number(1, signed=False))
        if tag == 0x42:
            return self.take(self.number(2, signed=False))
        if tag == 0x41:
            self.features.add("bytes-in-chunks")
            chunk = self.take(self.number(2, signed=False))
            return chunk + self.bytes(self.take(1)[0])
        raise Invalid(f"no bytes at {self.offset - 1}")

    # ------------------------------------------------------------------------------------------------- structures

    def type(self):
        if is_text(self.peek()):
            self.types.append(self.text())
            return self.types[-1]
        return pick(self.types, self.int(), "type")

    def define_class(self):
        name = self.text()
        self.classes.append((name, [self.text() for _ in range(self.int())]))

    def instance(self, number):
        name, fields = pick(self.classes, number, "class")
        self.references += 1
        return {"$obj": name, "fields": [[field, self.value()] for field in fields]}

    def list(self, length, kind):
        self.references += 1
        items = []
        while len(items) != length:
            if length is None and self.peek() == 0x5A:
                self.take(1)
                break
            items.append(self.value())
        return {"$list": items, "type": kind, "var": length is None}

    def map(self, kind):
        self.references += 1
        entries = []
        while self.peek() != 0x5A:
            entries.append([self.value(), self.value()])
        self.take(1)
        return {"$map": entries, "type": kind}


def is_text(tag):
    return tag < 0x20 or 0x30 <= tag <= 0x33 or tag in (0x52, 0x53)


def is_bytes(tag):
    return 0x20 <= tag <= 0x2F or 0x34 <= tag <= 0x37 or tag in (0x41, 0x42)


def pick(table, number, what):
    if not 0 <= number < len(table):
        raise Invalid(f"{what} {number} of {len(table)}")
    return table[number]


def units_to_text(units):
    """Lone surrogates stay as they are."""
    return struct.pack(f">{len(units)}H", *units).decode("utf-16-be", "surrogatepass")


def describe_text(units):
    text = units_to_text(units)
    if len(units) > LONG_TEXT:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        prefix = text[:32].encode("utf-8", "replace").decode()
        return {"$str_sha256": digest, "utf16_len": len(units), "prefix": prefix}
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        return {"$utf16": units}
    return text


def describe_bytes(data):
    if len(data) > LONG_BYTES:
        return {"$bin_sha256": hashlib.sha256(data).hexdigest(), "len": len(data)}
    return {"$bin": data.hex()}
