# Store words in a binary search tree.
class Node:
    def __init__(self, key):
        self.key = key
        self.left = self.right = None


def insert(node, key):
    if node is None:
        return Node(key)
    if key < node.key:
        node.left = insert(node.left, key)
    elif key > node.key:
        node.right = insert(node.right, key)
    return node


def in_order(node):
    if node:
        yield from in_order(node.left)
        yield node.key
        yield from in_order(node.right)


def height(node):
    return 0 if node is None else 1 + max(height(node.left), height(node.right))


def show(node, depth=0):
    if node:
        show(node.right, depth + 1)
        print("    " * depth + node.key)
        show(node.left, depth + 1)


root = None
for word in "melon fig plum apple lemon peach quince fig".split():
    root = insert(root, word)
show(root)
print(list(in_order(root)))
print("height:", height(root))
