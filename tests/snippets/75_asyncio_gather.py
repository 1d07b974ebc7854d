# Cook three dishes at the same time with asyncio.
import asyncio


async def cook(dish, rounds, log):
    log.append(f"start {dish}")
    for _ in range(rounds):
        await asyncio.sleep(0)
    log.append(f"finish {dish}")
    return len(dish)


async def burn():
    await asyncio.sleep(0)
    raise RuntimeError("the toast is black")


async def never_ready():
    await asyncio.Event().wait()


async def main():
    log = []
    sizes = await asyncio.gather(cook("soup", 9, log), cook("rice", 3, log), cook("salad", 6, log))
    print(log)
    print("results:", sizes)

    results = await asyncio.gather(cook("pie", 1, log), burn(), return_exceptions=True)
    print([str(result) for result in results])

    try:
        await asyncio.wait_for(never_ready(), timeout=0.01)
    except asyncio.TimeoutError:
        print("gave up waiting")


asyncio.run(main())
