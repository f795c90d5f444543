//! Reads server-sent events.

/// The longest line. No event of the contract comes near.
const LONGEST: usize = 4 * 1024 * 1024;

/// An event with data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) data: String,
}

/// This is no stream of events.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Reads a stream that comes in pieces, cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    /// The last byte was a carriage return, so a line feed ends no line.
    returned: bool,
    kind: String,
    data: Option<String>,
}

impl Parser {
    /// Reads on, and returns the events that are complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            let returned = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if returned => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&String::from_utf8_lossy(&line)));
                }
                _ => self.line.push(*byte),
            }
        }
        let length = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if length > LONGEST { Err(TooLong) } else { Ok(events) }
    }

    fn end_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            return self.data.take().map(|data| Event { kind, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // A comment, or what nobody here needs.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_they_are_cut() {
        let text = "\u{feff}: hello\n\nevent: log\nid: 3\ndata: {\"ä\":1}\n\ndata:a\r\ndata: b\r\n\r\nevent: empty\n\n:\n\nevent: end\rdata\r\r";
        let event = |kind: &str, data: &str| Event { kind: kind.into(), data: data.into() };
        let expected = [event("log", "{\"ä\":1}"), event("", "a\nb"), event("end", "")];
        assert_eq!(Parser::default().feed(text.as_bytes()).unwrap(), expected);
        let mut parser = Parser::default();
        let single: Vec<Event> = text.as_bytes().iter().flat_map(|byte| parser.feed(&[*byte]).unwrap()).collect();
        assert_eq!(single, expected);
    }

    #[test]
    fn a_line_without_end_is_no_event() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        assert_eq!((0..5).find_map(|_| parser.feed(&piece).err()), Some(TooLong));
    }
}
