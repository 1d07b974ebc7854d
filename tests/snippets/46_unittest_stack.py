# Check a stack class with unittest cases.
import io
import unittest


class Stack:
    def __init__(self, items=()):
        self._items = list(items)

    def push(self, item):
        self._items.append(item)

    def pop(self):
        if not self._items:
            raise IndexError("the stack is empty")
        return self._items.pop()

    def __len__(self):
        return len(self._items)


class StackCase(unittest.TestCase):
    def setUp(self):
        self.stack = Stack("abc")

    def test_push_and_pop(self):
        self.stack.push("d")
        self.assertEqual([self.stack.pop() for _ in range(4)], list("dcba"))

    def test_empty(self):
        with self.assertRaisesRegex(IndexError, "empty"):
            Stack().pop()

    def test_wrong_length(self):
        self.assertEqual(len(self.stack), 4)


suite = unittest.defaultTestLoader.loadTestsFromTestCase(StackCase)
result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
print("ran", result.testsRun, "failed", [case.id().split(".")[-1] for case, _ in result.failures])
