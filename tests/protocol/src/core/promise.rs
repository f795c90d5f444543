//! What a plan promises of its unknown values, read from its bytes.
//!
//! An unknown value is an extension of msgpack. One of type 12 has a map in it, with numbers as keys: the value is not
//! null (1), its text begins so (2), its number is in a range (3, 4), it has so many elements (5, 6).

use rmp::Marker;
use rmp::decode as read;
use tfplugin::{AttributePath, Number, Step, Type, Value};

/// The extension type of an unknown value that comes with promises.
const REFINED: i8 = 12;

/// What is promised of one unknown value.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Promise {
    place: Vec<Place>,
    not_null: bool,
    prefix: String,
    least: Option<Bound>,
    most: Option<Bound>,
    min_length: usize,
    max_length: Option<usize>,
}

/// A step on the way to it.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    Step(Step),
    /// Some element of a set.
    Element,
}

/// The end of a range, and whether it is within.
#[derive(Debug, PartialEq)]
struct Bound(Number, bool);

impl Promise {
    /// The path, as far as there is one: up to the first set.
    pub(super) fn path(&self) -> AttributePath {
        let steps = self.place.iter().map_while(|place| if let Place::Step(step) = place { Some(step) } else { None });
        steps.cloned().collect()
    }

    /// What is not kept in the value that came of the plan. In a set, one element that keeps it is enough.
    pub(super) fn violation(&self, whole: &Value) -> Option<&'static str> {
        self.violation_at(whole, &self.place)
    }

    fn violation_at(&self, value: &Value, place: &[Place]) -> Option<&'static str> {
        if let Value::Dynamic(typed) = value {
            return self.violation_at(&typed.value, place);
        }
        let Some((first, rest)) = place.split_first() else { return self.violation_of(value) };
        match first {
            Place::Step(Step::Attribute(name) | Step::Key(name)) => self.violation_at(value.get(name)?, rest),
            Place::Step(Step::Index(index)) => self.violation_at(value.as_elements()?.get(*index)?, rest),
            Place::Element => {
                let mut violations = value.as_elements()?.iter().map(|element| self.violation_at(element, rest));
                let first = violations.next()?;
                if violations.any(|violation| violation.is_none()) { None } else { first }
            }
        }
    }

    fn violation_of(&self, value: &Value) -> Option<&'static str> {
        let length = match value {
            // It is reported by the rule that nothing is unknown, if it should not be.
            value if value.is_unknown() => return None,
            Value::Null => return self.not_null.then_some("is null"),
            Value::String(text) => return (!text.starts_with(&self.prefix)).then_some("begins differently"),
            Value::Number(number) => {
                let below = |Bound(least, within): &Bound| if *within { number < least } else { number <= least };
                let above = |Bound(most, within): &Bound| if *within { number > most } else { number >= most };
                let outside = self.least.as_ref().is_some_and(below) || self.most.as_ref().is_some_and(above);
                return outside.then_some("is out of range");
            }
            Value::Map(entries) => entries.len(),
            value => value.as_elements()?.len(),
        };
        let fits = length >= self.min_length && self.max_length.is_none_or(|most| length <= most);
        (!fits).then_some("has another number of elements")
    }
}

/// All promises in the bytes of a value of type `ty`; none if they cannot be read.
pub(super) fn promises(bytes: &[u8], ty: &Type) -> Option<Vec<Promise>> {
    let mut reader = Reader { rest: bytes, place: Vec::new(), found: Vec::new() };
    if !bytes.is_empty() {
        reader.value(ty)?;
    }
    Some(reader.found)
}

struct Reader<'a> {
    rest: &'a [u8],
    place: Vec<Place>,
    found: Vec<Promise>,
}

