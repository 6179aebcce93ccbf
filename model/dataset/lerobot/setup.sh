#!/usr/bin/env bash
# Installs LeRobot's own reader into build/lerobot-venv, beside the PyTorch of build/bench-venv, which `make bench-setup`
# installs before. Neither the daemon nor any test needs it.
set -euo pipefail
cd "$(dirname "$0")/../../.."

environment=build/lerobot-venv
lock=model/dataset/lerobot/requirements.lock
want=$(cat "$lock" model/bench/requirements.lock | sha256sum)

say() { printf 'lerobot-setup: %s\n' "$*" >&2; }

# torchcodec decodes with Debian's FFmpeg, of which OpenCV brings all but this.
if [ "$(dpkg-query -W -f '${db:Status-Status}' libavdevice59 2>/dev/null)" != installed ]; then
  say "Debian's package that is missing: libavdevice59"
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "installing it needs root, and there is no sudo; as root: apt-get install libavdevice59"; exit 1; }
    root=(sudo)
  fi
  "${root[@]}" apt-get update -q
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends libavdevice59
fi
if [ "$(cat "$environment/locked" 2>/dev/null)" = "$want" ]; then
  say "$environment is up to date"
  exit
fi
say "installing LeRobot into $environment: 130 MB to fetch, 0.5 GB on the disk"
rm -rf "$environment"
python3.11 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
# Its own packages come first, then those that it shares.
echo "$PWD/build/bench-venv/lib/python3.11/site-packages" >"$environment/lib/python3.11/site-packages/zz-bench.pth"
echo "$want" >"$environment/locked"
say "done"
