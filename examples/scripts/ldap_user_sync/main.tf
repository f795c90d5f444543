terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "provider_id" {
  description = "Id of the federated provider of type ldap that the users belong to."
  type        = string
}

variable "ldap_url" {
  description = "Address of the directory."
  type        = string
  default     = "ldaps://ldap.example.com"
}

variable "ca_certificate" {
  description = "Who signed the directory's certificate, as a PEM text, where it is nobody that the server's machine knows."
  type        = string
  default     = ""
}

variable "allow_plaintext" {
  description = "Allows ldap://, which sends the password readable for everybody on the way."
  type        = bool
  default     = false
}

variable "bind_dn" {
  description = "Who reads the directory."
  type        = string
  default     = "cn=justiam,ou=services,dc=example,dc=com"
}

variable "bind_password" {
  description = "Their password."
  type        = string
  sensitive   = true
}

variable "base_dn" {
  description = "Below which entry the users are."
  type        = string
  default     = "dc=example,dc=com"
}

variable "filter" {
  description = "Which entries are users: &, |, ! and attribute=value, attribute=*, attribute:rule:=value."
  type        = string
  default     = "(&(objectClass=person)(mail=*))"
}

variable "id_attribute" {
  description = "The attribute that stays when somebody is renamed; objectGUID in Active Directory."
  type        = string
  default     = "entryUUID"
}

variable "group_map" {
  description = "Groups of the directory, by distinguished name, and the groups here whose members they are."
  type        = map(string)
  default     = {}
}

variable "dry_run" {
  description = "Only say what would change."
  type        = bool
  default     = true
}

resource "justiam_scheduled_task" "ldap_user_sync" {
  name           = "LDAP user sync"
  description    = "Users below ${var.base_dn} of ${var.ldap_url}."
  task_type      = "script"
  schedule_type  = "cron"
  cron_expr      = "*/30 * * * *"
  overlap_policy = "skip"
  script         = file("${path.module}/script.go")
  task_config = {
    provider_id          = var.provider_id
    ldap_url             = var.ldap_url
    ca_certificate       = var.ca_certificate
    allow_plaintext      = tostring(var.allow_plaintext)
    bind_dn              = var.bind_dn
    base_dn              = var.base_dn
    filter               = var.filter
    id_attribute         = var.id_attribute
    email_attribute      = "mail"
    first_name_attribute = "givenName"
    last_name_attribute  = "sn"
    group_attribute      = "memberOf"
    group_map            = jsonencode(var.group_map)
    page_size            = "500"
    dry_run              = tostring(var.dry_run)
  }
  secrets = {
    LDAP_PASSWORD = var.bind_password
  }
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.ldap_user_sync.id
}
