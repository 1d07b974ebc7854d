# Build a directory tree, list it, copy it and remove it.
import glob
import shutil
from pathlib import Path

FILES = {
    "garden/plants/rose.txt": "red\n",
    "garden/plants/fern.txt": "green\n",
    "garden/tools/spade.md": "for digging\n" * 3,
    "garden/notes.txt": "water on Sunday\n",
}

for name, content in FILES.items():
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)

garden = Path("garden")
for path in sorted(garden.rglob("*")):
    depth = len(path.relative_to(garden).parts) - 1
    print("  " * depth + path.name + ("/" if path.is_dir() else f" ({path.stat().st_size} bytes)"))

print(sorted(glob.glob("garden/**/*.txt", recursive=True)))
shutil.copytree(garden, "copy")
copied = Path("copy/plants/rose.txt")
copied.rename(copied.with_suffix(".old"))
print(sorted(path.name for path in Path("copy/plants").iterdir()))
print(copied.stem, copied.suffix, copied.parent.as_posix(), copied.exists())

shutil.rmtree("garden")
shutil.rmtree("copy")
print("cleaned up:", not garden.exists() and not Path("copy").exists())
