# The next five backups, in Zurich's time.
output "next_backups" {
  value = [
    for instant in provider::justiam::cron_next("30 2 * * *", "Europe/Zurich", plantimestamp(), 5) :
    formatdate("EEE DD MMM YYYY hh:mm ZZZ", instant)
  ]
}

# The first of them as an instant, for comparisons with `timecmp`.
output "first_backup" {
  value = one(provider::justiam::cron_next("30 2 * * *", "Europe/Zurich", "2026-01-01T00:00:00Z", 1))
}
