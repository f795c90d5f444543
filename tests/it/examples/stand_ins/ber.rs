//! The bytes that LDAP and keys are made of: tag, length, value.

/// An element that was read.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) tag: u8,
    pub(crate) value: Vec<u8>,
}

impl Element {
    /// What the element is made of.
    pub(crate) fn children(&self) -> Vec<Self> {
        let mut rest = self.value.as_slice();
        let mut children = Vec::new();
        while let Some((child, size)) = read(rest) {
            children.push(child);
            rest = &rest[size..];
        }
        assert!(rest.is_empty(), "an element ends in the middle of another one");
        children
    }

    /// The element as a text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.value.clone()).unwrap()
    }

    /// The element as a number that is not negative.
    pub(crate) fn number(&self) -> usize {
        assert!(self.value[0] < 0x80, "a negative number");
        self.value.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }
}

/// Reads the element at the beginning of some bytes, and how many it takes; nothing while bytes are missing.
pub(crate) fn read(bytes: &[u8]) -> Option<(Element, usize)> {
    let (tag, first) = (*bytes.first()?, usize::from(*bytes.get(1)?));
    let more = if first < 0x80 { 0 } else { first & 0x7f };
    let length = match more {
        0 => first,
        _ => bytes.get(2..2 + more)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
    };
    let value = bytes.get(2 + more..2 + more + length)?.to_vec();
    Some((Element { tag, value }, 2 + more + length))
}

/// An element of parts that follow one another.
pub(crate) fn write(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let value = parts.concat();
    let mut bytes = vec![tag];
    match u8::try_from(value.len()) {
        Ok(length) if length < 0x80 => bytes.push(length),
        _ => {
            let length = value.len().to_be_bytes();
            let short: Vec<_> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | u8::try_from(short.len()).unwrap());
            bytes.extend(short);
        }
    }
    bytes.extend(value);
    bytes
}

/// A text.
pub(crate) fn octets(text: &str) -> Vec<u8> {
    write(0x04, &[text.as_bytes().to_vec()])
}

/// A number below 128.
pub(crate) fn small(tag: u8, number: u8) -> Vec<u8> {
    write(tag, &[vec![number]])
}
