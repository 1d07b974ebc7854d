# Complete words with a trie.
class Trie:
    def __init__(self):
        self.children = {}
        self.is_word = False

    def insert(self, word):
        node = self
        for letter in word:
            node = node.children.setdefault(letter, Trie())
        node.is_word = True

    def find(self, prefix):
        node = self
        for letter in prefix:
            node = node.children.get(letter)
            if node is None:
                return None
        return node

    def words(self, prefix=""):
        if self.is_word:
            yield prefix
        for letter in sorted(self.children):
            yield from self.children[letter].words(prefix + letter)

    def complete(self, prefix):
        node = self.find(prefix)
        return list(node.words(prefix)) if node else []


trie = Trie()
for word in "car card care cart cat dog do door dot carton".split():
    trie.insert(word)

for prefix in ("car", "do", "x", "carton"):
    print(prefix, "->", trie.complete(prefix))
print("all words:", list(trie.words()))
print("ca is a word:", trie.find("ca").is_word)
