terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "org" {
  description = "The organisation whose teams get their members from groups."
  type        = string
}

variable "app_id" {
  description = "Id (or client id) of a GitHub App that may read and write the organisation's members."
  type        = string
}

variable "installation_id" {
  description = "Id of the app's installation in the organisation."
  type        = string
}

variable "app_private_key" {
  description = "The app's private key, as a PEM text."
  type        = string
  sensitive   = true
}

variable "api_url" {
  description = "Address of the API; https://HOST/api/v3 for GitHub Enterprise Server."
  type        = string
  default     = "https://api.github.com"
}

variable "group_prefix" {
  description = "The name of a group is this prefix and the slug of a team."
  type        = string
  default     = "github-team:"
}

variable "may_be_empty" {
  description = "Slugs of teams that may lose all their members."
  type        = list(string)
  default     = []
}

variable "dry_run" {
  description = "Only say who would be added and removed."
  type        = bool
  default     = true
}

resource "justiam_scheduled_task" "github_team_sync" {
  name           = "GitHub team sync"
  description    = "Members of the teams of ${var.org} follow the groups ${var.group_prefix}*."
  task_type      = "script"
  schedule_type  = "cron"
  cron_expr      = "*/15 * * * *"
  overlap_policy = "skip"
  script         = file("${path.module}/script.go")
  task_config = {
    api_url         = var.api_url
    org             = var.org
    app_id          = var.app_id
    installation_id = var.installation_id
    group_prefix    = var.group_prefix
    may_be_empty    = jsonencode(var.may_be_empty)
    dry_run         = tostring(var.dry_run)
  }
  secrets = {
    GITHUB_APP_PRIVATE_KEY = var.app_private_key
  }
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.github_team_sync.id
}
