data "justiam_connected_system" "hr" {
  name = "HR"
}

output "people_without_a_user" {
  value = data.justiam_connected_system.hr.object_count - data.justiam_connected_system.hr.connectors_count
}
