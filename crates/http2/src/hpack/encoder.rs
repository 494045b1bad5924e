use bytes::{BufMut, BytesMut};

use super::integer;
use super::table::STATIC;

/// Appends a field: a reference to the static table where it has the field, else a literal without indexing, with the
/// name from the table where it has the name. Strings are not Huffman coded: a copy costs less time than it saves bytes
/// within a machine.
pub(crate) fn encode_field(name: &[u8], value: &[u8], to: &mut BytesMut) {
    let index = static_name(name);
    if let Some(index) = index {
        let same_name = STATIC
            .iter()
            .enumerate()
            .skip(index - 1)
            .take_while(|(_, (n, _))| n.as_bytes() == name);
        for (at, (_, v)) in same_name {
            if v.as_bytes() == value && !value.is_empty() {
                integer::encode(0x80, 7, at + 1, to);
                return;
            }
        }
    }
    to.reserve(name.len() + value.len() + 8);
    integer::encode(0, 4, index.unwrap_or(0), to);
    if index.is_none() {
        string(name, to);
    }
    string(value, to);
}

fn string(bytes: &[u8], to: &mut BytesMut) {
    integer::encode(0, 7, bytes.len(), to);
    to.put_slice(bytes);
}

/// The lowest index of the static table with this name.
fn static_name(name: &[u8]) -> Option<usize> {
    STATIC
        .iter()
        .position(|(n, _)| n.len() == name.len() && n.as_bytes() == name)
        .map(|at| at + 1)
}
