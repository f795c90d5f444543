terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The token comes from JUSTIAM_TOKEN in the environment.
provider "justiam" {
  endpoint = "https://iam.example.com"
}
