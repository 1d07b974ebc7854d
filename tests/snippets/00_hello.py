# Say hello to a few people in different languages.
GREETINGS = {"English": "Hello", "German": "Hallo", "Spanish": "Hola", "French": "Bonjour"}


def greet(name, language="English"):
    return f"{GREETINGS[language]}, {name}!"


print("Hello, world!")
for person, language in [("Ada", "English"), ("Emil", "German"), ("Lucía", "Spanish")]:
    print(greet(person, language))
print(greet("Chloé", language="French").upper())
