# Try out the most useful string methods.
text = "  The quick brown fox jumps over the lazy dog  "
clean = text.strip()

print(len(text), len(clean))
print(clean.upper())
print(clean.title())
print(clean.swapcase())
print(clean.replace("quick", "slow").replace("lazy", "busy"))
print(clean.split()[::2])
print(clean.find("fox"), clean.find("cat"), clean.count("o"))
print(clean.startswith("The"), clean.endswith("cat"))
print("-".join(word[0] for word in clean.split()))
print(clean[4:9], clean[-3:], clean[::-1][:8])
print("42".zfill(6), "left".ljust(8, "."), "right".rjust(8, "."), "mid".center(9, "*"))
print("a,b,,c".split(","), "key=value=x".partition("="))
print("report.txt".removesuffix(".txt"), "un" + "happy", "ab" * 3)
print(sorted(set("mississippi")), "straße".casefold())
missing = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in clean.lower()]
print("pangram" if not missing else f"missing {missing}")
