//! What the kernel forbids the process of a script, layer by layer, and what of it was achieved.
//!
//! The helper puts the layers on itself before it becomes the interpreter: [`capabilities`] first, then [`files`]
//! (Landlock), then [`calls`] (seccomp), which closes the door behind the others. None of them can be taken off again.

pub(in crate::driver::execute) mod calls;
pub(in crate::driver::execute) mod capabilities;
pub(in crate::driver::execute) mod files;
pub(in crate::driver::execute) mod numbers;
pub(super) mod probe;
pub(in crate::driver::execute) mod tables;

use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a script may reach the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// By the standard library, over TCP and UDP, and by the package `fetch`. What it dials itself passes no filter.
    All,
    /// By the package `fetch` only: the process can make no socket.
    Fetch,
    /// Not at all.
    None,
}

impl Network {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Fetch => "fetch",
            Self::None => "none",
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "fetch" => Ok(Self::Fetch),
            "none" => Ok(Self::None),
            _ => Err(format!("`{text}` is not one of all, fetch, none")),
        }
    }
}

/// What a run needs of the kernel to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Whatever the kernel has; what is missing is on record.
    Any,
    /// Landlock and seccomp.
    Sandbox,
}

impl FromStr for Demand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            "sandbox" => Ok(Self::Sandbox),
            _ => Err(format!("`{text}` is not one of any, sandbox")),
        }
    }
}

/// Which layers to put on. Tests leave layers out, as an old kernel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// Rules on files, where the kernel has them.
    pub landlock: bool,
    /// Rules on system calls, where the kernel has them.
    pub seccomp: bool,
    /// Whether a system call that no list knows kills the process; else it is answered as one that the kernel does not
    /// have, which newer libraries can live with. For tests of the lists.
    pub kill_unknown_calls: bool,
}

impl Default for Layers {
    fn default() -> Self {
        Self { landlock: true, seccomp: true, kill_unknown_calls: false }
    }
}

/// What the helper has put on; its first words on the channel, before any code of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::driver::execute) struct Achieved {
    /// The version of Landlock's interface; 0 without.
    pub(in crate::driver::execute) landlock: u32,
    pub(in crate::driver::execute) seccomp: bool,
}

/// The line in which the helper says so.
#[derive(Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
enum Word {
    #[serde(rename = "helper.isolated")]
    Isolated(Achieved),
}

impl Achieved {
    /// Reads the helper's line.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let Word::Isolated(achieved) = serde_json::from_slice(line).ok()?;
        Some(achieved)
    }

    /// The helper's line, with its end.
    pub(super) fn line(self) -> serde_json::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(&Word::Isolated(self))?;
        line.push(b'\n');
        Ok(line)
    }

    /// Whether nothing is missing.
    pub(in crate::driver::execute) fn is_whole(self) -> bool {
        self.landlock > 0 && self.seccomp
    }

    /// What a run records.
    pub(super) fn text(self, memory_mib: u32, network: Network) -> String {
        let mut text = self.layers();
        let _ = write!(text, ", memory {memory_mib} MiB, network {}", network.word());
        match network {
            Network::All => text.push_str(" (raw destinations are not filtered)"),
            // Landlock's rules on ports leave UDP and much else open.
            _ if !self.seccomp => text.push_str(" (not enforced without seccomp)"),
            _ => {}
        }
        text
    }

    /// The layers in words, as far as all processes have them in common.
    pub(in crate::driver::execute) fn layers(self) -> String {
        let mut text = String::from(if self.is_whole() { "sandbox: " } else { "partial: " });
        match self.landlock {
            0 => text.push_str("no landlock"),
            version => _ = write!(text, "landlock {version}"),
        }
        text.push_str(if self.seccomp { ", seccomp" } else { ", no seccomp" });
        text.push_str(", no capabilities");
        text
    }

    /// What is missing, for whoever demands everything.
    pub(in crate::driver::execute) fn missing(self) -> &'static str {
        match (self.landlock > 0, self.seccomp) {
            (true, true) => "nothing",
            (true, false) => "seccomp",
            (false, true) => "Landlock",
            (false, false) => "Landlock and seccomp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Achieved, Network};

    #[test]
    fn what_was_achieved_is_one_line() {
        let text = |landlock, seccomp, network| Achieved { landlock, seccomp }.text(512, network);
        assert_eq!(
            text(7, true, Network::All),
            "sandbox: landlock 7, seccomp, no capabilities, memory 512 MiB, network all (raw destinations are not filtered)"
        );
        assert_eq!(
            text(0, true, Network::Fetch),
            "partial: no landlock, seccomp, no capabilities, memory 512 MiB, network fetch"
        );
        assert_eq!(
            text(1, false, Network::None),
            "partial: landlock 1, no seccomp, no capabilities, memory 512 MiB, network none (not enforced without seccomp)"
        );
    }

    #[test]
    fn the_helpers_line_is_read_as_it_was_written() {
        let achieved = Achieved { landlock: 7, seccomp: true };
        let line = achieved.line().unwrap();
        assert_eq!(line, b"{\"method\":\"helper.isolated\",\"params\":{\"landlock\":7,\"seccomp\":true}}\n");
        assert_eq!(Achieved::read(line.trim_ascii_end()), Some(achieved));
        assert_eq!(Achieved::read(b"{\"method\":\"run.exited\",\"params\":{}}"), None);
    }
}
