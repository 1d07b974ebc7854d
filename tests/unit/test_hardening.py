"""What the compiler and the linker were told, read back from our own ELF files.

Its own file because a flag that a build system loses is noticed nowhere else.
Changes when: a flag of meson.build is added. No tool is asked: struct, and the tables of elf(5).
"""
import json
import os
import re
import struct

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# tools/run-tests says which build by the command in it.
BUILD = os.path.dirname(os.path.dirname(os.path.dirname(os.environ.get("BELLJAR") or ROOT + "/build/src/cli/belljar")))
COMMAND, LIBRARY = "src/cli/belljar", "libbelljar.so"
INIT = "src/jail/child/belljar-init"
CHILD = "src/jail/child/libbelljar-child.a"

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X, PF_W = 1, 2
SHT_SYMTAB, SHT_DYNSYM = 2, 11
DT_NEEDED, DT_RPATH, DT_BIND_NOW, DT_TEXTREL, DT_FLAGS, DT_RUNPATH, DT_FLAGS_1 = 1, 15, 24, 22, 30, 29, 0x6FFFFFFB
DF_BIND_NOW, DF_1_NOW, DF_1_NOOPEN, DF_1_PIE = 0x8, 0x1, 0x40, 0x08000000


class Elf:
    """A 64-bit little-endian ELF file: what both of our architectures make."""

    def __init__(self, data):
        assert data[:6] == b"\x7fELF\x02\x01", "not a 64-bit little-endian ELF file"
        self.data = data
        self.type = struct.unpack_from("<H", data, 16)[0]
        offset, sections = struct.unpack_from("<QQ", data, 32)
        size, count, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
        # type, flags, offset, vaddr, paddr, filesz, memsz, align
        self.segments = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]
        # name, type, flags, addr, offset, size, link, info, addralign, entsize
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", data, sections + i * section_size)
                         for i in range(section_count)]

    def segments_of(self, kind):
        return [segment for segment in self.segments if segment[0] == kind]

    def dynamic(self):
        """Tag to its values."""
        found = {}
        for segment in self.segments_of(PT_DYNAMIC):
            for at in range(segment[2], segment[2] + segment[5], 16):
                tag, value = struct.unpack_from("<QQ", self.data, at)
                if tag == 0:
                    break
                found.setdefault(tag, []).append(value)
        return found

    def flags(self, tag):
        return self.dynamic().get(tag, [0])[0]

    def symbols(self):
        """Names of all symbols, of the dynamic table and of the other if it was not stripped."""
        names = set()
        for section in self.sections:
            if section[1] not in (SHT_SYMTAB, SHT_DYNSYM):
                continue
            strings = self.sections[section[6]]
            for at in range(section[4], section[4] + section[5], 24):
                start = strings[4] + struct.unpack_from("<I", self.data, at)[0]
                names.add(self.data[start:self.data.index(b"\0", start)].decode())
        return names


def path_of(name):
    path = os.path.join(BUILD, name)
    # Not a skip: without the file nothing was tested, and only a failed build leaves it out.
    assert os.path.exists(path), path + " is not there: build first, or set BELLJAR to the built command"
    return path


def read(name):
    with open(path_of(name), "rb") as file:
        return file.read()


def build_option(name):
    with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
        return next(option["value"] for option in json.load(file) if option["name"] == name)


def sanitized():
    return any("asan_init" in name for name in Elf(read(LIBRARY)).symbols())


def members(name):
    """The objects of an archive; meson's may be thin, with names instead of bytes (ar(5))."""
    data, at, names = read(name), 8, b""
    thin = data[:8] == b"!<thin>\n"
    assert thin or data[:8] == b"!<arch>\n"
    while at < len(data):
        label, size = data[at:at + 16].rstrip(), int(data[at + 48:at + 58])
        body, at = at + 60, at + 60
        special = label in (b"/", b"//", b"/SYM64/")  # the symbols, the long names
        if special or not thin:
            at += size + size % 2
        if label == b"//":
            names = data[body:body + size]
        elif not special and thin:
            start = int(re.match(rb"/(\d+)", label).group(1))
            member = names[start:names.index(b"/\n", start)].decode()
            with open(os.path.join(os.path.dirname(path_of(name)), member), "rb") as file:
                yield Elf(file.read())
        elif not special:
            yield Elf(data[body:body + size])


