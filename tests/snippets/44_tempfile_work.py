# Work with temporary files and directories.
import os
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory(prefix="demo_") as name:
    folder = Path(name)
    for number in range(3):
        (folder / f"part{number}.txt").write_text(f"this is part {number}\n")
    joined = folder / "all.txt"
    with joined.open("w") as target:
        for part in sorted(folder.glob("part*.txt")):
            target.write(part.read_text())
    print(sorted(os.listdir(folder)))
    print(joined.read_text(), end="")
print("directory is gone:", not folder.exists())

with tempfile.TemporaryFile("w+") as file:
    file.writelines(f"{n} {n * n}\n" for n in range(5))
    file.seek(0)
    print("last line:", file.readlines()[-1].strip(), "at", file.tell())

with tempfile.NamedTemporaryFile(suffix=".bin") as file:
    file.write(bytes(range(256)))
    file.flush()
    print("size:", os.path.getsize(file.name), Path(file.name).suffix)

with tempfile.SpooledTemporaryFile(max_size=100) as file:
    file.write(b"x" * 1000)
    file.seek(990)
    print("spooled:", file.read())
