#!/bin/sh
# restore.sh DIRECTORY: put a backup back, replacing the database of that name. As a superuser, every process stopped.
set -eu
from=${1:?usage: restore.sh DIRECTORY}
test -s "$from/data.dump"
psql -X -q -d postgres -f "$from/roles.sql" >/dev/null 2>&1 || true # roles that are there already are errors that do not matter
pg_restore --exit-on-error --clean --if-exists --create -d postgres "$from/data.dump"
echo "restored. Nothing may run on it before: frontdesk migrate --restored"
