//! Reads the JSON form of types, without a tree in between: types come with each value of dynamic type.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Type;
use crate::value::MAX_DEPTH;

pub(super) fn parse(text: &[u8]) -> serde_json::Result<Type> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let ty = Seed { depth: 0 }.deserialize(&mut json)?;
    json.end().map(|()| ty)
}

/// A type: a name, or a list that starts with one.
#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

/// The attributes of an object type. Where a name occurs twice, the last one counts.
struct Attributes(Seed);

/// The elements of a tuple type.
struct Elements(Seed);

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Type;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Type, D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(de::Error::custom("too deep"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Type;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Type, E> {
        match name {
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            "dynamic" => Ok(Type::Dynamic),
            _ => Err(E::custom("unknown name")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Type, A::Error> {
        let inner = Self { depth: self.depth + 1 };
        let kind: Option<String> = parts.next_element()?;
        let ty = match kind.as_deref() {
            Some("list") => parts.next_element_seed(inner)?.map(Type::list),
            Some("set") => parts.next_element_seed(inner)?.map(Type::set),
            Some("map") => parts.next_element_seed(inner)?.map(Type::map),
            Some("object") => parts.next_element_seed(Attributes(inner))?.map(Type::Object),
            Some("tuple") => parts.next_element_seed(Elements(inner))?.map(Type::Tuple),
            _ => None,
        };
        // A third part of an object lists optional attributes; it matters to conversions inside of Terraform only.
        while parts.next_element::<IgnoredAny>()?.is_some() {}
        ty.ok_or_else(|| de::Error::custom("incomplete"))
    }
}

impl<'de> DeserializeSeed<'de> for Attributes {
    type Value = BTreeMap<String, Type>;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Attributes {
    type Value = BTreeMap<String, Type>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the types of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some(name) = map.next_key()? {
            attributes.insert(name, map.next_value_seed(self.0)?);
        }
        Ok(attributes)
    }
}

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<Type>;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<Type>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the types of elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = items.next_element_seed(self.0)? {
            elements.push(element);
        }
        Ok(elements)
    }
}
