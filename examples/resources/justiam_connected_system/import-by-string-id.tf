# The id is the connected system's number or its exact name.
import {
  to = justiam_connected_system.hr
  id = "HR"
}