impl<'a> Reader<'a> {
    /// Reads a value of the type, and notes what is promised in it.
    fn value(&mut self, ty: &Type) -> Option<()> {
        match Marker::from_u8(*self.rest.first()?) {
            Marker::Null => return self.skip(),
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => {
                let extension = read::read_ext_meta(&mut self.rest).ok()?;
                let payload = self.take(extension.size)?;
                if extension.typeid == REFINED {
                    let promise = promise(payload)?;
                    self.found.push(Promise { place: self.place.clone(), ..promise });
                }
                return Some(());
            }
            _ => {}
        }
        match ty {
            Type::Bool | Type::Number | Type::String => self.skip(),
            Type::List(element) => self.array(|index| (Place::Step(Step::Index(index)), Some(element))),
            Type::Set(element) => self.array(|_| (Place::Element, Some(element))),
            Type::Tuple(types) => self.array(|index| (Place::Step(Step::Index(index)), types.get(index))),
            Type::Map(element) => self.map(|key| (Step::Key(key.to_owned()), Some(element))),
            Type::Object(types) => self.map(|name| (Step::Attribute(name.to_owned()), types.get(name))),
            Type::Dynamic => {
                read::read_array_len(&mut self.rest).ok().filter(|length| *length == 2)?;
                let ty = Type::from_json(self.bytes()?).ok()?;
                self.value(&ty)
            }
        }
    }

    fn array<'t>(&mut self, element: impl Fn(usize) -> (Place, Option<&'t Type>)) -> Option<()> {
        for index in 0..read::read_array_len(&mut self.rest).ok()? {
            let (place, ty) = element(usize::try_from(index).ok()?);
            self.within(place, ty?)?;
        }
        Some(())
    }

    fn map<'t>(&mut self, entry: impl Fn(&str) -> (Step, Option<&'t Type>)) -> Option<()> {
        for _ in 0..read::read_map_len(&mut self.rest).ok()? {
            let (step, ty) = entry(std::str::from_utf8(self.bytes()?).ok()?);
            self.within(Place::Step(step), ty?)?;
        }
        Some(())
    }

    fn within(&mut self, place: Place, ty: &Type) -> Option<()> {
        self.place.push(place);
        self.value(ty)?;
        self.place.pop();
        Some(())
    }

    /// Text or bytes, which are written in either form.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = match Marker::from_u8(*self.rest.first()?) {
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => read::read_bin_len(&mut self.rest).ok()?,
            _ => read::read_str_len(&mut self.rest).ok()?,
        };
        self.take(length)
    }

    fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// Goes past a value that has no parts.
    fn skip(&mut self) -> Option<()> {
        let size = match Marker::from_u8(*self.rest.first()?) {
            Marker::Null | Marker::True | Marker::False | Marker::FixPos(_) | Marker::FixNeg(_) => 1,
            Marker::U8 | Marker::I8 => 2,
            Marker::U16 | Marker::I16 => 3,
            Marker::U32 | Marker::I32 | Marker::F32 => 5,
            Marker::U64 | Marker::I64 | Marker::F64 => 9,
            _ => return self.bytes().map(drop),
        };
        self.take(size).map(drop)
    }

    /// A number in any of its forms: as such, or as the text of a decimal number.
    fn number(&mut self) -> Option<Number> {
        let start = self.rest;
        self.skip()?;
        let bytes = &start[..start.len() - self.rest.len()];
        let value = Value::from_msgpack(bytes, &Type::Number).ok()?;
        value.as_number().cloned()
    }

    fn bound(&mut self) -> Option<Bound> {
        read::read_array_len(&mut self.rest).ok().filter(|length| *length == 2)?;
        Some(Bound(self.number()?, read::read_bool(&mut self.rest).ok()?))
    }

    fn length(&mut self) -> Option<usize> {
        self.number()?.as_i64().and_then(|length| usize::try_from(length).ok())
    }
}

