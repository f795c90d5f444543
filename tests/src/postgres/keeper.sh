# Keeps one temporary PostgreSQL server: keeper.sh PROGRAMS PARENT [OPTION OF postgres]...
# It obeys the words that come on stdin and answers each with one on stdout. When stdin ends, because the tests have ended in
# whatever way, it stops the server and removes all that was there.
set -u
# Whoever interrupts the tests interrupts this too; it must outlive them.
trap '' HUP INT TERM
programs=$1 parent=$2
shift 2
umask 077
folder=$(mktemp -d "$parent/justiam-postgres.XXXXXX") || exit 1
exec 2>"$folder/log"
server=

# Linguistic order, unlike SQLite's: what relies on the order of bytes must say so.
make() {
    "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions "$@" >&2
}

# A server that was killed leaves children for a moment, and they keep the next one from starting.
start() {
    tries=0
    while [ "$tries" -lt 200 ]; do
        "$programs/postgres" -D "$folder/data" -k "$folder" "$@" </dev/null >&2 &
        server=$!
        while kill -0 "$server"; do
            "$programs/pg_isready" -q -h "$folder" && return 0
        done
        server=
        tries=$((tries + 1))
    done
    return 1
}

stop() {
    [ -z "$server" ] || { kill -"$1" "$server" && wait "$server"; }
    server=
}

make --locale-provider=icu --icu-locale=en-US || make || { echo "initdb failed, see $folder/log"; exit 1; }
echo "$folder"
while read -r word; do
    case $word in
    start) { [ -n "$server" ] || start "$@"; } && echo started || echo failed ;;
    fast) stop INT; echo stopped ;;
    immediate) stop QUIT; echo stopped ;;
    kill) stop KILL; echo stopped ;;
    esac
done
stop QUIT
rm -rf "$folder"
