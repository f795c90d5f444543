//! What an operator says about the programs of steps.

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::outbound::Rule;

/// What steps of schedules may use.
#[derive(Debug, Args)]
pub(super) struct Steps {
    /// Folders that steps of schedules and connectors may use: a list of absolute paths; none of them may hold the data folder or lie in it
    #[arg(long, env = "JUSTIAM_STEP_FOLDERS", value_delimiter = ',', value_name = "LIST")]
    step_folders: Vec<PathBuf>,
    /// Hosts whose databases SQL steps may use: a list of host names, `*.example.com`, addresses and networks; any host if empty
    #[arg(long, env = "JUSTIAM_SQL_HOSTS", value_delimiter = ',', value_name = "LIST")]
    sql_hosts: Vec<Rule>,
    /// PowerShell: a path, or a name on PATH
    #[arg(long, env = "JUSTIAM_PWSH", default_value = "pwsh", value_name = "PROGRAM")]
    pwsh: PathBuf,
}

impl Steps {
    /// Adds it to a server's settings.
    pub(super) fn set(self, config: &mut Config) {
        // An empty variable counts as none.
        config.step_folders = self.step_folders.into_iter().filter(|folder| !folder.as_os_str().is_empty()).collect();
        config.sql_hosts = self.sql_hosts;
        config.pwsh = self.pwsh;
    }
}
