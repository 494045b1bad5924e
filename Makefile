# The one entrance. `make help` lists the targets; CI calls `make test` and nothing else.
#
# Every target first runs scripts/setup, which fetches what is missing into a cache outside of the tree and takes a
# fraction of a second when nothing is. Variables: ANNOTATIONS, ENVOY, FUZZ_SECONDS, FUZZ_TARGETS, HIGRESS, KEEP,
# LAYOUT, MESHLANE_CACHE, SOAK.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

CACHE_HOME := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
SOAK ?= 120
export MESHLANE_CACHE ?= $(CACHE_HOME)/meshlane

TOOLS := $(MESHLANE_CACHE)/tools/bin
CARGO := cargo
WASM := wasm32-unknown-unknown

# A crate in crates/ is pure: it is tested on both targets. One in filters/ is compiled to Wasm only.
PURE := $(patsubst crates/%/Cargo.toml,-p meshlane-%,$(wildcard crates/*/Cargo.toml))
FILTERS := -p meshlane-host $(patsubst filters/%/Cargo.toml,-p meshlane-filter-%,$(filter-out filters/host/%,$(wildcard filters/*/Cargo.toml)))
SHIPPED := $(patsubst filters/%/Cargo.toml,target/wasm/%.wasm,$(filter-out filters/host/%,$(wildcard filters/*/Cargo.toml)))
MODULES := $(patsubst e2e/modules/%/Cargo.toml,-p meshlane-module-%,$(wildcard e2e/modules/*/Cargo.toml))

# Which features a dependency is built with depends on the packages that cargo is asked for. A part of `make test` that
# is called alone asks for no more than it needs. `make test` asks for the whole workspace each time, so that nothing
# is built twice.
ALL := --workspace --all-features --locked
UNIT = $(ALL) --exclude meshlane-e2e
XTASK = $(CARGO) run --locked -p xtask --
MESHLANE = $(CARGO) run --locked --profile tool -p meshlane --
GENERATOR = $(CARGO) run --locked -p xtask --features gen --
test: UNIT = $(ALL)
test: XTASK = $(CARGO) build $(ALL) --bin xtask && $(or $(CARGO_TARGET_DIR),target)/debug/xtask
test: MESHLANE = $(CARGO) build $(ALL) --bin meshlane && $(or $(CARGO_TARGET_DIR),target)/debug/meshlane
test: GENERATOR = $(XTASK)

.PHONY: help
help: # lists the targets
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) ":" } /^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ targets

.PHONY: setup
setup: ## Fetches the toolchain, the pinned tools, stock Envoy, Apache Dubbo, the rate limit service, a registry, Prometheus and Istio into the cache
	@scripts/setup test-tools package-tools envoy=oldest,newest dubbo ratelimit registry observability istio

.PHONY: build
build: wasm ## Builds the modules into target/wasm and the command line tool
	$(CARGO) build --locked --profile tool -p meshlane

.PHONY: wasm
wasm: toolchain ## Builds the Wasm modules into target/wasm
	$(XTASK) wasm

.PHONY: package
package: LAYOUT ?= image
package: wasm ## Makes the modules smaller and OCI images of them in target/package; LAYOUT=artifact, ANNOTATIONS='source=https://… revision=…'
	@scripts/setup package-tools
	$(MESHLANE) package --output target/package --layout '$(LAYOUT)' --wasm-opt '$(TOOLS)/wasm-opt' \
	    $(patsubst %,--annotation '%',$(ANNOTATIONS)) $(SHIPPED)

.PHONY: demo
demo: ENVOY ?= newest
demo: wasm ## Tags and routes real requests in a stock Envoy; KEEP=1 stays up
	@scripts/setup envoy='$(ENVOY)'
	$(CARGO) build --locked -p meshlane-e2e --bin demo
	$(with_envoy) $(CARGO) run --quiet --locked -p meshlane-e2e --bin demo

.PHONY: bench
bench: ENVOY ?= newest
bench: wasm ## Measures CPU time of Envoy: HTTP filters, routing by tag, lanes, rate limits, the Dubbo bridge, codecs; BENCH=http, route, lane, limit, dubbo or codec picks some
	@scripts/setup envoy='$(ENVOY)'
	$(CARGO) build --locked --profile measure -p meshlane-e2e --bin bench
	$(with_envoy) $(CARGO) run --quiet --locked --profile measure -p meshlane-e2e --bin bench

.PHONY: test
test: ENVOY ?= oldest,newest
test: setup fmt-check deny clippy clippy-wasm doc test-wasm imports gen-fresh dubbo ## Everything that must hold before a change is merged
	@scripts/setup envoy='$(ENVOY)'
	$(with_envoy) $(packaged) $(CARGO) test $(ALL)
	$(CARGO) test $(ALL) --test istio --no-run
	$(in_mesh) $(CARGO) test $(ALL) --test istio
	@echo "make test: everything holds"

