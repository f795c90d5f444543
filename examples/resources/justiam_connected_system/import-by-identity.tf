# By identity, with Terraform 1.12 and later.
import {
  to = justiam_connected_system.hr
  identity = {
    id = 3
  }
}
