#!/usr/bin/env bash
# Installs SLURM and munge from Debian's packages, as root; the tests start and stop them.
set -euo pipefail
if command -v slurmctld slurmd munged sbatch >/dev/null; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "SLURM can only be installed by root, with apt-get: slurm-wlm and munge." >&2
    exit 1
fi
# At run level 1 the packages do not start their services.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -qq
apt-get install -y -qq --no-install-recommends slurm-wlm munge
