"""The seccomp profiles that Docker and Podman ship, out of Debian's packages.

Its own file because it is the only part that needs the network, once.
Changes when: an engine's profile is packaged elsewhere.
"""
import glob
import json
import os
import subprocess

# Package, and the file in it. Neither is installed: the first would bring fifty packages of Go sources with it.
PACKAGES = {
    "docker": ("golang-github-docker-docker-dev",
               "usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json"),
    "podman": ("golang-github-containers-common", "usr/share/containers/seccomp.json"),
}
FETCH_SECONDS = 120


class Missing(Exception):
    """The profile cannot be had here; the text says why."""


def fetch(folder, engine):
    """Path of the engine's own profile: installed, or unpacked below `folder` (kept for the next time)."""
    package, path = PACKAGES[engine]
    for root in ("/", os.path.join(folder, package)):
        if os.path.exists(os.path.join(root, path)):
            return os.path.join(root, path)
    os.makedirs(folder, exist_ok=True)
    try:
        subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, capture_output=True, timeout=FETCH_SECONDS)
        [archive] = glob.glob(os.path.join(folder, package + "_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, os.path.join(folder, package)], check=True, capture_output=True)
        os.unlink(archive)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Missing("%s's seccomp profile (package %s): %.200s" % (engine, package, error)) from None
    return os.path.join(folder, package, path)


def version(folder, engine):
    """Of the package, as the archive's changelog has it."""
    package = PACKAGES[engine][0]
    for root in ("/", os.path.join(folder, package)):
        for log in glob.glob(os.path.join(root, "usr/share/doc", package, "changelog*gz")):
            text = subprocess.run(["zcat", log], check=False, capture_output=True, text=True).stdout
            if "(" in text:
                return text[text.index("(") + 1:text.index(")")]
    return "unknown"


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)
