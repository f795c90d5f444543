# What the two commands need, and how to get it. Sourced, not run.
# Rust and Terraform are the reader's choice: where one is absent, this says how to get it. The rest comes from apt where this is root.

missing() {
    printf '\n%s is missing.\n%s\n' "$1" "$2" >&2
    exit 1
}

# from_apt PACKAGE: installs a Debian package where this is root and there is apt.
from_apt() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then return; fi
    echo "installing $1"
    {
        DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1"
    } >/dev/null 2>"${TMPDIR:-/tmp}/justiam-apt.$$" || {
        cat "${TMPDIR:-/tmp}/justiam-apt.$$" >&2
        rm -f "${TMPDIR:-/tmp}/justiam-apt.$$"
        missing "The package \`$1\`" "apt could not install it; see above."
    }
    rm -f "${TMPDIR:-/tmp}/justiam-apt.$$"
}

# have PROGRAM PACKAGE: installs a Debian package for a program that is not there.
have() {
    command -v "$1" >/dev/null 2>&1 && return
    from_apt "$2"
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

# What the release script packs with.
need_zip() { have zip zip; }

# What tests look into saved plans with.
need_unzip() { have unzip unzip; }

# The programs of PostgreSQL, for temporary servers of the tests' own. Sets POSTGRES, which prints its version.
need_postgres() {
    find_postgres && return
    # The package would make a cluster for the whole system and start it; nobody asked for one.
    local no_cluster=/etc/postgresql-common/createcluster.d/justiam-tests.conf
    if mkdir -p "${no_cluster%/*}" 2>/dev/null; then echo 'create_main_cluster = off' >"$no_cluster"; fi
    # In a shell of its own, which ends where apt fails: the file must go in any case.
    (from_apt postgresql) || { rm -f "$no_cluster" && exit 1; }
    rm -f "$no_cluster"
    find_postgres ||
        missing "PostgreSQL 15 or newer" "The tests start servers of their own with its programs. On Debian or Ubuntu: sudo apt-get install postgresql. Elsewhere: install it so that \`pg_config --bindir\` names the folder of \`initdb\` and \`postgres\`."
}

find_postgres() {
    local folder version
    for folder in "$(pg_config --bindir 2>/dev/null)" /usr/lib/postgresql/*/bin; do
        POSTGRES=$folder/postgres
        [ -x "$POSTGRES" ] && [ -x "$folder/initdb" ] || continue
        version=$("$POSTGRES" --version | sed 's/^[^0-9]*//; s/[^0-9].*//')
        if [ "${version:-0}" -ge 15 ]; then return; fi
    done
    return 1
}

# The terminal's own settings of server, provider and Terraform must not reach what is shown or tested.
forget_settings() {
    local name
    for name in "${!JUSTIAM_@}" "${!TF_@}" JWT_SECRET JWT_SECRET_OLD; do unset "$name"; done
}
