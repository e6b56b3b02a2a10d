#!/bin/sh
# Runs `bulkagent apply ARGUMENTS --or-resume`. An outage, a deadline or a signal stops it with exit 5,
# 129, 130 or 143. Then the same run goes on after a pause, TRIES times in all. Any other exit code
# is the end, and is the exit code of this script. 3 and 6 are for a person.
#
# Only a stopped run is begun again. A second line in the crontab instead would set everybody once
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
