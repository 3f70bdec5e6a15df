#!/usr/bin/env bash
# Measures and checks everything that needs a GPU, in one go:  bash scripts/gpu-check.sh [FOLDER]
# FOLDER, or $OUT, or runs/gpu-check, gets a file of its own for each section as soon as the section ends, and summary.txt. A section
# that fails or runs out of time does not stop the next. With the default limits it takes ten minutes at most.
#
#   ADAPTER=lavapipe            another adapter than a GPU
#   SECTIONS="fixtures peers"   only these
#   LIMIT_PEERS=300             seconds for one section; LIMIT for all of them
#   ROUNDS=3                    interleaved rounds of the bench
#   OP_RUNS=6                   random problems for each operation
#   MINUTES=0.5 PRESET=quick    how long the pictures are trained for, and which networks
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

out=${1:-${OUT:-runs/gpu-check}}
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
export PIXTAPE_ADAPTER=${ADAPTER:-gpu} NO_COLOR=1 npm_config_update_notifier=false
sections=${SECTIONS:-environment build fixtures operators convolutions matrices peers steps isa training}
rounds=${ROUNDS:-3}
failed=0

# What a hung driver may take at most; macOS has no timeout(1).
limit() {
  if command -v timeout >/dev/null; then timeout --kill-after=10 "$@"; else shift && "$@"; fi
}

# section NAME SECONDS COMMAND…
section() {
  local name=$1 seconds=$2 variable began=$SECONDS status
  shift 2
  case " $sections " in *" $name "*) ;; *) return ;; esac
  variable=LIMIT_$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')
  seconds=${!variable:-${LIMIT:-$seconds}}
  limit "$seconds" "$@" </dev/null >"$out/$name.txt" 2>&1
  status=$?
  case $status in
    0) printf 'ok      ' ;;
    124 | 137) printf 'TIMEOUT ' ;;
    *) printf 'FAILED  ' ;;
  esac >>"$out/summary.txt"
  [ $status -eq 0 ] || failed=$((failed + 1))
  printf '%-13s %4s s of %s, exit status %s: %s\n' \
    "$name" $((SECONDS - began)) "$seconds" $status "$name.txt" >>"$out/summary.txt"
  tail -n 1 "$out/summary.txt"
}

environment() {
  date -u
  uname -a
  node --version
  git log -1 --format='%h %s' 2>/dev/null
  if command -v nvidia-smi >/dev/null; then nvidia-smi; fi
  npm run --silent doctor
}

# Their tests open the device that PIXTAPE_ADAPTER names.
tests() {
  OP_RUNS=${OP_RUNS:-12} npx vitest run --reporter=verbose "$@"
}

bench() {
  npm run --silent bench -- "$@" --adapter "$PIXTAPE_ADAPTER" --rounds "$rounds" --out "$out"
}

# What the compiler of another GPU makes of the same kernels, to read beside what was measured; it takes RADV and lavapipe.
isa() {
  if ! npm run --silent bench -- isa --no-steps --out "$out"; then
    echo "no compiler here; the last table that was committed:"
    cat "$(ls bench/results/isa-*.md | tail -n 1)"
  fi
}

training() {
  npm run --silent pixtape -- train --data openmoji --preset "${PRESET:-tutorial}" --adapter "$PIXTAPE_ADAPTER" \
    --minutes "${MINUTES:-0.6}" --display_freq 20 --checkpoints_dir "$out" --name training
}

: >"$out/summary.txt"
export -f environment tests bench isa training
export out rounds
run() { section "$1" "$2" bash -c "${*:3}"; }

run environment 30 environment
run build 60 npm run --silent build
run fixtures 60 npm run --silent reference -- test/fixtures/depth*.safetensors test/fixtures/unet*.safetensors
run operators 90 tests test/engine/ops/ops.test.ts
run convolutions 90 tests test/engine/ops/conv/conv_variants.test.ts
run matrices 30 tests test/engine/ops/conv/matrix/driver.test.ts test/engine/ops/conv/matrix/operations.test.ts
run peers 80 bench peers
run steps 60 bench step host
run isa 40 isa
run training 60 training
# Pictures and report stay, without the gigabyte of weights.
if [ -d "$out/training" ]; then find "$out/training" -name '*.safetensors*' -delete; fi

echo "results: $out"
exit $((failed > 0))
