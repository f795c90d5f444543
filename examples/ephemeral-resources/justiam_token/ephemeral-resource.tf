# Made with the provider's own token, renewed while Terraform works, and revoked at the end.
ephemeral "justiam_token" "tasks" {
  ttl_seconds = 600
  permissions = ["tasks.view", "tasks.manage"]
}

# What uses this configuration may look at tasks and change them, and nothing else.
provider "justiam" {
  alias = "tasks"
  token = ephemeral.justiam_token.tasks.token
}

resource "justiam_scheduled_task" "cleanup" {
  provider = justiam.tasks

  name          = "Cleanup of the audit log"
  task_type     = "audit_log_cleanup"
  schedule_type = "cron"
  cron_expr     = "30 4 * * SUN"
}
