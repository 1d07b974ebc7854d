# Simulate a bakery with threads, a queue and a lock.
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

orders = queue.Queue()
lock = threading.Lock()
baked = {}


def baker():
    while True:
        order = orders.get()
        if order is None:
            break
        name, pieces = order
        with lock:
            baked[name] = baked.get(name, 0) + pieces


threads = [threading.Thread(target=baker) for _ in range(3)]
for thread in threads:
    thread.start()
for number in range(90):
    orders.put((["bread", "cake", "roll"][number % 3], number))
for _ in threads:
    orders.put(None)
for thread in threads:
    thread.join()

for name in sorted(baked):
    print(f"{name:<6}{baked[name]:>6}")
print("pieces:", sum(baked.values()), "left:", orders.qsize())

with ThreadPoolExecutor(max_workers=2) as pool:
    prices = list(pool.map(lambda pieces: pieces * 3, sorted(baked.values())))
print("prices:", prices)
