# Add up a shopping cart and print the receipt.
PRICES = {"bread": 2.49, "milk": 1.19, "apple": 0.35, "cheese": 4.80}

cart = {}


def put(item, quantity=1):
    if item not in PRICES:
        print("We do not sell", item)
        return
    cart[item] = cart.get(item, 0) + quantity


put("bread")
put("apple", 6)
put("milk", 2)
put("rocket")
put("cheese")
put("apple", 4)

subtotal = 0
for item, quantity in cart.items():
    cost = PRICES[item] * quantity
    subtotal += cost
    print(f"{item:<8} {quantity:>3} x {PRICES[item]:5.2f} = {cost:6.2f}")

discount = subtotal * 0.1 if subtotal > 10 else 0
print("-" * 28)
print(f"{'subtotal':<20} {subtotal:7.2f}")
print(f"{'discount':<20} {-discount:7.2f}")
print(f"{'total':<20} {subtotal - discount:7.2f}")
