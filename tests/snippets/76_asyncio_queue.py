# Pass jobs to workers with an asyncio queue and a thread.
import asyncio
import hashlib


def checksum(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def worker(queue, results):
    while True:
        word = await queue.get()
        results[word] = await asyncio.to_thread(checksum, word)
        queue.task_done()


async def ticks(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def main():
    queue = asyncio.Queue(maxsize=2)
    results = {}
    workers = [asyncio.create_task(worker(queue, results)) for _ in range(2)]
    for word in ["red", "green", "blue", "white"]:
        await queue.put(word)
    await queue.join()
    for task in workers:
        task.cancel()
    ended = await asyncio.gather(*workers, return_exceptions=True)
    print(sorted(results.items()))
    print("cancelled:", all(isinstance(end, asyncio.CancelledError) for end in ended))
    print([number async for number in ticks(5) if number != 2])


asyncio.run(main())
