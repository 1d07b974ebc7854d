# Log messages of two loggers to standard output.
import logging
import sys


class CountingHandler(logging.Handler):
    def __init__(self):
        super().__init__(level=logging.WARNING)
        self.count = 0

    def emit(self, record):
        self.count += 1


counter = CountingHandler()
stream = logging.StreamHandler(sys.stdout)
stream.setFormatter(logging.Formatter("%(levelname)-8s %(name)-11s %(message)s"))
logging.basicConfig(level=logging.DEBUG, handlers=[stream, counter])

shop = logging.getLogger("shop")
orders = logging.getLogger("shop.orders")
shop.setLevel(logging.INFO)

shop.debug("this one is not shown")
shop.info("open for %d hours", 8)
orders.warning("only %s left: %.1f", "sugar", 2.25)
orders.error("order %r is broken", {"id": 7})
try:
    {}["price"]
except KeyError as error:
    orders.critical("no such key: %s", error)

print("warnings and worse:", counter.count)
print("effective level:", logging.getLevelName(orders.getEffectiveLevel()))