##@ parts of `make test`

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
	@# It plays elsewhere, and is not among all targets.
	$(CARGO) clippy $(ALL) --test istio -- -D warnings

.PHONY: clippy-wasm
clippy-wasm: toolchain ## Lints of what runs in Envoy, for wasm32
	$(CARGO) clippy --locked --target $(WASM) --all-targets $(PURE) $(FILTERS) $(MODULES) -p meshlane-proto -- -D warnings

.PHONY: doc
doc: toolchain ## Documentation, without broken links
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(ALL) --no-deps

.PHONY: test-native
test-native: toolchain ## Unit and documentation tests, natively
	$(CARGO) test $(UNIT)

.PHONY: test-wasm
test-wasm: test-tools ## The tests of the pure crates, compiled to Wasm, under node
	CARGO='$(CARGO)' RUNNER='$(TOOLS)/wasm-bindgen-test-runner' scripts/test-wasm $(PURE)

.PHONY: imports
imports: package ## What the modules ask of the host, and their size
	$(XTASK) imports
	$(XTASK) sizes

.PHONY: gen-fresh
gen-fresh: toolchain ## Generated files are up to date
	$(GENERATOR) gen --check
	$(CARGO) test --quiet $(UNIT) --test cli generated

.PHONY: e2e
e2e: ENVOY ?= oldest,newest
e2e: package dubbo ratelimit registry observability ## Scenarios on stock Envoy; ENVOY=all, or versions, instead of oldest and newest
	@scripts/setup envoy='$(ENVOY)'
	$(with_envoy) $(packaged) $(CARGO) test --locked -p meshlane-e2e

.PHONY: e2e-istio
e2e-istio: package dubbo registry ## Scenarios under real Istio, in network namespaces; SOAK=seconds of the long one
	@scripts/setup istio
	$(CARGO) test --locked -p meshlane-e2e --test istio --no-run
	$(in_mesh) $(CARGO) test --locked -p meshlane-e2e --test istio

.PHONY: e2e-compose
e2e-compose: wasm dubbo ratelimit observability ## compose/compose.yaml, in containers of podman
	@scripts/setup envoy=newest compose
	$(CARGO) build --locked -p meshlane-e2e --bin hop
	@e2e/compose/build
	$(CARGO) test --locked -p meshlane-e2e --test compose --no-run
	CARGO_NET_OFFLINE=true e2e/compose/enter $(CARGO) test --locked -p meshlane-e2e --test compose

.PHONY: dubbo
dubbo: ## The Java and Go programs that the scenarios with real Dubbo run
	@scripts/setup dubbo
	@e2e/dubbo/build

.PHONY: ratelimit
ratelimit: ## The rate limit service of Envoy's project, and Redis, that the scenarios of rate limiting ask
	@scripts/setup ratelimit

.PHONY: observability
observability: ## Prometheus, and the types of Grafana's dashboards, that the tests of dashboard and alerts ask
	@scripts/setup observability

.PHONY: registry
registry: ## The image registry, and skopeo, that the scenarios of packaging push to and look into
	@scripts/setup registry

##@ others

.PHONY: e2e-full
e2e-full: ENVOY ?= all
e2e-full: package dubbo ratelimit registry observability ## All scenarios on every Envoy, with every combination of Dubbo versions and serializations
	@scripts/setup envoy='$(ENVOY)'
	$(with_envoy) $(packaged) $(CARGO) test --locked -p meshlane-e2e -- --include-ignored

.PHONY: vectors
vectors: dubbo ## Records the Dubbo test vectors anew, between real peers
	$(CARGO) build --locked -p meshlane-e2e --bin vectors
	e2e/dubbo/vectors/regenerate $(or $(CARGO_TARGET_DIR),target)/debug/vectors

.PHONY: migrate-vectors
migrate-vectors: toolchain ## Records anew what Dubbo, Sentinel and (HIGRESS=clone) Higress decide by rules that `meshlane migrate` converts
	@scripts/setup dubbo sentinel
	@e2e/migrate/build
	@e2e/migrate/record

.PHONY: fmt
fmt: toolchain ## Formats the code
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

.PHONY: gen
gen: toolchain ## Writes the generated files anew: protobuf code, schema, reference, what tests expect the tool to print
	$(GENERATOR) gen
	UPDATE_EXPECT=1 $(CARGO) test --quiet $(UNIT) --test cli

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

# No network, and nothing left behind. One scenario at a time: they count calls that fail, and a machine that is busy with
# others would add some.
in_mesh = RUST_TEST_THREADS=1 MESHLANE_SOAK_SECONDS='$(SOAK)' CARGO_NET_OFFLINE=true e2e/istio/enter

# The versions are resolved in the recipe, when setup has vouched for bash and awk.
with_envoy = MESHLANE_ENVOY_VERSIONS="$$(scripts/setup list '$(ENVOY)' | xargs)"

# What is tested is what ships.
packaged = MESHLANE_WASM_DIR='$(CURDIR)/target/package'
