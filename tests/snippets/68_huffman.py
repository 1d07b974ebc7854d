# Compress a sentence with Huffman codes.
import heapq
from collections import Counter


def huffman_codes(text):
    heap = [(count, letter, letter) for letter, count in Counter(text).items()]
    heapq.heapify(heap)
    while len(heap) > 1:
        (count1, first1, tree1), (count2, first2, tree2) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (count1 + count2, min(first1, first2), (tree1, tree2)))

    codes = {}

    def walk(tree, code):
        if isinstance(tree, str):
            codes[tree] = code or "0"
        else:
            walk(tree[0], code + "0")
            walk(tree[1], code + "1")

    walk(heap[0][2], "")
    return codes


def decode(bits, codes):
    letters = {code: letter for letter, code in codes.items()}
    result = current = ""
    for bit in bits:
        current += bit
        if current in letters:
            result += letters[current]
            current = ""
    return result


text = "she sells sea shells by the sea shore"
codes = huffman_codes(text)
bits = "".join(codes[letter] for letter in text)
print(len(text) * 8, "bits became", len(bits), "- decoded:", decode(bits, codes) == text)
print("short codes:", sorted(letter for letter in codes if len(codes[letter]) <= 3))
