data "justiam_connected_system" "hr" {
  name = "HR"
}

# For a step of a schedule whose connected system is managed elsewhere.
data "justiam_run_profile" "hr_full_import" {
  connected_system_id = data.justiam_connected_system.hr.id
  name                = "Full import"
}

output "hr_full_import" {
  value = data.justiam_run_profile.hr_full_import.id
}
