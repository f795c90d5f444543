# By id, a number.
terraform import justiam_connected_system.hr 3

# By name, exactly as the server has it.
terraform import justiam_connected_system.hr "HR"
