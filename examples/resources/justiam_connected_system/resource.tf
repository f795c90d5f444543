# Users come from a file of the personnel department: it knows better.
resource "justiam_connected_system" "hr" {
  name        = "HR"
  description = "Who works here"

  csv = {
    file_path         = "/srv/justiam/hr.csv"
    id_column         = "employee_id"
    email_column      = "email"
    first_name_column = "first_name"
    last_name_column  = "last_name"
    active_column     = "active"
    groups_column     = "groups"

    attribute_columns = {
      department = "department"
    }
  }
}

# The server writes a file for somebody else: the server knows better.
resource "justiam_connected_system" "badges" {
  name      = "Badge readers"
  direction = "Outbound"

  csv = {
    file_path    = "/srv/justiam/badges.csv"
    delimiter    = ";"
    id_column    = "email"
    email_column = "email"
  }
}
