# A short front door to meson and to the scripts in tools/.
# Changes when: there is another thing that one wants to do with one word.
#
#   make          build into build/          make demo     install what is missing, build, show it at work
#   make test     install what is missing, run every test that takes less than minutes
#   make install  install (as root; DESTDIR= and PREFIX= are respected when build/ is new)
#   make bench    install what is missing, compare with other jails
#   make format   clang-format over the C sources
#
# The long suites; with RECORD=1 they write what they found to docs/, from where the README's table is made:
#   make test-vm         the whole suite on Debian's stock kernel in QEMU, in each configuration
#   make test-vm-short   the part of it that fits ten minutes without hardware virtualization
#   make test-systemd    the service under systemd as pid 1 in QEMU, as its operator sees it
#   make test-pythons    the guest built for every CPython of this host from 3.9 on, and the tests of snippets with each
#                        (test-pythons-short: a few of them)
#   make test-modes      the whole suite as root, as an ordinary user and under unshare -Ur
#   make test-containers the whole suite inside unprivileged containers
#   make test-sanitized  (test-sanitized-short: the C tests, the corpora and a part of the rest) the whole suite with AddressSanitizer and UndefinedBehaviorSanitizer, the jail on
#   make fault           every operation, system call and allocation fails once; the supervisor is killed at each
#   make sabotage        every attack, with every wall taken away in turn
#   make fuzz            the fuzzers, SECONDS= each (default 60)
#   make soak            RUNS= (default 100000) mixed runs at full speed
#   make flood           floods of the service: what other clients feel, and how much memory is taken
#   make chaos           CHAOS_SECONDS= (default 600) of kills at random of the service's processes, under load
#   make check           the project's own checks: layers, symbols, sizes, documents; and the analyzers

BUILD   ?= build
PREFIX  ?= /usr/local
SECONDS ?= 60
RUNS    ?= 100000
CHAOS_SECONDS ?= 600
record  := $(if $(RECORD),--record)

all: $(BUILD)/build.ninja # programs: $(BUILD)/belljar, safeexec, simple_pysandbox
	@ninja -C $(BUILD)
	@ln -sf src/cli/belljar src/cli/safeexec src/cli/simple_pysandbox $(BUILD)

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
	@tools/deps container
	@tools/run-tests $(record) $(BUILD)

test-vm test-vm-short: with-tests
	@tools/deps vm
	@tests/vm/run --build $(BUILD) $(if $(findstring short,$@),--short) $(record)

test-systemd: with-tests
	@tools/deps vm
	@tests/systemd/run.py --build $(BUILD) $(record)

test-pythons test-pythons-short: with-tests
	@tests/pythons/run.py --build $(BUILD) $(if $(findstring short,$@),--short) $(record)

test-modes: with-tests
	@tests/modes/run.py --build $(BUILD) $(record)

test-containers: with-tests
	@tools/deps container
	@tests/container/run.py --build $(BUILD) $(record)

test-sanitized test-sanitized-short:
	@tools/deps build test
	@tools/test-sanitized $(if $(findstring short,$@),--short) $(record) $(BUILD)-sanitized

fault: with-tests
	@tests/fault/run.py --build $(BUILD) $(record)

sabotage: with-tests
	@tests/sabotage/run.py --build $(BUILD) $(record)

fuzz:
	@tools/deps build fuzz
	@fuzz/run $(record) $(SECONDS)

soak: with-tests
	@tests/soak/run.py --build $(BUILD) --runs $(RUNS) $(record)

flood: with-tests
	@tests/flood/run.py --build $(BUILD) $(record)

chaos: with-tests
	@tests/chaos/run.py --build $(BUILD) --seconds $(CHAOS_SECONDS) $(record)

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory all
	@python3 bench/run.py --build $(BUILD)

check: with-tests
	@tools/deps check
	@status=0; for check in tools/check-*; do $$check $(BUILD) || status=1; done; \
	tools/analyze $(record) $(BUILD) || status=1; exit $$status

install: all
	meson install -C $(BUILD) --no-rebuild

deps:
	@tools/deps build test bench

format:
	@clang-format-14 -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

clean:
	rm -rf $(BUILD)

.PHONY: all with-tests demo test test-vm test-vm-short test-systemd test-pythons test-pythons-short test-modes test-containers test-sanitized \
	test-sanitized-short fault sabotage fuzz soak flood chaos bench check install deps format clean
