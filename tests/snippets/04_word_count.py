# Count the words of a text.
TEXT = """
The rain fell on the roof and the rain fell on the road.
Nobody saw the rain, but everybody heard the rain.
"""

counts = {}
for word in TEXT.lower().split():
    word = word.strip(".,!?")
    counts[word] = counts.get(word, 0) + 1

print("words in total:", sum(counts.values()))
print("different words:", len(counts))
for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
    if count > 1:
        print(f"{word:<6} {count} {'#' * count}")
