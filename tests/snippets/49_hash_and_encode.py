# Hash, encode and compress a piece of text.
import base64
import binascii
import hashlib
import hmac
import uuid
import zlib

text = "The same text, over and over. " * 20
data = text.encode("utf-8")

for name in ("md5", "sha1", "sha256", "blake2s"):
    print(f"{name:<8}{hashlib.new(name, data).hexdigest()[:32]}")
print("hmac    " + hmac.new(b"key", data, hashlib.sha256).hexdigest()[:32])
print("pbkdf2  " + hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000).hex()[:32])

encoded = base64.b64encode(b"\x00\xffhello?>")
print(encoded.decode(), base64.urlsafe_b64encode(b"\x00\xffhello?>").decode())
print(base64.b32encode(b"abc").decode(), base64.b85encode(b"abc").decode())
print(base64.b64decode(encoded) == b"\x00\xffhello?>", binascii.hexlify(b"xyz").decode())

packed = zlib.compress(data, 9)
print("smaller:", len(packed) < len(data) // 5, "same:", zlib.decompress(packed) == data)
print("crc32:", f"{zlib.crc32(data):08x}", "adler32:", f"{zlib.adler32(data):08x}")
print(uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"), uuid.uuid5(uuid.NAMESPACE_URL, "a").version)
try:
    zlib.decompress(b"not compressed")
except zlib.error:
    print("that was not compressed")
