terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "days" {
  description = "Users who have not logged in for so many days are deactivated."
  type        = number
  default     = 90
}

variable "excluded_emails" {
  description = "Users who are never deactivated."
  type        = list(string)
  default     = []
}

variable "excluded_groups" {
  description = "Names of groups whose members are never deactivated."
  type        = list(string)
  default     = []
}

variable "dry_run" {
  description = "Only say who would be deactivated."
  type        = bool
  default     = true
}

resource "justiam_scheduled_task" "deactivate_inactive_users" {
  name           = "Deactivate inactive users"
  description    = "Deactivates users who have not logged in for ${var.days} days."
  task_type      = "script"
  schedule_type  = "cron"
  cron_expr      = "0 2 * * *"
  overlap_policy = "skip"
  script         = file("${path.module}/script.go")
  task_config = {
    days            = tostring(var.days)
    excluded_emails = jsonencode(var.excluded_emails)
    excluded_groups = jsonencode(var.excluded_groups)
    dry_run         = tostring(var.dry_run)
  }
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.deactivate_inactive_users.id
}
