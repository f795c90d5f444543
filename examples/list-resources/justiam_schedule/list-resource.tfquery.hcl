# All schedules with this word in their name or description. Terraform 1.14 and later: `terraform query`.
list "justiam_schedule" "nightly" {
  provider = justiam

  config {
    search = "nightly"
  }
}
