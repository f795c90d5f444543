//! Configurations: tasks, and as much of Terraform's own.

/// Where the tasks' secrets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// In `secrets`: values in the state.
    InState,
    /// In `secrets_wo`: fingerprints in private state.
    WriteOnly,
}

/// The script of all tasks.
pub(super) const SCRIPT: &str = "package task\n\nimport \"config\"\n\nfunc Run() (string, error) {\n\tdomain, err := \
                                 config.GetTaskConfig(\"domain\")\n\treturn domain, err\n}\n";

/// Tasks with config entries and two secrets each, the first of which is the `first` of many. `changed` changes one of them.
pub(super) fn tasks(first: usize, count: usize, secrets: Secrets) -> String {
    let attribute = match secrets {
        Secrets::InState => "secrets   ",
        Secrets::WriteOnly => "secrets_wo",
    };
    let middle = count / 2;
    format!(
        r#"
variable "changed" {{
  default = ""
}}

resource "justiam_scheduled_task" "t" {{
  count         = {count}
  name          = "Task ${{count.index + {first}}}"
  description   = var.changed != "" && count.index == {middle} ? "changed ${{var.changed}}" : "One of many"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "0 3 * * *"
  script        = file("task.go")
  config        = jsonencode({{ batch = 100, index = count.index + {first} }})
  task_config   = {{ domain = "example.com", retries = "3" }}
  {attribute}    = {{ API_KEY = "key of ${{count.index + {first}}}", PASSWORD = "password of ${{count.index + {first}}}" }}
}}
"#
    )
}

/// The same values in objects that Terraform keeps itself.
pub(super) fn data(count: usize) -> String {
    format!(
        r#"
resource "terraform_data" "d" {{
  count = {count}
  input = {{
    name          = "Task ${{count.index}}"
    description   = "One of many"
    task_type     = "script"
    schedule_type = "cron"
    cron_expr     = "0 3 * * *"
    script        = file("task.go")
    config        = jsonencode({{ batch = 100, index = count.index }})
    task_config   = {{ domain = "example.com", retries = "3" }}
    secrets       = {{ API_KEY = "key of ${{count.index}}", PASSWORD = "password of ${{count.index}}" }}
  }}
}}
"#
    )
}
