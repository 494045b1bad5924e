# The one entrance. `make help` lists the targets; CI calls `make test` and nothing else.
#
# Every target first runs scripts/setup, which fetches what is missing into a cache outside of the tree and takes a
# fraction of a second when nothing is. Variables: ENVOY, FUZZ_SECONDS, FUZZ_TARGETS, MESHLANE_CACHE, KEEP.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

CACHE_HOME := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
export MESHLANE_CACHE ?= $(CACHE_HOME)/meshlane

TOOLS := $(MESHLANE_CACHE)/tools/bin
CARGO := cargo
WASM := wasm32-unknown-unknown

# A crate in crates/ is pure: it is tested on both targets. One in filters/ is compiled to Wasm only.
PURE := $(patsubst crates/%/Cargo.toml,-p meshlane-%,$(wildcard crates/*/Cargo.toml))
FILTERS := -p meshlane-host $(patsubst filters/%/Cargo.toml,-p meshlane-filter-%,$(filter-out filters/host/%,$(wildcard filters/*/Cargo.toml)))
MODULES := $(patsubst e2e/modules/%/Cargo.toml,-p meshlane-module-%,$(wildcard e2e/modules/*/Cargo.toml))

# One selection of packages and features for everything that is native, so that dependencies are built once.
ALL := --workspace --all-features --locked

.PHONY: help
help: # lists the targets
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) ":" } /^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ targets

.PHONY: setup
setup: ## Fetches the toolchain, the pinned tools and stock Envoy into the cache
	@scripts/setup test-tools envoy=oldest,newest

.PHONY: build
build: wasm ## Builds the modules into target/wasm and the command line tool
	$(CARGO) build --locked --profile tool -p meshlane

.PHONY: wasm
wasm: toolchain ## Builds the Wasm modules into target/wasm
	$(CARGO) run --quiet --locked -p xtask -- wasm

.PHONY: demo
demo: ENVOY ?= newest
demo: wasm ## Tags and routes real requests in a stock Envoy; KEEP=1 stays up
	@scripts/setup envoy='$(ENVOY)'
	$(with_envoy) $(CARGO) run --quiet --locked -p meshlane-e2e --bin demo

.PHONY: bench
bench: ENVOY ?= newest
bench: wasm ## Measures CPU time per request: no filter, native, Lua, Wasm
	@scripts/setup envoy='$(ENVOY)'
	$(with_envoy) $(CARGO) run --quiet --locked --profile measure -p meshlane-e2e --bin bench

.PHONY: test
test: setup fmt-check deny clippy clippy-wasm doc test-native test-wasm imports gen-fresh e2e ## Everything that must hold before a change is merged
	@echo "make test: everything holds"

##@ what `make test` consists of

.PHONY: fmt-check
fmt-check: toolchain ## Formatting
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check

.PHONY: deny
deny: test-tools ## Dependencies: what is banned, licences, sources
	$(TOOLS)/cargo-deny --locked --workspace check --hide-inclusion-graph bans licenses sources

.PHONY: clippy
clippy: toolchain ## Lints, natively
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings

.PHONY: clippy-wasm
clippy-wasm: toolchain ## Lints of what runs in Envoy, for wasm32
	$(CARGO) clippy --locked --target $(WASM) --all-targets $(PURE) $(FILTERS) $(MODULES) -p meshlane-proto -- -D warnings

.PHONY: doc
doc: toolchain ## Documentation, without broken links
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(ALL) --no-deps

.PHONY: test-native
test-native: toolchain ## Unit and documentation tests, natively
	$(CARGO) test $(ALL) --exclude meshlane-e2e

.PHONY: test-wasm
test-wasm: test-tools ## The tests of the pure crates, compiled to Wasm, under node
	CARGO='$(CARGO)' RUNNER='$(TOOLS)/wasm-bindgen-test-runner' scripts/test-wasm $(PURE)

.PHONY: imports
imports: wasm ## What the modules ask of the host, and their size
	$(CARGO) run --quiet --locked -p xtask -- imports
	$(CARGO) run --quiet --locked -p xtask -- sizes

.PHONY: gen-fresh
gen-fresh: toolchain ## Generated files are up to date
	$(CARGO) run --quiet --locked -p xtask --features gen -- gen --check

.PHONY: e2e
e2e: ENVOY ?= oldest,newest
e2e: wasm ## Scenarios on stock Envoy; ENVOY=all, or versions, instead of oldest and newest
	@scripts/setup envoy='$(ENVOY)'
	$(with_envoy) $(CARGO) test --locked -p meshlane-e2e

##@ others

.PHONY: fmt
fmt: toolchain ## Formats the code
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

.PHONY: gen
gen: toolchain ## Writes the generated files anew
	$(CARGO) run --quiet --locked -p xtask --features gen -- gen

.PHONY: fuzz
fuzz: toolchain ## Runs every fuzz target for FUZZ_SECONDS (10) from its seeds; FUZZ_TARGETS picks some
	@scripts/setup fuzz-tools
	@TOOLS='$(TOOLS)' scripts/fuzz $(FUZZ_TARGETS)

.PHONY: clean
clean: ## Removes what was built; the cache stays
	$(CARGO) clean
	rm -rf target fuzz/target fuzz/artifacts fuzz/coverage

.PHONY: toolchain
toolchain:
	@scripts/setup

.PHONY: test-tools
test-tools:
	@scripts/setup test-tools

# The versions are resolved in the recipe, when setup has vouched for bash and awk.
with_envoy = MESHLANE_ENVOY_VERSIONS="$$(scripts/setup list '$(ENVOY)' | xargs)"
