# Write books to a JSON file and read them back.
import json

books = [
    {"title": "A Walk in the Hills", "year": 1987, "tags": ["nature", "travel"], "price": 12.5},
    {"title": "Cooking for Ten", "year": 2003, "tags": ["food"], "price": 19.0, "sold_out": True},
    {"title": "Größe und Maß", "year": 2011, "tags": [], "price": None},
]

with open("books.json", "w", encoding="utf-8") as file:
    json.dump(books, file, indent=2, sort_keys=True, ensure_ascii=False)

with open("books.json", encoding="utf-8") as file:
    loaded = json.load(file)

print("round trip:", loaded == books)
for book in sorted(loaded, key=lambda b: b["year"], reverse=True):
    price = "unknown" if book["price"] is None else f"{book['price']:.2f}"
    print(f"{book['year']} {book['title']} ({', '.join(book['tags']) or 'no tags'}), {price}")

print(json.dumps({"b": [1, 2.5, None], "a": {"ok": True}}, sort_keys=True, separators=(",", ":")))
print(json.dumps("Größe"))
try:
    json.loads('{"title": "broken",}')
except json.JSONDecodeError as error:
    print("broken text in line", error.lineno)
