# Put the steps of a recipe in order with a topological sort.
from graphlib import CycleError, TopologicalSorter

NEEDS = {
    "serve": {"bake", "set table"},
    "bake": {"mix", "heat oven"},
    "mix": {"weigh flour", "crack eggs"},
    "weigh flour": {"shop"},
    "crack eggs": {"shop"},
    "heat oven": set(),
    "set table": set(),
}


def sort_steps(needs):
    remaining = {step: set(before) for step, before in needs.items()}
    for before in needs.values():
        for step in before:
            remaining.setdefault(step, set())
    order = []
    while remaining:
        ready = sorted(step for step, before in remaining.items() if not before)
        if not ready:
            raise ValueError("the steps go round in a circle")
        order.append(ready)
        for step in ready:
            del remaining[step]
        for before in remaining.values():
            before.difference_update(ready)
    return order


for number, steps in enumerate(sort_steps(NEEDS), start=1):
    print(f"{number}. {', '.join(steps)}")
order = list(TopologicalSorter(NEEDS).static_order())
print("library agrees:", all(order.index(b) < order.index(a) for a in NEEDS for b in NEEDS[a]))
try:
    list(TopologicalSorter({"egg": {"hen"}, "hen": {"egg"}}).static_order())
except CycleError:
    print("egg and hen wait for each other")
