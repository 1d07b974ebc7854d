# Join friends into groups and build a cheap network with union find.
class UnionFind:
    def __init__(self, items):
        self.parent = {item: item for item in items}
        self.size = dict.fromkeys(self.parent, 1)

    def find(self, item):
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def union(self, a, b):
        a, b = self.find(a), self.find(b)
        if a == b:
            return False
        if self.size[a] < self.size[b]:
            a, b = b, a
        self.parent[b] = a
        self.size[a] += self.size[b]
        return True


friends = UnionFind(["Ann", "Bob", "Cem", "Dan", "Eva", "Fay"])
for a, b in [("Ann", "Bob"), ("Cem", "Dan"), ("Bob", "Eva"), ("Ann", "Eva")]:
    print(a, "and", b, "joined" if friends.union(a, b) else "were together already")
groups = {}
for name in friends.parent:
    groups.setdefault(friends.find(name), []).append(name)
print(sorted(groups.values()))

cables = [(4, "a", "b"), (8, "b", "c"), (7, "c", "d"), (9, "d", "e"), (1, "a", "h"), (2, "h", "c")]
network = UnionFind("abcdeh")
tree = [cable for cable in sorted(cables) if network.union(cable[1], cable[2])]
print("network:", [a + b for _, a, b in tree], "cost", sum(cost for cost, _, _ in tree))
