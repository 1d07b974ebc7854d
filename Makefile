# A short front door to meson and to the scripts in tools/.
# Changes when: there is another thing that one wants to do with one word.
#
#   make          build into build/          make demo     install what is missing, build, show it at work
#   make test     install what is missing, run every test
#   make test-vm  the same program on Debian's stock kernel in QEMU (minutes; no part of make test)
#   make bench    install what is missing, compare with other jails
#   make check    the project's own checks: layers, symbols, sizes, documents; and the analyzers
#   make format   clang-format over the C sources
#   make fuzz     build and run the fuzzers for a minute each
#   make install  install (as root; DESTDIR= and PREFIX= are respected when build/ is new)

BUILD  ?= build
PREFIX ?= /usr/local

all: $(BUILD)/build.ninja # programs: $(BUILD)/belljar
	@ninja -C $(BUILD)
	@ln -sf src/cli/belljar $(BUILD)/belljar

$(BUILD)/build.ninja:
	@tools/deps build
	meson setup $(BUILD) --prefix $(PREFIX) -Dtests=$$(pkg-config --exists cmocka && echo true || echo false)

# Tests need cmocka; a build directory that was made without them is told so.
with-tests:
	@tools/deps build test
	@test -e $(BUILD)/build.ninja || meson setup $(BUILD) --prefix $(PREFIX)
	@meson configure $(BUILD) -Dtests=true
	@$(MAKE) --no-print-directory all

demo:
	@tools/deps build
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)/belljar

test: with-tests
	@tools/run-tests $(BUILD)

test-vm:
	@tools/deps build test vm
	@$(MAKE) --no-print-directory all
	@tests/vm/run --build $(BUILD)

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory all
	@python3 bench/run.py --build $(BUILD)

check:
	@tools/deps build check
	@$(MAKE) --no-print-directory all
	@status=0; for check in tools/check-*; do $$check $(BUILD) || status=1; done; \
	tools/analyze $(BUILD) || status=1; exit $$status

install: all
	meson install -C $(BUILD) --no-rebuild

deps:
	@tools/deps build test bench

fuzz:
	@tools/deps build fuzz
	@fuzz/run

format:
	@clang-format-14 -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

clean:
	rm -rf $(BUILD)

.PHONY: all with-tests demo test test-vm bench check install deps fuzz format clean
