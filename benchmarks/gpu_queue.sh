#!/usr/bin/env bash
# One step of gpu_queue.md. Usage: benchmarks/gpu_queue.sh train|anneal|accuracy|speed [MINUTES]
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-runs/gpu}
DATA=${DATA:-../shared/data}
MINUTES=${2:-9}
export PYTHONPATH=core${PYTHONPATH:+:$PYTHONPATH}
train() {
    [ -d "$OUT/state" ] || { mkdir -p "$OUT/state"; cp training_state/* "$OUT/state/"; }
    python3 -m platematte.cli.main train --out "$OUT/state" --data "$DATA" --device cuda \
        --batch 32 --minutes "$MINUTES" --rate "$1" --rate-end "$2"
}
case "${1:-}" in
train) train 6e-4 6e-4 ;;
anneal) train 6e-4 1e-5 ;;
accuracy) python3 benchmarks/accuracy.py --data "$DATA" --out "$OUT/accuracy.csv" ;;
speed)
    for precision in fp32 fp16 bf16; do
        echo "== $precision"
        python3 benchmarks/speed.py --device cuda --precision "$precision"
    done
    ;;
*) sed -n 2p "$0"; exit 2 ;;
esac
