# Everything builds without C: one static binary.
export CGO_ENABLED := 0

# Binaries that people run are built by a Go in whose library no fault is known
# (make advisories). RELEASE_GO=local takes the one that is there.
RELEASE_GO ?= go1.26.10+auto

.DEFAULT_GOAL := help

help: ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

test: ## install what the tests need, run all of them against real servers, and print how long each part took
	@go run ./internal/proof/testrun

check: ## format, vet, linters, module file, generated files
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "not formatted: $$bad"; exit 1; fi
	go vet ./...
	@if command -v staticcheck >/dev/null; then staticcheck ./...; else echo "staticcheck is not installed: skipped"; fi
	go mod tidy -diff
	go test ./internal/proof/tidy
	$(MAKE) generate
	git diff --exit-code -- docs/generated '*_templ.go'

generate: ## write docs/generated and the templates' Go files anew
	go tool templ generate
	go test ./internal/domain/orders -run ThePageOfStates -update
	go test ./internal/surface/web -run EveryRouteIsReached -update
	go test ./internal/surface/api -run TheDescriptionThatIsKept -update

pictures: ## take the pictures of docs/tutorial anew (needs Chromium)
	go test ./internal/proof/browser -run ThePicturesOfTheTutorial -update

bench: ## the figures of docs/performance.md, measured here (PEOPLE=10000 ROUNDS=3)
	@go run ./internal/proof/bench

advisories: ## look for known vulnerabilities in what the binary reaches
	@GOTOOLCHAIN=$(RELEASE_GO) go run ./internal/proof/advisories ./cmd/provisor

gosec: ## look for patterns that make code unsafe: none stands in the binary without its explanation beside it
	@GOTOOLCHAIN=$(RELEASE_GO) go run ./internal/proof/gosec ./cmd/provisor

soak: ## simulate for a long time (SOAK=1h), and give each fuzz test what it does not expect (FUZZ=2m)
	SOAK=1 INCREMENTAL_WORLDS=1000 go test ./internal/proof/incremental -run TestSeeds -timeout 0
	SOAK=$${SOAK:-1h} go test ./internal/proof/sim -run TestSeeds -timeout 0 -v
	go run ./internal/proof/fuzzing $${FUZZ:-2m}

build: ## bin/provisor, one static binary
	GOTOOLCHAIN=$(RELEASE_GO) go build -trimpath -ldflags "-s -w -X main.version=$$(git describe --tags --always --dirty)" -o bin/provisor ./cmd/provisor

demo: ## lay a company down in ./demo and go round once
	go run ./cmd/provisor demo --dir demo

.PHONY: help test check generate pictures bench advisories gosec soak build demo
