# Each line here is a command that anyone can run by hand; nothing hides in this file.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: demo test soak bench lint fmt tools

# One school morning, to watch: prints the addresses to look at and stays up until Ctrl-C.
demo:
	deploy/tools/install nats-server
	cargo run --locked --package schoolbell -- demo

# Every test, on SQLite and on a throw-away PostgreSQL, with the real nats-server, and in a real browser.
test:
	deploy/tools/install nats-server postgres chromium axe openid
	deploy/tools/with-postgres cargo test --workspace --locked

# Whoever dies at every step in every layout, twenty mornings on which every service is killed again and again, and an hour at random.
soak:
	deploy/tools/install nats-server postgres
	cargo build --locked --package schoolbell
	deploy/tools/with-postgres cargo test --locked --package tests --test faults -- --ignored --nocapture

# What README quotes, each beside its limit on this machine; `make bench ONLY=texts` takes one. What cannot be installed is said.
bench:
	deploy/tools/install nats-server postgres
	-deploy/tools/install wrk
	-deploy/tools/install smtp-sink
	cargo build --release --locked --package schoolbell --package benches
	deploy/tools/with-postgres target/release/bench --only "$(ONLY)" $(ARGUMENTS)

lint:
	deploy/tools/install buf cargo-deny
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	buf lint proto
	buf format --diff --exit-code proto
	cargo deny --locked check bans licenses sources

fmt:
	deploy/tools/install buf
	cargo fmt --all
	buf format --write proto

# What the other targets install for themselves, all at once.
tools:
	deploy/tools/install nats-server postgres buf cargo-deny chromium axe openid
