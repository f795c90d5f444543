# What the two commands need, and how to get it. Sourced, not run.
# Rust and Terraform are the reader's choice: where one is absent, this says how to get it. The rest comes from apt where this is root.

missing() {
    printf '\n%s is missing.\n%s\n' "$1" "$2" >&2
    exit 1
}

# have PROGRAM PACKAGE: installs a Debian package for a program that is not there.
have() {
    command -v "$1" >/dev/null 2>&1 && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing $2"
        {
            DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
                DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2"
        } >/dev/null 2>"${TMPDIR:-/tmp}/justiam-apt.$$" || {
            cat "${TMPDIR:-/tmp}/justiam-apt.$$" >&2
            rm -f "${TMPDIR:-/tmp}/justiam-apt.$$"
            missing "\`$1\`" "apt could not install the package \`$2\`; see above."
        }
        rm -f "${TMPDIR:-/tmp}/justiam-apt.$$"
    fi
    command -v "$1" >/dev/null 2>&1 ||
        missing "\`$1\`" "On Debian or Ubuntu: sudo apt-get install $2. Elsewhere: install the program \`$1\` and put it on PATH."
}

need_rust() {
    command -v cargo >/dev/null 2>&1 ||
        missing "Rust" "Install Rust 1.95 or newer as https://www.rust-lang.org/tools/install says, then run this again."
}

need_terraform() {
    for TERRAFORM in terraform tofu; do
        if command -v "$TERRAFORM" >/dev/null 2>&1; then return; fi
    done
    missing "Terraform" "Install Terraform 1.5 or newer (https://developer.hashicorp.com/terraform/install) or OpenTofu (https://opentofu.org/docs/intro/install), then run this again."
}

# SQLite is compiled from its C source.
need_c_compiler() { have cc build-essential; }

# The interpreter that runs the scripts of tasks.
need_yaegi() { have yaegi yaegi; }

# The terminal's own settings of server, provider and Terraform must not reach what is shown or tested.
forget_settings() {
    local name
    for name in "${!JUSTIAM_@}" "${!TF_@}" JWT_SECRET; do unset "$name"; done
}
