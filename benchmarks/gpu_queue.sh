#!/usr/bin/env bash
# One step of gpu_queue.md. Usage: benchmarks/gpu_queue.sh STEP [MINUTES]
# STEP: generator train anneal fast anneal-fast equal accuracy speed
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-runs/gpu}
DATA=${DATA:-../shared/data}
MINUTES=${2:-9}
SAMPLES=${SAMPLES:-20000}
# What the first slice of it begins with; a later one goes on with what it has itself.
FAST=core/platematte/weights/fast-3.safetensors
export PYTHONPATH=core${PYTHONPATH:+:$PYTHONPATH} PLATEMATTE_LOG=info
train() { python3 -m platematte.cli.main train --data "$DATA" --device cuda --minutes "$MINUTES" "$@"; }
go_on() {
    local name=$1
    # Without a state that was kept it begins from nothing.
    if [ ! -d "$OUT/$name" ] && [ -d "training_state/$name" ]; then
        mkdir -p "$OUT" && cp -r "training_state/$name" "$OUT/$name"
    fi
    train --out "$OUT/$name" --architecture "$name" --batch 32 --pack "$OUT/packed/$name" "${@:2}"
}
case "${1:-}" in
generator) python3 benchmarks/generator.py --device cuda --batch 64 --data "$DATA" ;;
train) go_on quality ;;
anneal) go_on quality --rate-end 1e-5 ;;
fast) go_on fast --begin-from "$FAST" ;;
anneal-fast) go_on fast --begin-from "$FAST" --rate-end 1e-5 ;;
equal)
    for name in quality mattingv2-mobilenetv2 seed; do
        MINUTES=$((MINUTES / 3)) train --out "$OUT/equal/$name" --architecture "$name" \
            --side 192 --samples "$SAMPLES" --rate-end 1e-5
    done
    ;;
accuracy)
    python3 benchmarks/accuracy.py --data "$DATA" --out "$OUT/accuracy.csv" \
        --networks "$OUT"/equal/*/weights.safetensors
    ;;
speed)
    for precision in fp32 fp16 bf16; do
        echo "== $precision"
        python3 benchmarks/speed.py --only pipeline --device cuda --precision "$precision"
    done
    # All precisions, ours and the baselines, in one run.
    python3 benchmarks/speed.py --only networks --device cuda --rounds 15
    ;;
*) sed -n 2,3p "$0"; exit 2 ;;
esac
