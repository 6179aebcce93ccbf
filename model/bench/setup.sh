#!/usr/bin/env bash
# Installs what sim2reald is measured against (PyTorch, timm, ONNX Runtime for Python) into build/bench-venv. Neither
# the daemon nor any test needs it.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=build/bench-venv
lock=model/bench/requirements.lock
want=$(sha256sum <"$lock")

say() { printf 'bench-setup: %s\n' "$*" >&2; }

if [ "$(cat "$environment/locked" 2>/dev/null)" = "$want" ]; then
  say "$environment is up to date"
  exit
fi
command -v python3.11 >/dev/null || { say "python3.11 is missing; on Debian 12: apt-get install python3 python3-venv"; exit 1; }
say "installing PyTorch, timm and ONNX Runtime into $environment: 3 GB to fetch, 6 GB on the disk, and it takes"
say "minutes. PyPI has PyTorch for Linux with CUDA alone; the measurements run on the CPU."
free=$(df --output=avail -k . | tail -1)
if [ "$free" -lt $((8 << 20)) ]; then
  say "$((free >> 20)) GiB are free here; 8 are needed"
  exit 1
fi
rm -rf "$environment"
mkdir -p build
python3.11 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
echo "$want" >"$environment/locked"
say "done"
