# "make help" lists the targets. They need Go, make and, for what is missing, apt-get or your own hands.

GO          ?= go
FUZZTIME    ?= 10s
GECKODRIVER := geckodriver@0.37.1
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Debian packages are installed as root, or through sudo where there is one.
APT_INSTALL := run() { if [ "$$(id -u)" = 0 ] || ! command -v sudo >/dev/null; then "$$@"; else sudo "$$@"; fi; }; \
	apt_install() { run apt-get update -qq && run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$@"; }

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: tools lint ## Install what is missing, lint, and run all tests with the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...
	@$(MAKE) --no-print-directory fips

# What is not approved is replaced, or refused with a message that has "FIPS" in it. The whole of what is left out here
# deals with files and hashes that are refused. Tests in a bubble of testing/synctest are run without FIPS only: its
# source of entropy measures the time, which stands still there.
BUBBLES := CallsThatHang|CallsThatNobodyWaitsFor|TimeoutIsHalfAMinute|KeysThatMustNotBePublished|ManyWaitForOneAnswer|PublishedKeysAreAsked|PublisherThat|OperationsTakeTheirTime

.PHONY: fips
fips: softhsm ## Run the tests of cryptography, and whole logins, in FIPS 140-3 mode
	GODEBUG=fips140=on $(GO) test -skip '$(BUBBLES)' ./keystore ./keystore/rotation ./internal/jwt ./oauth ./oidc ./dpop ./login ./store ./store/memory ./consent ./captcha ./authenticator/mock ./authenticator/passkey ./authenticator/wla ./authenticator/idtoken
	GODEBUG=fips140=on $(GO) test -run 'FIPS|Contract|Restart|Import|Chains|EveryAlgorithm' ./keystore/pkcs11 ./keystore/pkcs12
	GODEBUG=fips140=on $(GO) test -run 'FIPS|PBKDF2' ./authenticator/directory
	GODEBUG=fips140=on $(GO) test -run 'FAPI2Login|Rotations|Starts|Restart|InAToken|OnHangup|PortalReaches' . ./examples/server

.PHONY: lint
lint: ## Check formatting, go vet, staticcheck, and that nothing but PKCS#11 needs cgo
	@files=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; fi
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) build ./...
	$(GO) run $(STATICCHECK) ./...

.PHONY: bench
bench: postgres redis ## Run all benchmarks, a complete login over memory, PostgreSQL and Redis last
	@set -e; dirs=$$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n1 dirname | sort -u); \
	for dir in $$(echo "$$dirs" | grep -vx . || true) $$(echo "$$dirs" | grep -x . || true); do \
		$(GO) test -run '^$$' -bench . -benchmem "$$dir"; \
	done

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 10s)
	@grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do \
		echo "$${func#func } in $$(dirname "$$file")"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null || exit 1; \
	done

.PHONY: cluster
cluster: postgres redis ## Run three instances over PostgreSQL and Redis, lose each part in turn while people log in, and count what fails
	$(GO) test -count=1 -v -timeout 20m -run '^TestEveryPartIsLostInTurn$$' ./examples/cluster -long -visitors 8

.PHONY: chaos
chaos: postgres redis ## Try every fault, with more logins in between than "make test" has time for
	CGO_ENABLED=1 $(GO) test -race -count=1 -v -timeout 30m ./examples/cluster -long

.PHONY: screenshots
screenshots: browser node ## Take the pictures of the pages in docs/screenshots again; with PICTURES=... every page in full, into that directory
	@if command -v apt-get >/dev/null && ! fc-list :lang=km 2>/dev/null | grep -q .; then $(APT_INSTALL); apt_install fontconfig fonts-noto-core; fi
	$(GO) test -count=1 -run '^(TestPagesFitTheirScreen|TestEveryPageIsForEverybody)$$' ./examples/e2e -screenshots $(CURDIR)/docs/screenshots -pictures "$(PICTURES)"

.PHONY: texts
texts: ## List what is missing or wrong in language files: those that are embedded, or with DIR=... a deployment's
	@$(GO) run ./examples/texts $(DIR)

.PHONY: deps
deps: ## Rewrite the reviewed list of third-party modules
	$(GO) test -count=1 -run '^TestDependenciesAreReviewed$$' ./internal/layout -update
	@git --no-pager diff --stat -- internal/layout/dependencies.txt 2>/dev/null || true

.PHONY: tools
tools: compiler browser firefox node postgres redis softhsm python