LINKED = pytest.mark.parametrize("name", [COMMAND, LIBRARY])
EVERY = pytest.mark.parametrize("name", [COMMAND, LIBRARY, INIT])


@EVERY
def test_no_stack_is_executable(name):
    stacks = Elf(read(name)).segments_of(PT_GNU_STACK)
    assert len(stacks) == 1, "without the header the kernel makes every stack executable"
    assert not stacks[0][1] & PF_X


@EVERY
def test_nothing_is_writable_and_executable(name):
    loads = Elf(read(name)).segments_of(PT_LOAD)
    assert loads and any(load[1] & PF_X for load in loads)
    assert [load for load in loads if load[1] & PF_X and load[1] & PF_W] == []


@LINKED
def test_addresses_are_random(name):
    elf = Elf(read(name))
    assert elf.type == ET_DYN
    assert DT_TEXTREL not in elf.dynamic(), "code would be written to when it is loaded"
    if name == COMMAND:
        assert elf.flags(DT_FLAGS_1) & DF_1_PIE


@LINKED
def test_relocations_are_read_only_and_none_is_lazy(name):
    """-z now: lazy binding would run the dynamic linker between clone and exec."""
    elf = Elf(read(name))
    dynamic = elf.dynamic()
    assert len(elf.segments_of(PT_GNU_RELRO)) == 1
    assert DT_BIND_NOW in dynamic or elf.flags(DT_FLAGS) & DF_BIND_NOW or elf.flags(DT_FLAGS_1) & DF_1_NOW


@LINKED
def test_no_library_is_looked_for_in_odd_places(name):
    """In the build tree meson adds a path to what links with our own library, and takes it away when installing; the
    library itself and the command link with none of ours."""
    dynamic = Elf(read(name)).dynamic()
    assert DT_RPATH not in dynamic
    assert DT_RUNPATH not in dynamic


def test_library_is_not_opened_at_run_time():
    assert Elf(read(LIBRARY)).flags(DT_FLAGS_1) & DF_1_NOOPEN


def test_command_is_static():
    """A third of a cold start is otherwise dynamic linking."""
    elf = Elf(read(COMMAND))
    if elf.segments_of(PT_INTERP):
        assert sanitized() or build_option("static_cli") == "off"
    else:
        assert DT_NEEDED not in elf.dynamic()


def test_init_is_a_tiny_program_without_libraries():
    data = read(INIT)
    elf = Elf(data)
    assert elf.type == ET_EXEC
    assert not elf.segments_of(PT_INTERP) and not elf.segments_of(PT_DYNAMIC)
    assert len(data) < 8192, "pid 1 of every jail: each page of it is copied for each run"


def test_the_library_guards_its_stacks():
    assert "__stack_chk_fail" in Elf(read(LIBRARY)).symbols()


def test_the_library_checks_the_room_of_its_buffers():
    if sanitized():
        pytest.skip("host lacks a build without sanitizers: FORTIFY_SOURCE is off with them")
    assert any(name.endswith("_chk") and name != "__stack_chk_fail" for name in Elf(read(LIBRARY)).symbols())


def test_the_child_half_guards_none():
    """A guard lives in the thread's own memory, and a failing one calls libc: neither is there after a raw clone."""
    objects = list(members(CHILD))
    assert len(objects) > 5
    for elf in objects:
        assert elf.type == ET_REL
        assert not {name for name in elf.symbols() if "stack_chk" in name or name.endswith("_chk") or "asan" in name}
    names = set().union(*(elf.symbols() for elf in objects))
    assert "bj__child_main" in names, "the right objects were read"
