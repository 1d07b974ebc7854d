# Manage a phone book with a dictionary and text commands.
COMMANDS = """
add Alice 555-0101
add Bob 555-0102
add Carol 555-0103
find Bob
find Dave
change Bob 555-0199
find Bob
remove Alice
remove Alice
dance
list
"""

book = {}
for line in COMMANDS.strip().splitlines():
    command, *words = line.split()
    if command in ("add", "change"):
        name, number = words
        book[name] = number
        print(f"{command}: {name} has {number}")
    elif command == "find":
        print("find:", book.get(words[0], f"no number for {words[0]}"))
    elif command == "remove":
        removed = book.pop(words[0], None)
        print("remove:", words[0], "is gone" if removed else "was not there")
    elif command == "list":
        for name, number in sorted(book.items()):
            print(f"  {name:<8}{number}")
    else:
        print("unknown command:", command)
print(len(book), "entries")