# The race detector needs cgo, and so a C compiler, on Linux.
.PHONY: compiler
compiler:
	@cc=$$($(GO) env CC); if command -v "$${cc%% *}" >/dev/null || [ "$$(uname)" != Linux ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "No C compiler ($$cc) found: install one, the race detector needs it."; exit 1; fi; \
	$(APT_INSTALL); apt_install gcc libc6-dev

.PHONY: browser
browser: ## Install Chromium, which the browser tests drive, unless there is one
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "Neither chromium nor google-chrome found, and no apt-get to install it: install Chromium or Chrome, the browser tests need it."; exit 1; \
	fi; \
	$(APT_INSTALL); apt_install chromium

# Where Debian has no geckodriver, Cargo builds Mozilla's own from its source. Some releases have a Rust that is too old for
# it, and a newer one for building browsers.
.PHONY: firefox
firefox: ## Install Firefox and geckodriver, which the browser tests drive too, unless they are there
	@$(APT_INSTALL); need() { \
		if ! command -v apt-get >/dev/null; then echo "$$1 not found, and no apt-get to install it: install it, the browser tests need it."; exit 1; fi; \
		shift; apt_install "$$@" || exit 1; \
	}; \
	if ! command -v firefox-esr >/dev/null && ! command -v firefox >/dev/null && [ ! -x /Applications/Firefox.app/Contents/MacOS/firefox ]; then \
		need Firefox firefox-esr; \
	fi; \
	if command -v geckodriver >/dev/null || [ -x "$$HOME/.cargo/bin/geckodriver" ]; then exit 0; fi; \
	if command -v apt-get >/dev/null; then run apt-get update -qq; fi; \
	if apt-cache show geckodriver >/dev/null 2>&1; then need geckodriver geckodriver; exit 0; fi; \
	if ! command -v cargo >/dev/null; then \
		if apt-cache show cargo-web >/dev/null 2>&1; then need Cargo cargo-web gcc libc6-dev; else need Cargo cargo gcc libc6-dev; fi; \
	fi; \
	echo "Building geckodriver, once. It takes some minutes."; \
	cargo install --quiet --locked --debug --root "$$HOME/.cargo" $(GECKODRIVER)

.PHONY: postgres
postgres: ## Install the PostgreSQL server, which the tests start themselves, unless there is one
	@if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "No PostgreSQL server found (initdb), and no apt-get to install it: install PostgreSQL 14 or newer, the tests need it."; exit 1; \
	fi; \
	$(APT_INSTALL); apt_install postgresql


.PHONY: redis
redis: ## Install a Redis server, which the tests start, unless there is one or Valkey
	@for name in redis-server valkey-server; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if ! command -v apt-get >/dev/null; then \
		echo "Neither redis-server nor valkey-server found, and no apt-get to install it: install Redis or Valkey, the tests need it."; exit 1; \
	fi; \
	$(APT_INSTALL); apt_install redis-server

.PHONY: softhsm
softhsm: ## Install SoftHSM2 and OpenSSL, which the tests of PKCS#11 need, unless they are there
	@if command -v softhsm2-util >/dev/null && command -v openssl >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "SoftHSM2 or OpenSSL not found, and no apt-get to install them: install softhsm2 and openssl, the tests of PKCS#11 need them."; exit 1; \
	fi; \
	$(APT_INSTALL); apt_install softhsm2 openssl

.PHONY: python
python: ## Install Python 3, which runs the sample of a remote authenticator, unless it is there
	@if command -v python3 >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "Python 3 not found (python3), and no apt-get to install it: install Python 3.8 or newer, the tests need it."; exit 1; \
	fi; \
	$(APT_INSTALL); apt_install python3

# What none of us wrote, for the tests: a relying party, the checks of accessibility, and ALTCHA's own library.
# What each is made of is in its package-lock.json.
NODE_PROJECTS := examples/e2e/testdata/jsclient examples/e2e/testdata/axe captcha/testdata/altcha

.PHONY: node
node: ## Install Node.js unless there is one, and the JavaScript that the tests run
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		if ! command -v apt-get >/dev/null; then \
			echo "Node.js not found, and no apt-get to install it: install node (20 or newer) and npm, the tests need them."; exit 1; \
		fi; \
		$(APT_INSTALL); apt_install nodejs npm || exit 1; \
	fi; \
	if [ "$$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then \
		echo "Node.js $$(node -v) is too old: install 20 or newer, the tests need it."; exit 1; \
	fi; \
	for project in $(NODE_PROJECTS); do \
		if ! cmp -s $$project/package-lock.json $$project/node_modules/.installed; then \
			(cd $$project && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && \
				cp package-lock.json node_modules/.installed) || exit 1; \
		fi; \
	done
