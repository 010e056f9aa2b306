# For the scripts here: each runs the program as a user would and speaks TAP.
# Usage: NAME.sh PAGETIDE SOURCE_ROOT

# scripts change folders
pagetide=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$2
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
count=0
failed=0
export TMPDIR="$tmp"
unset NO_COLOR

# run ARGS...: the program; $code, $tmp/out and $tmp/err afterwards
run()
{
    "$pagetide" "$@" >"$tmp/out" 2>"$tmp/err"
    code=$?
}

# ok NAME CONDITION...: one test point; what the program said goes to the log where it fails
ok()
{
    point=$1
    shift
    count=$((count + 1))
    if "$@"; then
        echo "ok $count - $point"
    else
        echo "not ok $count - $point"
        failed=1
        echo "# condition: $*; exit code $code"
        sed 's/^/# out: /' "$tmp/out"
        sed 's/^/# err: /' "$tmp/err"
    fi
}

has()
{
    grep -qF -- "$2" "$tmp/$1"
}

lacks()
{
    ! grep -qF -- "$2" "$tmp/$1"
}

empty()
{
    [ ! -s "$tmp/$1" ]
}

# fails NAME CODE TEXT ARGS...: exit code, the text on stderr, nothing on stdout
fails()
{
    what=$1 want=$2 text=$3
    shift 3
    run "$@"
    ok "$what: exit $want" [ "$code" -eq "$want" ]
    ok "$what: says so" has err "$text"
    ok "$what: no results" empty out
}

# equals NAME FILE: stdout is the same as the file, byte for byte
equals()
{
    ok "$1" cmp "$tmp/out" "$2"
}

skip()
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

finish()
{
    echo "1..$count"
    exit $failed
}
