#!/usr/bin/env bash
# An epoch on the accelerator of this machine, in at most six minutes; installs nothing and prints JSON.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="src:.${PYTHONPATH:+:$PYTHONPATH}"
exec timeout 360 "${PYTHON:-python3}" -m benchmarks.gpu "$@"
