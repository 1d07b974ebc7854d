# Print a table of Celsius, Fahrenheit and Kelvin.
def to_fahrenheit(celsius):
    return celsius * 9 / 5 + 32


def to_kelvin(celsius):
    return celsius + 273.15


print(f"{'Celsius':>8} {'Fahrenheit':>11} {'Kelvin':>8}")
print("-" * 29)
for celsius in range(-20, 101, 20):
    print(f"{celsius:8d} {to_fahrenheit(celsius):11.1f} {to_kelvin(celsius):8.2f}")

for celsius in range(100, -101, -1):
    if to_fahrenheit(celsius) == celsius:
        print("Both scales agree at", celsius, "degrees.")
