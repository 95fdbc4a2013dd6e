# Every common task by one name. What each needs of the system is installed by packaging/install-deps.sh; nothing here starts a packaged daemon.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

CARGO ?= cargo
CLIENT := web/client
PROFILE := release
BINARY := target/release/bellflower
LISTEN ?= 127.0.0.1:8080
BENCH ?=

.PHONY: attack bench build bundles chaos client demo deps deps-demo deps-test fmt fuzz gallery help lint proxies release run screenshots test \
	test-packages valgrind

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

deps: ## install what is missing to build and run
	@packaging/install-deps.sh build run

deps-demo: ## install what is missing for the demo
	@packaging/install-deps.sh build run demo

deps-test: ## install what is missing to test
	@packaging/install-deps.sh build run demo test
	@packaging/fetch-plugins.sh target/plugins

.PHONY: deps-bench
deps-bench: ## install what is missing to measure, BitlBee to compare with included
	@packaging/install-deps.sh build run test bench

client: ## build the page into web/client/dist
	@packaging/build-client.sh $(CLIENT)

build: deps client ## build the release binary, target/release/bellflower
	$(CARGO) build --release --locked --package bellflower

run: build ## build, then serve on $(LISTEN) with data below .run/
	@mkdir -p .run/data
	exec $(BINARY) serve --listen $(LISTEN) --data-dir .run/data --first-link

demo: deps-demo build ## make run, with a Prosody and an ngircd of its own and people to talk to
	exec $(CARGO) run --quiet --locked --package support --bin demo -- $(BINARY) $(LISTEN)

screenshots: deps-test build ## the README's pictures, from a real browser
	$(CARGO) run --quiet --locked --package support --bin screenshots -- $(BINARY) docs/screenshots

gallery: deps-test build ## pictures of the page at three sizes, light and dark and with more contrast, with 0 to 20 conversations and 5000 buddies, to be looked at
	$(CARGO) run --quiet --locked --package support --bin gallery -- $(BINARY) target/screenshots/gallery

test: deps-test client ## every test, against real servers and real browsers
	@packaging/test.sh

chaos: deps-test client ## ten minutes of plugins bringing workers down with 200 people who chat, then a hundred kills on each kind of database, and files of 500 MiB
	BELLFLOWER_CHAOS_SECONDS=$${BELLFLOWER_CHAOS_SECONDS:-600} BELLFLOWER_CHAOS_KILLS=$${BELLFLOWER_CHAOS_KILLS:-100} \
		BELLFLOWER_FILE_MB=$${BELLFLOWER_FILE_MB:-500} \
		$(CARGO) nextest run --release --locked --test chaos --test kept --test transfers -E 'binary(chaos) | test(kills) | test(large_file)' --profile chaos --no-capture

attack: deps-test client ## two minutes of hostile servers, contacts, plugins and browsers, beside 20 people who chat; what each input costs
	BELLFLOWER_ATTACK_SECONDS=$${BELLFLOWER_ATTACK_SECONDS:-120} $(CARGO) nextest run --release --locked --test attack --test budget --profile chaos --no-capture

valgrind: deps-test ## the bridge's tests under valgrind, some minutes
	@packaging/valgrind.sh

fuzz: ## each fuzz target for two minutes (FUZZ_SECONDS); needs a nightly compiler and cargo-fuzz, and says so
	@packaging/fuzz.sh

proxies: deps-test client ## the daemon behind a real nginx, HAProxy, lighttpd and Apache
	@packaging/install-deps.sh proxies
	$(CARGO) nextest run --locked --test proxies --run-ignored only

bundles: client ## source, crates and page for packagers, into vendor/out, made twice and compared
	@vendor/bundle.sh --check $$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

release: client ## what a release consists of, twice and compared, into vendor/out: bundles, bill of materials, licences, checksums
	@packaging/release.sh

test-packages: deps-test ## build RPM and .deb offline, install, run, upgrade and remove them in a tree with a systemd of its own; needs root
	@packaging/install-deps.sh packages
	@PROFILE=$(PROFILE) packaging/test-packages.sh

lint: deps-test client ## formatting, clippy, the page's types, licences and sources
	@packaging/lint.sh

bench: deps-bench build ## every figure beside its floor, from one run; BENCH='--only kept' for a part of it
	$(CARGO) run --release --locked --package bellflower-bench -- run --daemon $(BINARY) $(BENCH)

fmt: ## format the Rust code
	$(CARGO) fmt --all
