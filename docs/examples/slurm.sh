#!/bin/bash
# A training on the GPUs of one or more nodes under Slurm, which goes on when its time is over:
#
#   sbatch docs/examples/slurm.sh recipes/dr_best.yaml output.folder=/scratch/me/runs
#
# Recipe, output folder and cache (GANFORGE_CACHE) must lie on a file system that all nodes share.
#SBATCH --job-name=ganforge
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
# five minutes ahead of the limit all processes save their step and end with 140
#SBATCH --signal=USR2@300
#SBATCH --requeue
#SBATCH --open-mode=append

if [ $# -eq 0 ]; then
    echo "usage: sbatch $0 RECIPE [KEY=VALUE ...]" >&2
    exit 2
fi

# where the processes meet: the first node, at a port that other jobs there don't take
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_ADDR
export MASTER_PORT=$((20000 + SLURM_JOB_ID % 40000))
export WORLD_SIZE=$SLURM_NTASKS

# shellcheck disable=SC2016 # each task expands its own numbers
srun --kill-on-bad-exit=1 bash -c \
    'RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID exec ganforge run "$@" --resume auto' ganforge "$@"
code=$?

if [ "$code" -eq 140 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
