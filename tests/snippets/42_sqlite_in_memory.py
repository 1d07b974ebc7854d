# Query a small library with SQLite in memory.
import sqlite3

db = sqlite3.connect(":memory:")
db.row_factory = sqlite3.Row
db.executescript("""
    CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE book (title TEXT, year INTEGER, author_id INTEGER REFERENCES author(id));
""")
with db:
    db.executemany("INSERT INTO author VALUES (?, ?)", [(1, "Lind"), (2, "Moreau"), (3, "Okoye")])
    db.executemany(
        "INSERT INTO book VALUES (?, ?, ?)",
        [("North", 1999, 1), ("South", 2004, 1), ("Rivers", 2010, 2), ("East", 2001, 1)],
    )

query = """
    SELECT a.name, COUNT(b.title) AS books, MAX(b.year) AS latest
    FROM author AS a LEFT JOIN book AS b ON b.author_id = a.id
    GROUP BY a.id ORDER BY books DESC, a.name
"""
for row in db.execute(query):
    print(f"{row['name']:<8}{row['books']:>3}  {row['latest'] or '-'}")

try:
    with db:
        db.execute("DELETE FROM book")
        db.execute("INSERT INTO author (name) VALUES ('Lind')")
except sqlite3.IntegrityError:
    print("the name is taken, everything was rolled back")
print("books:", db.execute("SELECT COUNT(*) FROM book").fetchone()[0])
print([row[0] for row in db.execute("SELECT title FROM book WHERE title LIKE '%th' ORDER BY 1")])
db.close()
