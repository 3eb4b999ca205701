#!/usr/bin/env bash
# The wheel in an empty environment, without extras and outside of the repository, trains every model with a small recipe.
#
#     bash benchmarks/without_extras.sh WHEEL [PYTHON]
set -euo pipefail
wheel=$(realpath "$1")
python=${2:-}
cd "$(mktemp -d)"
unset PYTHONPATH
if [ -z "$python" ]; then
  python3 -m venv env
  python=$PWD/env/bin/python
  "$python" -m pip install --quiet "$wheel"
fi
crossspace() { "$python" -m crossspace "$@"; }
crossspace data synthesize corpus.parquet --train 16 --validation 4 --test 4
for recipe in $(crossspace list recipes | grep -o '[a-z0-9-]*-small'); do
  crossspace train --recipe "$recipe" --data corpus.parquet --training.epochs 1 --out "runs/$recipe" --quiet > /dev/null 2>&1
  crossspace predict "runs/$recipe" corpus.parquet --split test --out "$recipe.csv"
done
crossspace doctor --quick > /dev/null
echo "$(ls ./*.csv | wc -l) models"
