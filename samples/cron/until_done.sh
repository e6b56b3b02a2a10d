#!/bin/sh
# until_done.sh ROSTER OPTIONS... runs `bulkagent apply ROSTER OPTIONS... --or-resume`.
#
# An outage, a deadline or a signal stops it with exit 5, 129, 130 or 143. Then the same run goes on
# after a pause, TRIES times in all. Any other exit code is the end, and is the exit code of this
# script. 3 and 6 are for a person.
#
# It ends with 5 at once, and sends nothing, where another one is at work on this roster: another
# until_done.sh (also in its pause), or a run of somebody else. To try again after such a run would
# set everybody once more. `flock` is of util-linux.

exec 9< "$1" || exit 2
flock -n 9 || {
    echo "another $(basename "$0") is at work on $1; nothing was sent" >&2
    exit 5
}

tries=${TRIES:-4}
pause=${PAUSE:-180}
while :; do
    said=$(bulkagent apply "$@" --or-resume --json)
    code=$?
    tries=$((tries - 1))
    case $code in
    5 | 129 | 130 | 143) [ "$tries" -gt 0 ] || exit "$code" ;;
    *) exit "$code" ;;
    esac
    case "$code $said" in
    5*'"state":"refused"'*) exit 5 ;; # nothing was begun: somebody else's run is in progress
    esac
    sleep "$pause" 9<&-
done
