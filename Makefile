# SPDX-License-Identifier: Apache-2.0
#
# Go, make and git are all that is needed. Everything else is pinned in
# hack/tools and built into your cache folder when it is first wanted.
#
# Longer recipes are scripts in hack/, so that they can be read and run alone.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

MODULE  := github.com/rolecall/rolecall
# Expanded where it is used, so that `make help` asks git nothing.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS = -X $(MODULE)/internal/version.version=$(VERSION)
BIN     := bin

# The image that `make image` builds: its name, and for which platforms.
IMAGE     ?= ghcr.io/rolecall/rolecall
PLATFORMS ?= linux/amd64,linux/arm64

# Arguments for the program that `make run` starts: make run ARGS='--fresh'
ARGS ?=
# How long each fuzz target runs.
FUZZTIME ?= 10m
# How many decisions `make soak` compares with the oracle, and the seed of the
# first policy; each further one has the next.
DECISIONS ?= 10000000
SEED      ?= $(shell date +%s)
# Benchmarks that `make bench-go` runs, as a regular expression.
BENCH ?= .
# What `make bench` runs: parts, rounds, and users of the policies. RESUME=1 keeps
# the results that there are and runs only what they lack; BENCH_FLAGS are more of
# hack/bench/cmd/bench.
BENCH_PARTS ?= inproc,servers,kube,report
ROUNDS      ?= 6
SIZES       ?= 1000,10000,100000,1000000

# What shares memory between goroutines. The other packages are pure functions.
RACE_PACKAGES ?= ./controllers/... ./internal/certs/... ./internal/devcluster/... ./internal/expr/... ./internal/grants/... ./internal/identity/... ./internal/metrics/... \
	./internal/operator/... ./internal/persist/... ./internal/policy/... ./internal/server/... ./internal/source/... ./internal/store/... \
	./internal/testkit/... ./internal/wire/...

##@ Use

.PHONY: help
help: ## List the targets.
	@awk -f hack/help.awk $(MAKEFILE_LIST)

.PHONY: run
run: ## Start Rolecall with an API server of its own (ARGS='--fresh' and the like).
	@go build -ldflags '$(LDFLAGS)' -o $(BIN)/rolecall-dev ./cmd/rolecall-dev
	@exec $(BIN)/rolecall-dev $(ARGS)

.PHONY: build
build: ## Build the commands into bin/.
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

.PHONY: image
image: ## Build the container image for PLATFORMS into bin/image, with its bill of materials; needs no container engine.
	@go build -C hack/image -o '$(CURDIR)/$(BIN)/hack/image' .
	@$(BIN)/hack/image -name '$(IMAGE)' -version '$(VERSION)' -platforms '$(PLATFORMS)' -out $(BIN)/image

.PHONY: clean
clean: ## Remove what build made. Tools stay in your cache.
	rm -rf $(BIN)

##@ Change

.PHONY: generate
generate: ## Regenerate deep copies, CRDs, the RBAC role, the references and the code of .proto files.
	@hack/generate/generate.sh

.PHONY: fmt
fmt: ## Format the Go code (gofumpt, gci).
	@"$$(hack/tools/tool.sh golangci-lint)" fmt

.PHONY: lint
lint: ## Run the linters (.golangci.yml).
	@"$$(hack/tools/tool.sh golangci-lint)" run

.PHONY: tools
tools: ## Build the pinned tools into your cache (the other targets do so when they need one).
	@for tool in controller-gen crd-ref-docs golangci-lint helm protoc protoc-gen-go protoc-gen-go-grpc; do hack/tools/tool.sh $$tool || exit; done

##@ Prove

.PHONY: test
test: ## Run all tests that need only Go, the embedded API server included.
	go test ./...

.PHONY: race
race: ## Run the concurrent packages under the race detector (needs a C compiler).
	@hack/c-compiler.sh
	CGO_ENABLED=1 go test -race $(RACE_PACKAGES)

.PHONY: test-kube
test-kube: ## Run the tests that need a real kube-apiserver (built and cached when first wanted).
	@hack/kube/test.sh

.PHONY: test-chart
test-chart: ## Run the tests of the Helm chart, its alerts and dashboard, and the kustomize bases (helm and kubectl are built and cached when first wanted).
	@hack/chart/test.sh

.PHONY: test-ha
test-ha: ## Have replicas, the API server and the network between them fail under load, and hold every answer against what was written.
	@SUITE=ha hack/kube/test.sh -v

.PHONY: test-proxies
test-proxies: ## Run the tests with nginx, Caddy and Traefik in front of an application (Traefik is built and cached when first wanted).
	@hack/proxies/test.sh

.PHONY: test-gateways
test-gateways: ## Hold the configurations for Istio and Envoy Gateway against the types and the CRDs that these projects publish.
	go test -C test/gateways ./...

.PHONY: e2e
e2e: ## Install the image and the chart in a cluster with a real node (built and cached when first wanted), use it, break it, remove it. Needs root.
	@hack/e2e/test.sh

.PHONY: test-image
test-image: ## Test what `make image` builds, and that it comes out the same each time.
	go test -C hack/image ./...

.PHONY: test-vendors
test-vendors: ## Run the vendors' own clients from npm against the server, over TLS (needs Node.js 20 or later).
	@hack/vendors/test.sh

.PHONY: verify
verify: ## Check generated files, formatting, linters and module files; changes nothing.
	@hack/verify.sh

.PHONY: fuzz
fuzz: ## Run every fuzz target, one after the other, FUZZTIME each.
	@hack/fuzz.sh $(FUZZTIME)

.PHONY: mutants
mutants: ## Switch off every rule of the decision in turn: each must turn a test red.
	go run ./hack/mutants

.PHONY: soak
soak: ## Compare DECISIONS random decisions with the oracle.
	go test -v -count=1 -timeout=0 -run '^TestRandom$$' ./internal/testkit/decide -decisions=$(DECISIONS) -seed=$(SEED)

.PHONY: bench
bench: ## Measure Rolecall beside its peers and write docs/performance.md; an hour. Parts: BENCH_PARTS, ROUNDS, SIZES, RESUME.
	@go build -C hack/bench -o '$(CURDIR)/$(BIN)/bench/bench' ./cmd/bench
	@exec $(BIN)/bench/bench -parts '$(BENCH_PARTS)' -rounds '$(ROUNDS)' -sizes '$(SIZES)' $(if $(RESUME),-resume) $(BENCH_FLAGS)

.PHONY: bench-short
bench-short: ## Test the benchmarks, and run Rolecall and the floor a moment each; only wrong answers and allocations fail.
	@go test -C hack/bench ./...
	@go build -C hack/bench -o '$(CURDIR)/$(BIN)/bench/bench' ./cmd/bench
	@exec $(BIN)/bench/bench -short

.PHONY: bench-go
bench-go: ## Run the packages' own benchmarks that BENCH matches.
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...
