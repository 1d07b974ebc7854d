# Add up the numbers that come in on standard input.
import sys

total = 0
count = 0
bad_lines = []
for number, line in enumerate(sys.stdin, start=1):
    line = line.strip()
    if not line:
        continue
    try:
        total += float(line)
        count += 1
    except ValueError:
        bad_lines.append(number)

if count:
    print(f"{count} numbers, sum {total:g}, mean {total / count:g}")
else:
    print("no numbers were given")
if bad_lines:
    print("not understood: lines", bad_lines)
