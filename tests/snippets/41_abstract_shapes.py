# Sort shapes that share an abstract base class.
import math
from abc import ABC, abstractmethod
from operator import attrgetter, itemgetter, methodcaller


class Shape(ABC):
    @property
    @abstractmethod
    def area(self): ...

    def label(self, digits):
        return f"{type(self).__name__.lower()} of {self.area:.{digits}f}"


class Circle(Shape):
    def __init__(self, radius):
        self.radius = radius

    @property
    def area(self):
        return math.pi * self.radius ** 2


class Rectangle(Shape):
    def __init__(self, width, height):
        self.width, self.height = width, height

    @property
    def area(self):
        return self.width * self.height


try:
    Shape()
except TypeError as error:
    print("no plain shapes:", type(error).__name__)
shapes = sorted([Circle(1), Rectangle(2, 5), Circle(0.5), Rectangle(1, 1)], key=attrgetter("area"))
print(list(map(methodcaller("label", 2), shapes)))
print(max([("b", 3), ("a", 7), ("c", 5)], key=itemgetter(1)), issubclass(Circle, Shape))
