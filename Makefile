# `make help` lists the targets. Everything is built with Go's default flags, so
# that commands typed by hand share the build cache.

GO ?= go
KEEP ?=
REWRITE ?=
SEED ?=
EARLIER_KUBERNETES = v1.36.4
GOLANGCI_LINT_VERSION = v2.12.0
ACTIONLINT_VERSION = v1.7.12
GOVULNCHECK_VERSION = v1.9.0
HELM_VERSION = v4.3.1
CHECKED_BENCHMARKS = (Place|Ranking|Count|Placeable)$$
FUZZTIME ?= 30s
FORMATTED = build cmd plugins dra internal manifests topology simulator test bench
IMAGE_REPOSITORY ?= ghcr.io/ashlar-dev
PLATFORMS ?= linux/amd64,linux/arm64
IMAGES ?=
VULNDB ?=
# What every program prints as its version: the tag, or the last tag with the commit behind it.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || echo v0.0.0-$$(git describe --always --abbrev=12 --exclude '*' --dirty 2>/dev/null || echo devel))
COMMIT ?= $(shell git describe --always --abbrev=40 --exclude '*' --dirty 2>/dev/null || echo unknown)
STAMP = -X github.com/ashlar-dev/ashlar/internal/buildinfo.version=$(VERSION) -X github.com/ashlar-dev/ashlar/internal/buildinfo.commit=$(COMMIT)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: tools ## place GPU pods on a real control plane; KEEP=1 leaves the cluster up
	@$(GO) run ./cmd/ashlar demo $(if $(KEEP),--keep)

.PHONY: down
down: ## end clusters that `make demo KEEP=1` left up
	@$(GO) run ./cmd/ashlar down

.PHONY: test
test: prepare unit integration ## all tests, on a real control plane
	@echo "all tests passed"

.PHONY: unit
unit: tools ## what needs no control plane: vet, unit tests, import gate, 32-bit
	$(GO) vet ./...
	$(GO) test -short ./...
	$(GO) -C build vet ./...
	$(GO) -C build test ./...
	GOARCH=386 $(GO) test -short ./topology/... ./test/scenario

.PHONY: scenarios
scenarios: tools ## the scenario files of placement; REWRITE=1 writes what they print now
	$(GO) test -count=1 ./test/scenario $(if $(REWRITE),-rewrite)
	@$(if $(REWRITE),git --no-pager diff --stat -- test/scenario)

.PHONY: integration
integration: prepare ## only the tests on a real control plane
	$(GO) test -count=1 -timeout 20m -p 1 ./test/cluster ./test/integration ./test/parity ./test/webhook
	$(GO) test -count=1 -timeout 20m -run Cluster ./test/docs
	$(GO) test -count=1 -timeout 20m ./test/mixednodes -pods 400
	$(GO) test -count=1 -timeout 20m ./test/soak
	$(GO) test -count=1 -timeout 20m ./test/coexistence
	$(GO) test -count=1 -timeout 20m ./test/podgroups
	$(GO) test -count=1 -timeout 20m ./test/demo
	$(GO) test -count=1 -timeout 20m -v ./test/chart/...

.PHONY: e2e
e2e: tools ## pods on a real kubelet and containerd; needs root, says why where it cannot
	@$(GO) run ./test/cluster/prepare -node
	$(GO) test -count=1 -timeout 20m -v ./test/e2e

.PHONY: mixed
mixed: prepare ## 3,000 random pods on nodes of three kinds: nothing is promised twice; SEED=n for others
	$(GO) test -count=1 -timeout 40m -v -run MixedNodes ./test/mixednodes $(if $(SEED),-seed $(SEED))

.PHONY: soak
soak: prepare ## 10,000 pods while nodes, slices, schedulers and servers come and go: nothing lost or forgotten; SEED=n for others
	$(GO) test -count=1 -timeout 70m -v -run Soak ./test/soak -pods 10000 $(if $(SEED),-seed $(SEED))

.PHONY: crash
crash: tools ## kill the driver 1,000 times while it prepares claims: nothing is leaked; SEED=n for others
	$(GO) test -count=1 -timeout 20m -v -run KilledAtRandom ./dra/prepare $(if $(SEED),-crash-seed $(SEED))
	$(GO) test -count=1 -timeout 20m -v -run KilledAtAnyMoment ./dra/nodedriver -crash-cycles 1000 $(if $(SEED),-crash-seed $(SEED))

.PHONY: coexistence
coexistence: prepare ## frozen leaders, takeovers, two schedulers of 500 pods each: what is promised twice
	$(GO) test -count=1 -timeout 60m -v ./test/coexistence -freeze-rounds 10 -rival-pods 500 -nodes 128

.PHONY: compat
compat: tools ## the integration tests on the API server of an earlier Kubernetes
	@$(GO) run ./test/cluster/prepare -kubernetes $(EARLIER_KUBERNETES)
	$(GO) test -count=1 -timeout 20m ./test/integration -kubernetes $(EARLIER_KUBERNETES)

.PHONY: silicon
silicon: tools ## what NVML promises of MIG, on an idle GPU of this machine; CAPTURE=file for what it answered
	ASHLAR_SILICON=1 CAPTURE=$(abspath $(or $(CAPTURE),silicon-capture.json)) $(GO) test -count=1 -v -run RealGPU ./dra/hardware/contract

.PHONY: prepare
prepare: tools # build the control plane and our commands, with progress
	@$(GO) run ./test/cluster/prepare

