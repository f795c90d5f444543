variable "directory_token" {
  type      = string
  sensitive = true
}

# A script that runs on a cron expression, with config entries and a secret.
resource "justiam_scheduled_task" "weekly_report" {
  name            = "Weekly report"
  description     = "Counts the groups that are reported on"
  task_type       = "script"
  schedule_type   = "cron"
  cron_expr       = "30 7 * * MON"
  timezone        = "Europe/Zurich"
  overlap_policy  = "skip"
  timeout_seconds = 20

  task_config = {
    domain    = "example.com"
    group_ids = jsonencode(["g1", "g2"])
  }

  secrets = {
    DIRECTORY_TOKEN = var.directory_token
  }

  script = <<-EOT
    package task

    import (
        "config"
        "fmt"
        "secrets"
    )

    func Run() (string, error) {
        if secrets.Get("DIRECTORY_TOKEN") == "" {
            return "", fmt.Errorf("the secret DIRECTORY_TOKEN is not set")
        }
        groups := config.GetList("group_ids")
        return fmt.Sprintf("%s: %d groups", config.Get("domain"), len(groups)), nil
    }
  EOT
}

# A script that runs one time, at or after an instant.
resource "justiam_scheduled_task" "migration" {
  name          = "Migration"
  task_type     = "script"
  schedule_type = "once"
  run_at        = "2027-01-31T08:00:00Z"

  script = <<-EOT
    package task

    func Run() (string, error) {
        return "done", nil
    }
  EOT
}

# A script that runs only when somebody triggers it, kept in a file of its own.
resource "justiam_scheduled_task" "on_demand" {
  name          = "On demand"
  task_type     = "script"
  schedule_type = "once"
  script        = file("${path.module}/on_demand.go")
}
