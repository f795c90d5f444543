# A plan fails whose expression its author may have misread.
variable "backup" {
  type    = string
  default = "30 2 * * MON-FRI"

  validation {
    condition     = length(provider::justiam::cron_parse(var.backup).warnings) == 0
    error_message = "The expression means something else than it seems to."
  }
}

# What an expression says, without a server.
output "weekdays" {
  value = provider::justiam::cron_parse(var.backup).days_of_week
}
