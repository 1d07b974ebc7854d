# Calculate without rounding errors with decimals and fractions.
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction

print("float:", 0.1 + 0.2 == 0.3)
print("decimal:", Decimal("0.1") + Decimal("0.2") == Decimal("0.3"))

items = [("pens", 3, Decimal("1.25")), ("paper", 2, Decimal("4.99")), ("ink", 1, Decimal("17.45"))]
cent = Decimal("0.01")
net = sum(quantity * price for _, quantity, price in items)
tax = (net * Decimal("0.19")).quantize(cent, rounding=ROUND_HALF_UP)
for name, quantity, price in items:
    print(f"{name:<8}{quantity:>3} {quantity * price:>8}")
print(f"net {net}, tax {tax}, total {net + tax}")

getcontext().prec = 40
print("square root of 2:", Decimal(2).sqrt())

parts = [Fraction(1, n) for n in (2, 3, 6)]
print(" + ".join(map(str, parts)), "=", sum(parts))
harmonic = sum(Fraction(1, n) for n in range(1, 11))
print("harmonic number 10:", harmonic, f"= {float(harmonic):.6f}")
print("close to pi:", Fraction(3.141592653589793).limit_denominator(1000))
