terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "vault_url" {
  description = "Address of the vault."
  type        = string
  default     = "https://vault.example.com:8200"
}

variable "vault_token" {
  description = "A token that may create and update the entries below vault_path, and nothing else."
  type        = string
  sensitive   = true
}

variable "vault_mount" {
  description = "Where the vault's key-value engine, version 2, is mounted."
  type        = string
  default     = "secret"
}

variable "vault_path" {
  description = "Under which path the secrets are stored, each as an entry named after the client id."
  type        = string
  default     = "justiam/applications"
}

variable "max_age_days" {
  description = "Client secrets that are older get a successor."
  type        = number
  default     = 90
}

variable "excluded_applications" {
  description = "Names of OIDC applications whose secrets are left as they are."
  type        = list(string)
  default     = []
}

variable "rotate_now" {
  description = "Names of OIDC applications that get a new secret in every run, whatever their age: for one run, after a failure."
  type        = list(string)
  default     = []
}

variable "dry_run" {
  description = "Only say which applications would get a new secret."
  type        = bool
  default     = true
}

resource "justiam_scheduled_task" "rotate_application_secrets" {
  name           = "Rotate application secrets"
  description    = "New client secrets for OIDC applications, stored in the vault."
  task_type      = "script"
  schedule_type  = "cron"
  cron_expr      = "0 4 * * SUN"
  overlap_policy = "skip"
  script         = file("${path.module}/script.go")
  task_config = {
    vault_url             = var.vault_url
    vault_mount           = var.vault_mount
    vault_path            = var.vault_path
    max_age_days          = tostring(var.max_age_days)
    excluded_applications = jsonencode(var.excluded_applications)
    rotate_now            = jsonencode(var.rotate_now)
    dry_run               = tostring(var.dry_run)
  }
  secrets = {
    VAULT_TOKEN = var.vault_token
  }
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.rotate_application_secrets.id
}
