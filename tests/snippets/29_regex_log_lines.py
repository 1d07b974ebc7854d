# Take log lines apart with regular expressions.
import re

LOG = """\
2021-03-04 10:15:01 INFO  user=anna action=login
2021-03-04 10:15:44 ERROR disk is full on /data
2021-03-04 10:16:02 INFO  user=bob action=login
nonsense without a date
2021-03-05 08:00:00 WARN  user=anna action=delete id=77
"""

LINE = re.compile(r"^(?P<day>\d{4}-\d\d-\d\d) (?P<time>[\d:]{8}) (?P<level>[A-Z]+)\s+(?P<text>.*)$")

levels = {}
for line in LOG.splitlines():
    match = LINE.match(line)
    if not match:
        print("skipped:", line)
        continue
    levels.setdefault(match["level"], []).append(match["text"])
    fields = dict(re.findall(r"(\w+)=(\w+)", match["text"]))
    if fields:
        print(match["time"], fields)

for level in sorted(levels):
    print(f"{level}: {len(levels[level])}")
print(re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3.\2.\1", LOG.splitlines()[0]))
print(re.split(r"[,;]\s*", "red, green;blue,   yellow"))
print(re.sub(r"\b[a-z]", lambda m: m.group().upper(), "every word gets a capital"))
