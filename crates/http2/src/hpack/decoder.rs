use super::table::DynamicTable;
use super::{Fields, Invalid, huffman, integer};

/// Decodes the header blocks of one connection.
///
/// Memory: the dynamic table, at most 4,096 octets (RFC 9113 §6.5.2, as nothing else is advertised); and two strings,
/// each at most 8/5 of its block.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: DynamicTable,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            table: DynamicTable::new(TABLE_SIZE),
            name: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Decodes a whole block.
    pub(crate) fn decode(&mut self, mut block: &[u8], to: &mut impl Fields) -> Result<(), Invalid> {
        let mut updates = 0;
        let mut at_start = true;
        let rest = &mut block;
        while let Some((&first, after)) = rest.split_first() {
            *rest = after;
            if first & 0xe0 == SIZE_UPDATE {
                // "at the beginning of the first header block following the change": the smallest and the last (§4.2).
                updates += 1;
                let size = integer::decode(first, 5, rest)?;
                if !at_start || updates > 2 || size > TABLE_SIZE {
                    return Err(Invalid::TableSize);
                }
                self.table.set_max_size(size);
                continue;
            }
            at_start = false;
            if first & INDEXED != 0 {
                let (name, value) = self.table.get(integer::decode(first, 7, rest)?)?;
                to.push(name, value);
            } else if first & INCREMENTAL != 0 {
                self.literal(first, 6, rest, to, true)?;
            } else {
                // Without indexing, and never indexed: nothing is forwarded, so there is no difference.
                self.literal(first, 4, rest, to, false)?;
            }
        }
        Ok(())
    }

    fn literal(
        &mut self,
        first: u8,
        prefix: u32,
        rest: &mut &[u8],
        to: &mut impl Fields,
        insert: bool,
    ) -> Result<(), Invalid> {
        let index = integer::decode(first, prefix, rest)?;
        // The common encoders insert even into a table of no size: nothing to copy then.
        if insert && self.table.max_size() > 0 {
            let name = if index == 0 {
                string(rest, &mut self.name)?
            } else {
                // A copy, as the new entry may evict the one that has the name.
                self.name.clear();
                self.name.extend_from_slice(self.table.get(index)?.0);
                &self.name
            };
            let value = string(rest, &mut self.value)?;
            to.push(name, value);
            self.table.insert(name, value);
        } else {
            let name = if index == 0 {
                string(rest, &mut self.name)?
            } else {
                self.table.get(index)?.0
            };
            to.push(name, string(rest, &mut self.value)?);
        }
        Ok(())
    }
}

/// A string literal (RFC 7541 §5.2): a slice of the block, or decoded into `scratch`.
fn string<'s, 'a: 's>(rest: &mut &'a [u8], scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Invalid> {
    let (&first, after) = rest.split_first().ok_or(Invalid::Truncated)?;
    *rest = after;
    let length = integer::decode(first, 7, rest)?;
    let (string, after) = rest.split_at_checked(length).ok_or(Invalid::Truncated)?;
    *rest = after;
    if first & 0x80 == 0 {
        return Ok(string);
    }
    scratch.clear();
    huffman::decode(string, scratch)?;
    Ok(scratch)
}

const TABLE_SIZE: usize = 4_096;
const INDEXED: u8 = 0x80;
const INCREMENTAL: u8 = 0x40;
const SIZE_UPDATE: u8 = 0x20;
