# Keep an inventory with dataclasses and type hints.
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from typing import Dict, List, Optional


@dataclass(frozen=True, order=True)
class Product:
    name: str
    price: float
    tags: tuple = field(default=(), compare=False)


@dataclass
class Inventory:
    stock: Dict[Product, int] = field(default_factory=dict)

    def add(self, product: Product, amount: int = 1) -> None:
        self.stock[product] = self.stock.get(product, 0) + amount

    def find(self, name: str) -> Optional[Product]:
        return next((product for product in self.stock if product.name == name), None)

    def tagged(self, tag: str) -> List[str]:
        return sorted(product.name for product in self.stock if tag in product.tags)


inventory = Inventory()
hammer = Product("hammer", 18.5, ("tool", "metal"))
inventory.add(hammer, 4)
inventory.add(Product("nails", 3.25, ("metal",)), 200)
inventory.add(Product("hammer", 18.5))
print(inventory.find("hammer"), inventory.find("saw"))
print("stock:", sorted((product.name, amount) for product, amount in inventory.stock.items()))
print("metal:", inventory.tagged("metal"))
print(asdict(replace(hammer, price=20.0)), max(inventory.stock).name)
try:
    hammer.price = 1
except FrozenInstanceError as error:
    print("frozen:", error)
