terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "webhook_url" {
  description = "Where the report is sent."
  type        = string
}

variable "webhook_secret" {
  description = "Key of the signature in the header X-Signature-256; without it, reports are not signed."
  type        = string
  sensitive   = true
  default     = ""
}

variable "stale_days" {
  description = "Active users without a login for so many days are listed."
  type        = number
  default     = 90
}

resource "justiam_scheduled_task" "weekly_user_report" {
  name           = "Weekly user report"
  description    = "Sends numbers of users, and who has not logged in for long, to a webhook."
  task_type      = "script"
  schedule_type  = "cron"
  cron_expr      = "0 7 * * MON"
  overlap_policy = "skip"
  script         = file("${path.module}/script.go")
  task_config = {
    webhook_url = var.webhook_url
    stale_days  = tostring(var.stale_days)
  }
  secrets = {
    WEBHOOK_SECRET = var.webhook_secret
  }
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.weekly_user_report.id
}