.PHONY: build
build: tools ## bin/: ashlar (kubectl-ashlar too), ashlar-scheduler, ashlar-dra-driver, ashlar-webhook
	$(GO) build -ldflags "$(STAMP)" -o bin/ ./cmd/...
	@for name in kubectl-ashlar kubectl_complete-ashlar; do ln -sf ashlar bin/$$name; done

.PHONY: images
images: tools ## bin/images/: OCI images without a container engine; IMAGES=ashlar-scheduler, PLATFORMS=linux/amd64 for a part
	@$(GO) run -C build ./images -out $(abspath bin/images) -cache $(abspath .ashlar/images) -version '$(VERSION)' -commit '$(COMMIT)' \
	  -repository '$(IMAGE_REPOSITORY)' -platforms '$(PLATFORMS)' -only '$(IMAGES)'

.PHONY: image-packages
image-packages: tools ## pin the present Debian packages of the driver's image
	$(GO) run -C build ./images -cache $(abspath .ashlar/images) -pin-packages

.PHONY: release-binaries
release-binaries: tools ## bin/release/: the CLI for Linux and macOS, checksums, SBOMs, the krew manifest
	@$(GO) run -C build ./release -out $(abspath bin/release) -version '$(VERSION)' -commit '$(COMMIT)'

.PHONY: chart-package
chart-package: tools ## bin/chart/: the Helm chart as an archive, of VERSION
	$(GO) run helm.sh/helm/v4/cmd/helm@$(HELM_VERSION) package manifests/chart --version '$(VERSION:v%=%)' --app-version '$(VERSION)' -d bin/chart

.PHONY: licences
licences: tools ## the licence of every module that is in a program: only those that build/licences allows
	@$(GO) run -C build ./licences

.PHONY: vulnerabilities
vulnerabilities: build ## govulncheck on all programs, with the database of vuln.go.dev; VULNDB=version for the module golang.org/x/vulndb
	@failed=; for program in bin/ashlar*; do echo "$$program:"; \
	  $(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) $(if $(VULNDB),-db "file://$$($(GO) mod download -json \
	    golang.org/x/vulndb@$(VULNDB) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/data/osv") -mode binary -format json $$program > bin/vulnerabilities.json; \
	  $(GO) run -C build ./vulnerabilities < bin/vulnerabilities.json || failed=1; \
	done; test -z "$$failed"

.PHONY: bench-check
bench-check: tools ## benchmarks against their recorded mean and deviation; REWRITE=1 records them on this machine
	@mkdir -p bin
	$(GO) test -run '^$$' -bench '$(CHECKED_BENCHMARKS)' -benchmem -benchtime 100ms -count 8 \
	  ./topology/placement ./topology/cluster ./topology/mig > bin/benchmarks.txt
	$(if $(REWRITE),cp bin/benchmarks.txt bench/baseline/baseline.txt,$(GO) run -C build ./benchcheck -baseline $(abspath bench/baseline/baseline.txt) < bin/benchmarks.txt)

.PHONY: bench
bench: prepare ## Ashlar next to the stock scheduler at 500 nodes x 160 devices
	$(GO) run ./bench/schedulers --sizes 500x160
	$(GO) test -run '^$$' -bench . -benchmem ./topology/... ./bench/openb

.PHONY: bench-table
bench-table: prepare ## write the tables of docs/results and the README's headline: an hour
	$(GO) run ./bench/schedulers --readme docs/results/schedulers.md --headline README.md
	$(GO) run ./bench/schedulers --against v1.36.4 --limit 3m --sizes 500x160 --readme docs/results/schedulers.md
	$(GO) run ./bench/schedulers --device-plugin --readme docs/results/schedulers.md
	$(GO) run ./bench/quality --readme docs/results/quality.md
	$(GO) run ./bench/nodecost --document docs/sizing.md

.PHONY: oracle
oracle: tools ## compare choices with brute force on 100,000 random states per form
	$(GO) test ./topology/placement -count=1 -timeout 30m -run 'BruteForce' -v -oracle-states 100000

.PHONY: quality
quality: tools ## how good placements are, next to other policies
	$(GO) run ./bench/quality

.PHONY: fuzz
fuzz: tools ## each fuzz target for FUZZTIME, 30s if not given
	@for package in $$($(GO) list ./topology/... ./simulator/... ./plugins/... ./dra/... ./internal/... ./cmd/ashlar/internal/scenariofile); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

.PHONY: lint
lint: tools ## golangci-lint, which is built the first time, and actionlint for the workflows
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION) run ./...
	$(GO) run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

.PHONY: generate
generate: tools ## write golden files and generated manifests anew
	$(GO) test ./test -run TestMIGDeviceClassesMatchCatalogue -update
	$(GO) test ./test/chart -run 'ChartFilesAreCopies|GeneratedFolders|ValuesTable' -update
	$(GO) test ./test -run TestMIGDeviceClassesMatchCatalogue
	$(GO) test ./dra -update
	$(GO) test ./test/docs -run GeneratedParts -update

.PHONY: verify
verify: tools ## what a change must leave clean
	@test -z "$$(gofmt -l $(FORMATTED))" || { echo "run gofmt -w on:"; gofmt -l $(FORMATTED); exit 1; }
	$(GO) mod tidy -diff
	$(GO) -C build mod tidy -diff
	$(GO) vet ./...

# go-nvml is cgo: without a C compiler Go would leave it out and fail obscurely.
.PHONY: tools
tools:
	@command -v $(GO) >/dev/null || { echo "make: Go is missing: install Go 1.26 or later, https://go.dev/dl" >&2; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || { echo "make: a C compiler is missing: apt-get install gcc libc6-dev" >&2; exit 1; }
