#!/bin/bash
# One share of an extraction in each task of an array, and after the last of them the corpus. On the login node, from a
# folder that all nodes see:
#
#     shares=$(sbatch --parsable --array=1-16 deploy/slurm.sh talks.csv talks.parquet 16)
#     sbatch --dependency=afterany:$shares deploy/slurm.sh talks.csv talks.parquet
#
# After any end of them: a share in which one recording could not be read counts as failed, and the corpus is made of the
# others. A task is run again alone (--array=7): parts that exist are kept.
#SBATCH --job-name=crossspace
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --output=%x-%A_%a.log
set -euo pipefail

source=$1
target=$2

if [[ -z ${SLURM_ARRAY_TASK_ID:-} ]]; then
    exec crossspace merge "$target"
fi
# The number of shares is said and not asked of Slurm, which would count only the tasks of this very array.
exec crossspace extract "$source" "$target" \
    --shard "$SLURM_ARRAY_TASK_ID/$3" --jobs "${SLURM_CPUS_PER_TASK:-1}" --quiet
