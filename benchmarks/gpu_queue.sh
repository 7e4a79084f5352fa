#!/usr/bin/env bash
# One step of gpu_queue.md. Usage: benchmarks/gpu_queue.sh STEP [MINUTES]
# STEP: speed generator together tests train anneal fast anneal-fast
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-runs/gpu}
DATA=${DATA:-../shared/data}
MINUTES=${2:-9}
SAMPLES=${SAMPLES:-20000}
# States of trainings, which are too large to bring back.
RUNS=${RUNS:-$(mktemp -d)}
# What a new run of each begins with.
QUALITY=core/platematte/weights/quality-9.safetensors
FAST=core/platematte/weights/fast-3.safetensors
export PYTHONPATH=$PWD/core${PYTHONPATH:+:$PYTHONPATH} PLATEMATTE_LOG=info
mkdir -p "$OUT" "$RUNS"
train() { python3 -m platematte.cli.main train --data "$DATA" --device cuda --minutes "$MINUTES" "$@"; }
go_on() {
    local name=$1
    # Without a state that was kept it begins from nothing.
    if [ ! -d "$OUT/$name" ] && [ -d "training_state/$name" ]; then
        cp -r "training_state/$name" "$OUT/$name"
    fi
    train --out "$OUT/$name" --architecture "$name" --batch 32 --ahead 16 --pack "$OUT/packed/$name" "${@:2}"
}
aside() {
    local name=$1
    train --threads 2 --out "$RUNS/$name" "${@:2}" >"$RUNS/$name.log" 2>&1
    cp "$RUNS/$name/log.jsonl" "$OUT/$name.jsonl"
    # Files of at most 15 MB: the seed's weights are 34.
    split -b 15M "$RUNS/$name/weights.safetensors" "$OUT/$name.safetensors."
}
case "${1:-}" in
speed)
    # All precisions, eager and recorded, ours and the baselines, in one run.
    python3 benchmarks/speed_networks.py --device cuda --rounds 9
    ;;
generator) python3 benchmarks/generator.py --device cuda --batch 1024 --seconds 3 --data "$DATA" ;;
together)
    equal=(--generator 3 --side 192 --batch 4 --ahead 64 --samples "$SAMPLES" --rate-end 1e-5)
    on=(--batch 32 --ahead 16 --rate 8e-4 --rate-end 3e-4)
    aside quality --seed 71 --begin-from "$QUALITY" "${on[@]}" &
    aside fast --seed 72 --begin-from "$FAST" --architecture fast "${on[@]}" &
    aside one --batch 32 --ahead 16 --rate 2.5e-3 --rate-end 1e-5 &
    aside ours "${equal[@]}" &
    aside seed --architecture seed "${equal[@]}" &
    wait
    tail -qn 1 "$OUT"/*.jsonl
    ;;
tests)
    python3 -m pytest -q -p no:cacheprovider -k gpu tests/core/network/test_recorded.py tests/core/live/test_model.py
    python3 benchmarks/speed.py --only pipeline --device cuda --frames 3
    ;;
train) go_on quality ;;
anneal) go_on quality --rate-end 1e-5 ;;
fast) go_on fast --begin-from "$FAST" ;;
anneal-fast) go_on fast --begin-from "$FAST" --rate-end 1e-5 ;;
*) sed -n 2,3p "$0"; exit 2 ;;
esac
