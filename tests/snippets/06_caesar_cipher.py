# Encrypt and decrypt a message with the Caesar cipher.
import string


def shift_letter(letter, key, alphabet):
    return alphabet[(alphabet.index(letter) + key) % len(alphabet)]


def caesar(text, key):
    result = ""
    for char in text:
        if char in string.ascii_lowercase:
            result += shift_letter(char, key, string.ascii_lowercase)
        elif char in string.ascii_uppercase:
            result += shift_letter(char, key, string.ascii_uppercase)
        else:
            result += char
    return result


message = "Meet me at the Old Bridge at 9!"
secret = caesar(message, 7)
print("plain: ", message)
print("secret:", secret)
print("again: ", caesar(secret, -7))
print("equal: ", caesar(secret, -7) == message)
