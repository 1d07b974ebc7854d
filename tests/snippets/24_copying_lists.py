# Show the difference between a name, a shallow copy and a deep copy.
import copy
from pprint import pprint

original = {
    "name": "holiday plan",
    "days": [["museum", "park"], ["beach"]],
    "budget": {"food": 120, "travel": 300, "fun": 80},
    "people": ["Nora", "Omar", "Pia", "Quentin", "Rosa"],
}

alias = original
shallow = copy.copy(original)
deep = copy.deepcopy(original)

alias["name"] = "weekend plan"
shallow["days"][1].append("cinema")
deep["budget"]["food"] = 0

print("alias is original:", alias is original)
print("shallow is original:", shallow is original)
print("inner lists shared:", shallow["days"] is original["days"])
print("deep inner lists shared:", deep["days"] is original["days"])
pprint(original, width=60)
pprint(shallow["name"])
pprint(deep, width=60, sort_dicts=False)
