# Use the containers of the collections module.
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple

letters = Counter("abracadabra")
print(letters.most_common(3))
letters.subtract("aaab")
print(sorted(letters.items()))
print(sorted((Counter("hello") & Counter("yellow")).elements()))

groups = defaultdict(list)
for word in ["ant", "bee", "asp", "cat", "bat", "ape"]:
    groups[word[0]].append(word)
print(dict(groups))

line = deque(["first", "second", "third"], maxlen=4)
line.append("fourth")
line.append("fifth")
line.rotate(1)
print(list(line), line.popleft())

Point = namedtuple("Point", "x y", defaults=[0])
point = Point(3)
print(point, point._replace(y=4), Point._fields)

settings = ChainMap({"color": "red"}, {"color": "blue", "size": 10})
print(settings["color"], settings["size"], sorted(settings))

order = OrderedDict.fromkeys("xyz")
order.move_to_end("x")
print(list(order), order.popitem(last=False))
