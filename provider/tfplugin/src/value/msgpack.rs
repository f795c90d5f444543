//! The binary form of values: msgpack, with an extension for unknown values.
//!
//! The other side is trusted to be Terraform, but not to be free of mistakes: lengths are believed only as far as
//! bytes follow, and depth and number of values are bounded.

mod refinement;

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode as read;
use rmp::encode as write;

use super::number::Wire;
use super::{MAP_COST, MAX_DEPTH, MAX_VALUES, Number, Step, Type, Typed, Value, ValueError};

pub(super) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, ValueError> {
    let mut reader = Reader { rest: bytes, values: 0 };
    let value = reader.value(ty, 0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(ValueError::new("has bytes after its end")) }
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

/// Any failure of the low-level reader: the bytes are not what the type says, or end too early.
fn malformed<E>(expected: &'static str) -> impl Fn(E) -> ValueError {
    move |_| ValueError::new(format!("expected {expected} in msgpack"))
}

impl<'a> Reader<'a> {
    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, ValueError> {
        self.count_values(1)?;
        if depth > MAX_DEPTH {
            return Err(ValueError::too_deep());
        }
        let first = *self.rest.first().ok_or_else(|| ValueError::new("ends too early"))?;
        match Marker::from_u8(first) {
            Marker::Null => {
                self.rest = &self.rest[1..];
                Ok(Value::Null)
            }
            // Any extension says that the value is unknown; one of them may say more.
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => {
                let extension = read::read_ext_meta(&mut self.rest).map_err(malformed("an unknown value"))?;
                let payload = self.take(extension.size)?;
                if extension.typeid == refinement::EXTENSION && payload.len() > 1 {
                    refinement::decode(payload, ty)
                } else {
                    Ok(Value::UNKNOWN)
                }
            }
            marker => self.known(marker, ty, depth + 1),
        }
    }

    fn known(&mut self, marker: Marker, ty: &Type, depth: usize) -> Result<Value, ValueError> {
        match ty {
            Type::Bool => read::read_bool(&mut self.rest).map(Value::Bool).map_err(malformed("a bool")),
            Type::Number => self.number(marker).map(Value::Number),
            Type::String => Ok(Value::String(self.text()?.to_owned())),
            Type::List(element) => Ok(Value::List(self.elements(element, depth)?)),
            Type::Set(element) => Ok(Value::Set(self.elements(element, depth)?.into_iter().collect())),
            Type::Tuple(types) => {
                if self.array()? != types.len() {
                    return Err(ValueError::new(format!("expected {} elements", types.len())));
                }
                let element = |(index, ty)| self.value(ty, depth).map_err(|error| error.under(Step::Index(index)));
                Ok(Value::Tuple(types.iter().enumerate().map(element).collect::<Result<_, _>>()?))
            }
            Type::Map(element) => {
                let mut entries = BTreeMap::new();
                for _ in 0..self.map()? {
                    let key = self.text()?.to_owned();
                    match self.value(element, depth) {
                        Ok(value) => entries.insert(key, value),
                        Err(error) => return Err(error.under(Step::Key(key))),
                    };
                }
                Ok(Value::Map(entries))
            }
            Type::Object(types) => self.object(types, depth),
            Type::Dynamic => {
                if self.array()? != 2 {
                    return Err(ValueError::new("expected a type and a value"));
                }
                let ty = Type::from_json(self.bytes()?)?;
                let value = self.value(&ty, depth)?;
                Ok(Typed::wrap(ty, value))
            }
        }
    }

    fn object(&mut self, types: &BTreeMap<String, Type>, depth: usize) -> Result<Value, ValueError> {
        let mut entries = BTreeMap::new();
        for _ in 0..self.map()? {
            let name = self.text()?.to_owned();
            let step = || Step::Attribute(name.clone());
            let ty = types.get(&name).ok_or_else(|| ValueError::new("is not in the schema").under(step()))?;
            let value = self.value(ty, depth).map_err(|error| error.under(step()))?;
            entries.insert(name, value);
        }
        match types.keys().find(|name| !entries.contains_key(*name)) {
            None => Ok(Value::Object(entries)),
            Some(name) => Err(ValueError::new("is missing").under(Step::Attribute(name.clone()))),
        }
    }

    fn elements(&mut self, ty: &Type, depth: usize) -> Result<Vec<Value>, ValueError> {
        let count = self.array()?;
        let mut elements = Vec::new();
        for index in 0..count {
            // Room is made as elements arrive, for twice as many each time: the count is only a claim.
            if elements.len() == elements.capacity() {
                elements.reserve_exact((count - index).min(elements.len().max(4)));
            }
            elements.push(self.value(ty, depth).map_err(|error| error.under(Step::Index(index)))?);
        }
        Ok(elements)
    }

    fn number(&mut self, marker: Marker) -> Result<Number, ValueError> {
        match marker {
            Marker::U64 => read::read_u64(&mut self.rest).map(Number::from).map_err(malformed("a number")),
            Marker::F32 | Marker::F64 => {
                let float = match marker {
                    Marker::F32 => read::read_f32(&mut self.rest).map(f64::from),
                    _ => read::read_f64(&mut self.rest),
                };
                let float = float.map_err(malformed("a number"))?;
                Number::from_exact_f64(float).ok_or_else(|| ValueError::new("is not a number"))
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => self.text()?.parse(),
            _ => read::read_int::<i64, _>(&mut self.rest).map(Number::from).map_err(malformed("a number")),
        }
    }

    fn text(&mut self) -> Result<&'a str, ValueError> {
        let length = read::read_str_len(&mut self.rest).map_err(malformed("a string"))?;
        std::str::from_utf8(self.take(length)?).map_err(|_| ValueError::new("is not UTF-8"))
    }

    /// Bytes as such, or as a string: both forms occur for the type of a dynamic value.
    fn bytes(&mut self) -> Result<&'a [u8], ValueError> {
        match self.rest.first().map(|byte| Marker::from_u8(*byte)) {
            Some(Marker::Bin8 | Marker::Bin16 | Marker::Bin32) => {
                let length = read::read_bin_len(&mut self.rest).map_err(malformed("bytes"))?;
                self.take(length)
            }
            _ => self.text().map(str::as_bytes),
        }
    }

    /// The length of a sequence, as far as it can be true.
    fn array(&mut self) -> Result<usize, ValueError> {
        let length = read::read_array_len(&mut self.rest).map_err(malformed("a sequence"))? as usize;
        if length > self.rest.len() { Err(ValueError::new("ends too early")) } else { Ok(length) }
    }

    /// The length of a map, as far as it can be true.
    fn map(&mut self) -> Result<usize, ValueError> {
        let length = read::read_map_len(&mut self.rest).map_err(malformed("a map"))? as usize;
        if length > self.rest.len() / 2 {
            return Err(ValueError::new("ends too early"));
        }
        self.count_values(if length > 0 { MAP_COST } else { 0 })?;
        Ok(length)
    }

    fn count_values(&mut self, values: usize) -> Result<(), ValueError> {
        self.values += values;
        if self.values > MAX_VALUES { Err(ValueError::new("has too many values")) } else { Ok(()) }
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], ValueError> {
        let (taken, rest) =
            self.rest.split_at_checked(length as usize).ok_or_else(|| ValueError::new("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }
}

pub(super) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    put(&mut out, value, ty, 0)?;
    Ok(out)
}

/// Writing into memory fails only when a length exceeds what msgpack can say.
fn unwritable<E>(_: E) -> ValueError {
    ValueError::new("is too large")
}

fn put(out: &mut Vec<u8>, value: &Value, ty: &Type, depth: usize) -> Result<(), ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::too_deep());
    }
    let depth = depth + 1;
    match (ty, value) {
        (_, Value::Null) => write::write_nil(out).map_err(unwritable),
        (ty, Value::Unknown(known)) => refinement::encode(out, known.as_deref(), ty),
        (Type::Bool, Value::Bool(value)) => write::write_bool(out, *value).map_err(unwritable),
        (Type::Number, Value::Number(number)) => put_number(out, number),
        (Type::String, Value::String(text)) => write::write_str(out, text).map_err(unwritable),
        (Type::List(element), Value::List(items)) => put_elements(out, items, |_| Some(element), depth),
        (Type::Set(element), Value::Set(items)) => put_elements(out, items.as_slice(), |_| Some(element), depth),
        (Type::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            put_elements(out, items, |index| types.get(index), depth)
        }
        (Type::Map(element), Value::Map(entries)) => {
            write::write_map_len(out, length(entries.len())?).map_err(unwritable)?;
            for (key, value) in entries {
                write::write_str(out, key).map_err(unwritable)?;
                put(out, value, element, depth).map_err(|error| error.under(Step::Key(key.clone())))?;
            }
            Ok(())
        }
        (Type::Object(types), Value::Object(entries)) if types.len() == entries.len() => {
            write::write_map_len(out, length(entries.len())?).map_err(unwritable)?;
            for ((name, ty), (key, value)) in types.iter().zip(entries) {
                if name != key {
                    return Err(ValueError::new("is not in the schema").under(Step::Attribute(key.clone())));
                }
                write::write_str(out, name).map_err(unwritable)?;
                put(out, value, ty, depth).map_err(|error| error.under(Step::Attribute(name.clone())))?;
            }
            Ok(())
        }
        (Type::Dynamic, Value::Dynamic(typed)) => {
            write::write_array_len(out, 2).map_err(unwritable)?;
            write::write_bin(out, &typed.ty.to_json()).map_err(unwritable)?;
            put(out, &typed.value, &typed.ty, depth)
        }
        (ty, value) => Err(ValueError::mismatch(ty, value)),
    }
}

fn put_number(out: &mut Vec<u8>, number: &Number) -> Result<(), ValueError> {
    match number.wire() {
        Wire::Int(int) => write::write_sint(out, int).map(drop).map_err(unwritable),
        Wire::Float(float) => write::write_f64(out, float).map_err(unwritable),
        Wire::Decimal(text) => write::write_str(out, text).map_err(unwritable),
    }
}

fn put_elements<'t>(
    out: &mut Vec<u8>,
    items: &[Value],
    ty: impl Fn(usize) -> Option<&'t Type>,
    depth: usize,
) -> Result<(), ValueError> {
    write::write_array_len(out, length(items.len())?).map_err(unwritable)?;
    for (index, item) in items.iter().enumerate() {
        let ty = ty(index).ok_or_else(|| ValueError::new("is one element too many"))?;
        put(out, item, ty, depth).map_err(|error| error.under(Step::Index(index)))?;
    }
    Ok(())
}

fn length(length: usize) -> Result<u32, ValueError> {
    u32::try_from(length).map_err(unwritable)
}
