//! What the server tells the helper: who its parent is, which limits to set, which program to become.
//!
//! Both directions of the command line are here, so that they cannot drift apart. Nothing in it is secret: any user of
//! the machine can read the arguments of a process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::sandbox::Network;

/// The sub-command of the server that is the helper.
pub(super) const SUB_COMMAND: &str = "sandbox";

/// What a run may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    /// The most descriptors that the process may have open.
    pub(super) open_files: u64,
    /// The size of a thread's stack in bytes; the interpreter keeps Go's own stacks elsewhere.
    pub(super) stack: u64,
    /// The size of the largest file in bytes.
    pub(super) file_size: u64,
    /// Processor time in seconds, of all threads together.
    pub(super) cpu_seconds: u64,
    /// Memory in MiB.
    pub(super) memory_mib: u32,
    pub(super) network: Network,
    /// Whether to put the rules on files on.
    pub(super) landlock: bool,
    /// So many bytes of rules on system calls wait in the channel; 0 for none.
    pub(super) rules: usize,
    /// Whether all layers are needed.
    pub(super) whole: bool,
    /// Whether to try what is forbidden in place of becoming the interpreter.
    pub(super) probe: bool,
}

impl Policy {
    /// What every script may use.
    pub(super) fn new(network: Network, memory_mib: u32) -> Self {
        Self {
            open_files: 256,
            stack: 1 << 20,
            file_size: 64 << 20,
            cpu_seconds: 35,
            memory_mib,
            network,
            landlock: true,
            rules: 0,
            whole: false,
            probe: false,
        }
    }
}

/// The order as the helper reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) parent: i32,
    pub(super) policy: Policy,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

/// Why the helper does not understand its command line.
#[derive(Debug, thiserror::Error)]
#[error("the helper was called with unexpected arguments")]
pub(super) struct Misunderstood;

impl Order {
    /// Adds the order to the command that starts the helper.
    pub(super) fn give(
        command: &mut Command,
        policy: &Policy,
        program: &Path,
        arguments: &[&str],
    ) -> serde_json::Result<()> {
        command.arg(SUB_COMMAND).arg("--ppid").arg(std::process::id().to_string());
        command.arg("--policy").arg(serde_json::to_string(policy)?);
        command.arg("--").arg(program).args(arguments);
        Ok(())
    }

    /// Reads what [`Order::give`] wrote, from after the sub-command.
    pub(super) fn read(mut words: impl Iterator<Item = OsString>) -> Result<Self, Misunderstood> {
        let mut word = |expected: Option<&str>| -> Result<OsString, Misunderstood> {
            words.next().filter(|word| expected.is_none_or(|expected| word == expected)).ok_or(Misunderstood)
        };
        word(Some("--ppid"))?;
        let parent = word(None)?.to_str().and_then(|text| text.parse().ok()).ok_or(Misunderstood)?;
        word(Some("--policy"))?;
        let policy = word(None)?.to_str().and_then(|text| serde_json::from_str(text).ok()).ok_or(Misunderstood)?;
        word(Some("--"))?;
        let program = word(None)?.into();
        Ok(Self { parent, policy, program, arguments: words.collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;
    use std::process::Command;

    use super::{Network, Order, Policy};

    #[test]
    fn the_helper_reads_what_the_server_gives() {
        let mut command = Command::new("helper");
        let policy = Policy { rules: 7, ..Policy::new(Network::Fetch, 64) };
        Order::give(&mut command, &policy, Path::new("/opt/my yaegi"), &["run", "main.go"]).unwrap();
        let words: Vec<OsString> = command.get_args().map(OsString::from).collect();
        assert_eq!(words[0], "sandbox");
        let order = Order::read(words.into_iter().skip(1)).unwrap();
        let expected = Order {
            parent: std::process::id().try_into().unwrap(),
            policy,
            program: "/opt/my yaegi".into(),
            arguments: vec!["run".into(), "main.go".into()],
        };
        assert_eq!(order, expected);
    }

    #[test]
    fn anything_else_is_refused() {
        let whole = serde_json::to_string(&Policy::new(Network::All, 64)).unwrap();
        let more = whole.replacen('{', r#"{"more":1,"#, 1);
        for words in [
            vec![],
            vec!["--ppid", "x", "--policy", "{}", "--", "y"],
            vec!["--ppid", "1", "--policy", "{}", "--", "y"],
            vec!["--ppid", "1", "--policy", &more, "--", "y"],
            vec!["--ppid", "1", "--policy", &whole, "--"],
        ] {
            assert!(Order::read(words.iter().map(OsString::from)).is_err(), "{words:?}");
        }
    }
}