/// The map within the extension. What is promised in words that are not known here ends it: nothing more is read.
fn promise(payload: &[u8]) -> Option<Promise> {
    let mut reader = Reader { rest: payload, place: Vec::new(), found: Vec::new() };
    let mut promise = Promise::default();
    for _ in 0..read::read_map_len(&mut reader.rest).ok()? {
        match reader.number()?.as_i64()? {
            1 => promise.not_null = !read::read_bool(&mut reader.rest).ok()?,
            2 => promise.prefix = String::from_utf8(reader.bytes()?.to_vec()).ok()?,
            3 => promise.least = Some(reader.bound()?),
            4 => promise.most = Some(reader.bound()?),
            5 => promise.min_length = reader.length()?,
            6 => promise.max_length = Some(reader.length()?),
            _ => break,
        }
    }
    Some(promise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty() -> Type {
        Type::object([
            ("a", Type::String),
            ("l", Type::list(Type::Number)),
            ("o", Type::Dynamic),
            ("s", Type::set(Type::object([("t", Type::String)]))),
        ])
    }

    /// `{a: "pre-…" and not null, l: [1, 2 <= … < 5], o: a list of 1 to 2 texts, s: [{t: "x…"}, {t: "known"}]}`
    const PLAN: &[u8] = b"\x84\
        \xa1a\xc7\x09\x0c\x82\x01\xc2\x02\xa4pre-\
        \xa1l\x92\x01\xc7\x09\x0c\x82\x03\x92\x02\xc3\x04\x92\x05\xc2\
        \xa1o\x92\xc4\x11[\"list\",\"string\"]\xc7\x05\x0c\x82\x05\x01\x06\x02\
        \xa1s\x92\x81\xa1t\xd6\x0c\x81\x02\xa1x\x81\xa1t\xa5known";

    fn violations(entries: &[(&str, Value)]) -> Vec<String> {
        let mut whole = Value::Object(entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect());
        whole = whole.conform(&ty()).unwrap();
        let promises = promises(PLAN, &ty()).unwrap();
        let said = |promise: &Promise| Some(format!("{} {}", promise.path(), promise.violation(&whole)?));
        promises.iter().filter_map(said).collect()
    }

    #[test]
    fn each_promise_is_read_and_held() {
        assert_eq!(promises(PLAN, &ty()).unwrap().len(), 4);
        let list = |items: &[i64]| Value::List(items.iter().map(|item| (*item).into()).collect());
        let texts = |items: &[&str]| Value::List(items.iter().map(|item| (*item).into()).collect());
        let open = |items: &[&str]| {
            Value::Dynamic(Box::new(tfplugin::Typed { ty: Type::list(Type::String), value: texts(items) }))
        };
        let set = |items: &[&str]| {
            let object = |item: &&str| Value::Object([("t".to_owned(), Value::from(*item))].into());
            Value::List(items.iter().map(object).collect())
        };
        let kept = [("a", "pre-7".into()), ("l", list(&[1, 2])), ("o", open(&["x"])), ("s", set(&["known", "xy"]))];
        assert_eq!(violations(&kept), Vec::<String>::new());
        for (name, value, expected) in [
            ("a", Value::Null, "a is null"),
            ("a", "post-7".into(), "a begins differently"),
            ("l", list(&[1, 1]), "l[1] is out of range"),
            ("l", list(&[1, 5]), "l[1] is out of range"),
            ("o", open(&[]), "o has another number of elements"),
            ("o", open(&["x", "y", "z"]), "o has another number of elements"),
            ("s", set(&["known", "yx"]), "s begins differently"),
        ] {
            let changed: Vec<_> =
                kept.iter().map(|(n, v)| (*n, if *n == name { value.clone() } else { v.clone() })).collect();
            assert_eq!(violations(&changed), [expected]);
        }
        // Only the first of these says that it is not null.
        assert_eq!(violations(&[("a", "pre-".into())]), Vec::<String>::new());
    }

    #[test]
    fn numbers_are_compared_without_losing_a_digit() {
        let number = |text: &str| text.parse::<Number>().unwrap();
        let within = |least: &str, inclusive: bool, value: &str| {
            let promise = Promise { least: Some(Bound(number(least), inclusive)), ..Promise::default() };
            promise.violation(&Value::Number(number(value))).is_none()
        };
        assert!(within("0.1", false, "0.10000000000000000000001") && !within("0.10000000000000000000001", true, "0.1"));
        let huge = "123456789012345678901234567890";
        assert!(within(huge, true, huge) && !within(huge, false, huge));
        assert!(!within(huge, true, "123456789012345678901234567889"));
    }

    #[test]
    fn plain_unknown_values_promise_nothing() {
        assert_eq!(promises(b"\xd4\x00\x00", &Type::String), Some(Vec::new()));
        assert_eq!(promises(b"\xc7\x00\x00", &Type::String), Some(Vec::new()));
        assert_eq!(promises(b"", &Type::String), Some(Vec::new()));
        // What is promised in other words is not held against anybody.
        let promise = &promises(b"\xd5\x0c\x81\x63", &Type::String).unwrap()[0];
        assert_eq!(promise.violation(&Value::Null), None);
        assert_eq!(promises(b"\xd5\x0c\x81\x01", &Type::String), None);
    }
}
