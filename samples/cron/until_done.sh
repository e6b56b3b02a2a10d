#!/bin/sh
# Runs `bulkagent apply ARGUMENTS --or-resume` and, where it was stopped by an outage, a deadline or a
# signal (exit 5, 129, 130, 143), goes on with the same run after a pause: TRIES times in all.
# Anything else is the end of it, with bulkagent's own exit code: 3 and 6 are for a person.
#
# Only what was stopped is begun again. A second line in the crontab instead would set everybody once
# more after a run that was completed.

tries=${TRIES:-4}
pause=${PAUSE:-180}
while :; do
    bulkagent apply "$@" --or-resume
    code=$?
    tries=$((tries - 1))
    case $code in
    5 | 129 | 130 | 143) [ "$tries" -gt 0 ] || exit "$code" ;;
    *) exit "$code" ;;
    esac
    sleep "$pause"
done
