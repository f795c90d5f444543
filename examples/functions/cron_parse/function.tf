# What an expression says, without a server.
output "weekdays" {
  value = provider::justiam::cron_parse("0 9-17 * * MON-FRI").days_of_week
}

# Fails a plan whose expression its author may have misread.
check "expression" {
  assert {
    condition     = length(provider::justiam::cron_parse("0 3 13 * *").warnings) == 0
    error_message = "The expression means something else than it seems to."
  }
}
