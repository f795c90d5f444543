//! What an extension says about an unknown value: a map with numbers as keys.

use rmp::Marker;
use rmp::decode as read;
use rmp::encode as write;

use super::{Reader, length, malformed, put_number, unwritable};
use crate::value::refinement::{Bound, Refinement};
use crate::value::{Type, Value, ValueError};

/// The type of the extension. Any other says nothing.
pub(super) const EXTENSION: i8 = 12;

/// Terraform reads no more, and so nobody writes more.
const MAX_SIZE: usize = 1024;

const NULL: i64 = 1;
const PREFIX: i64 = 2;
const LOWER: i64 = 3;
const UPPER: i64 = 4;
const MIN_LENGTH: i64 = 5;
const MAX_LENGTH: i64 = 6;

/// Reads the content of the extension. Keys that are not known are skipped, as are those that make no sense for the
/// type, and whatever comes after the map: newer versions may say more.
pub(super) fn decode(payload: &[u8], ty: &Type) -> Result<Value, ValueError> {
    if payload.len() > MAX_SIZE {
        return Err(ValueError::new("has a refinement of more than 1024 bytes"));
    }
    let mut reader = Reader { rest: payload, values: 0 };
    let mut known = Refinement::new();
    for _ in 0..reader.map()? {
        known = match read::read_int(&mut reader.rest).map_err(malformed("the key of a refinement"))? {
            NULL => {
                if read::read_bool(&mut reader.rest).map_err(malformed("a bool"))? {
                    // Certainly null, and so not unknown at all.
                    return Ok(if *ty == Type::Dynamic { Value::UNKNOWN } else { Value::Null });
                }
                known.not_null()
            }
            PREFIX => known.prefix(reader.text()?),
            LOWER => {
                let Bound { number, inclusive } = reader.bound()?;
                known.lower(number, inclusive)
            }
            UPPER => {
                let Bound { number, inclusive } = reader.bound()?;
                known.upper(number, inclusive)
            }
            MIN_LENGTH => known.min_length(reader.count()?.unwrap_or(u32::MAX)),
            MAX_LENGTH => match reader.count()? {
                Some(count) => known.max_length(count),
                None => known,
            },
            _ => {
                reader.skip()?;
                known
            }
        };
    }
    if known.is_contradictory() {
        return Err(ValueError::new("has a refinement that contradicts itself"));
    }
    Ok(Value::Unknown(known.of_type(ty)))
}

impl Reader<'_> {
    fn bound(&mut self) -> Result<Bound, ValueError> {
        if self.array()? != 2 {
            return Err(ValueError::new("expected a number and a bool in a refinement"));
        }
        let marker = self.rest.first().map_or(Marker::Null, |byte| Marker::from_u8(*byte));
        let number = self.number(marker)?;
        let inclusive = read::read_bool(&mut self.rest).map_err(malformed("a bool"))?;
        Ok(Bound { number, inclusive })
    }

    /// A number of elements; none if it is more than anything has.
    fn count(&mut self) -> Result<Option<u32>, ValueError> {
        let count: u64 = read::read_int(&mut self.rest).map_err(malformed("a number of elements"))?;
        Ok(u32::try_from(count).ok())
    }

    /// Reads past one value, whatever it is.
    fn skip(&mut self) -> Result<(), ValueError> {
        let mut values = 1_u64;
        // Each turn takes at least one byte, so that absurd lengths end with the bytes.
        while values > 0 {
            values -= 1;
            let first = *self.rest.first().ok_or_else(|| ValueError::new("ends too early"))?;
            let size = match Marker::from_u8(first) {
                Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                    values += self.array()? as u64;
                    0
                }
                Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                    values += 2 * self.map()? as u64;
                    0
                }
                Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                    read::read_str_len(&mut self.rest).map_err(malformed("a string"))?
                }
                Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                    read::read_bin_len(&mut self.rest).map_err(malformed("bytes"))?
                }
                Marker::FixExt1
                | Marker::FixExt2
                | Marker::FixExt4
                | Marker::FixExt8
                | Marker::FixExt16
                | Marker::Ext8
                | Marker::Ext16
                | Marker::Ext32 => read::read_ext_meta(&mut self.rest).map_err(malformed("an extension"))?.size,
                Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => 1,
                Marker::U8 | Marker::I8 => 2,
                Marker::U16 | Marker::I16 => 3,
                Marker::U32 | Marker::I32 | Marker::F32 => 5,
                Marker::U64 | Marker::I64 | Marker::F64 => 9,
                Marker::Reserved => return Err(ValueError::new("is no msgpack")),
            };
            self.take(size)?;
        }
        Ok(())
    }
}

/// Writes an unknown value, with what is known of it as far as the type allows.
pub(super) fn encode(out: &mut Vec<u8>, known: Option<&Refinement>, ty: &Type) -> Result<(), ValueError> {
    let Some(known) = known.and_then(|known| known.of_type(ty)) else {
        // An extension of type 0 with one byte: Terraform refuses a refinement that says nothing.
        out.extend_from_slice(&[0xd4, 0x00, 0x00]);
        return Ok(());
    };
    let mut entries = Vec::new();
    let mut count = 0;
    let mut key = |entries: &mut Vec<u8>, key| {
        count += 1;
        write::write_sint(entries, key).map(drop).map_err(unwritable)
    };
    if known.not_null {
        key(&mut entries, NULL)?;
        write::write_bool(&mut entries, false).map_err(unwritable)?;
    }
    if !known.prefix.is_empty() {
        key(&mut entries, PREFIX)?;
        write::write_str(&mut entries, &known.prefix).map_err(unwritable)?;
    }
    for (name, bound) in [(LOWER, &known.lower), (UPPER, &known.upper)] {
        if let Some(Bound { number, inclusive }) = bound {
            key(&mut entries, name)?;
            write::write_array_len(&mut entries, 2).map_err(unwritable)?;
            put_number(&mut entries, number)?;
            write::write_bool(&mut entries, *inclusive).map_err(unwritable)?;
        }
    }
    let least = (known.min_length > 0).then_some(known.min_length);
    for (name, elements) in [(MIN_LENGTH, least), (MAX_LENGTH, known.max_length)] {
        if let Some(elements) = elements {
            key(&mut entries, name)?;
            write::write_uint(&mut entries, elements.into()).map_err(unwritable)?;
        }
    }
    let mut payload = Vec::with_capacity(1 + entries.len());
    write::write_map_len(&mut payload, count).map_err(unwritable)?;
    payload.append(&mut entries);
    write::write_ext_meta(out, length(payload.len())?, EXTENSION).map_err(unwritable)?;
    out.append(&mut payload);
    Ok(())
}
