#!/bin/sh
# backup.sh DIRECTORY: the whole database and its logins, as one consistent moment, while everything runs.
# As a superuser (row-level security hides rows from everybody else); where it is, PGHOST, PGPORT, PGUSER say.
set -eu
umask 077
to=${1:?usage: backup.sh DIRECTORY}
mkdir -p "$to"
pg_dumpall --roles-only --file "$to/roles.sql"
pg_dump --format=custom --file "$to/data.part" "${PGDATABASE:-frontdesk}"
pg_restore --list "$to/data.part" >/dev/null # it can be read
mv "$to/data.part" "$to/data.dump"
ls -l "$to"
