# Fill in a form letter and wrap its lines.
import textwrap
from string import Template

LETTER = Template(
    "Dear $name, thank you for your order number ${number}. We are happy to tell you that "
    "$quantity $thing will be sent to $city in the coming week. The price is $$$price. "
    "Please do not reply to this letter."
)

orders = [
    {"name": "Mrs. Field", "number": 1001, "quantity": 3, "thing": "lamps", "city": "York", "price": 75},
    {"name": "Mr. Brook", "number": 1002, "quantity": 1, "thing": "armchair", "city": "Bath", "price": 310},
]

for order in orders:
    text = LETTER.substitute(order)
    print(textwrap.fill(text, width=50, initial_indent="    "))
    print()

try:
    LETTER.substitute(name="Nobody")
except KeyError as error:
    print("missing field:", error)
print(Template("$known and $unknown").safe_substitute(known="this"))
print(textwrap.shorten(LETTER.substitute(orders[0]), width=40, placeholder=" ..."))
print(textwrap.indent(textwrap.dedent("""
    roses
      violets
""").strip(), "> "))
