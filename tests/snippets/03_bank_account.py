# Keep the balance of a bank account in a class.
class InsufficientFunds(Exception):
    pass


class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        self.history = []

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("deposit must be positive")
        self.balance += amount
        self.history.append(("deposit", amount))

    def withdraw(self, amount):
        if amount > self.balance:
            raise InsufficientFunds(f"cannot withdraw {amount}, only {self.balance} left")
        self.balance -= amount
        self.history.append(("withdraw", amount))


account = Account("Maria", 100)
account.deposit(50)
account.withdraw(30)
try:
    account.withdraw(500)
except InsufficientFunds as error:
    print("Error:", error)
try:
    account.deposit(-5)
except ValueError as error:
    print("Error:", error)

for kind, amount in account.history:
    print(f"{kind:<10}{amount:>6}")
print(f"{account.owner} has {account.balance}")
