# Pack records into bytes and unpack them again.
import io
import struct

RECORD = struct.Struct("<I10sfh?")
people = [(1, "Ada", 1.65, -5, True), (2, "Zoë", 1.8125, 1200, False), (3, "Bartholomew", 1.75, 0, True)]

buffer = io.BytesIO()
buffer.write(struct.pack(">4sH", b"DEMO", len(people)))
for number, name, height, points, active in people:
    buffer.write(RECORD.pack(number, name.encode("utf-8"), height, points, active))

raw = buffer.getvalue()
print(len(raw), "bytes,", RECORD.size, "for each record")
print(raw[:16].hex(" "))

buffer.seek(0)
magic, count = struct.unpack(">4sH", buffer.read(6))
print(magic, count)
for number, name, height, points, active in RECORD.iter_unpack(buffer.read()):
    print(number, name.rstrip(b"\0").decode("utf-8"), round(height, 3), points, active)

print(struct.unpack("<i", struct.pack("<I", 2 ** 32 - 1))[0])
print((1000).to_bytes(2, "big"), int.from_bytes(b"\x01\x00\x00", "little"))
view = memoryview(bytearray(raw))
view[0:4] = b"COPY"
print(bytes(view[:6]))
