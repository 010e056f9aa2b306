# Thin: meson does the work. `make help` lists the targets.
BUILD  ?= build
PREFIX ?= /usr/local

.PHONY: help deps build demo check check-peers bench install clean

help:
	@echo "make demo         build and replay real programs' traces: results/quickstart"
	@echo "make check        build and run every test, twice: plain and with sanitizers"
	@echo "make build        build only: build/sim/cli/pagetide"
	@echo "make deps         install what is missing (Debian, as root), or say what to install"
	@echo "make check-peers  hold the counts against other simulators' (needs their traces)"
	@echo "make bench        speed and memory, as ratios to inflating the trace in the same run"
	@echo "make install      binary, man pages, presets; PREFIX=$(PREFIX), DESTDIR honoured"
	@echo "make clean        remove build folders and results/"

deps:
	@.ci/deps $(if $(filter deps,$(MAKECMDGOALS)),all)

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --buildtype=release
	@ninja -C $(BUILD)

demo: build
	$(BUILD)/sim/cli/pagetide run configs/quickstart.yaml
	@echo
	@echo "The results are CSV files; open results/quickstart/summary.csv first."

check: deps
	@.ci/check

check-peers: build
	@tests/peers/run.sh $(BUILD)/sim/cli/pagetide || [ $$? -eq 77 ]

bench: build
	@ninja -C $(BUILD) bench/measure bench/inflate bench/drmemtrace bench/curves bench/policies >/dev/null
	@bench/run.sh $(BUILD)/sim/cli/pagetide $(BUILD)/bench
	@$(BUILD)/bench/curves traces/sqlite.tide traces/words.tide
	@$(BUILD)/bench/policies traces/sort.tide traces/sqlite.tide traces/tcc.tide

install: build
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-sanitize results
