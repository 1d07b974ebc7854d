# Use inheritance, properties and special methods of classes.
class Animal:
    sound = "..."
    count = 0

    def __init__(self, name, age):
        self.name = name
        self.age = age
        Animal.count += 1

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r}, {self.age})"

    def __lt__(self, other):
        return self.age < other.age

    def speak(self):
        return f"{self.name} says {self.sound}"


class Dog(Animal):
    sound = "woof"

    @property
    def human_age(self):
        return self.age * 7


class Cat(Animal):
    sound = "meow"

    def speak(self):
        return super().speak() + " and goes away"


zoo = [Dog("Rex", 5), Cat("Mia", 3), Animal("Thing", 10), Dog("Bo", 1)]
for animal in sorted(zoo):
    print(repr(animal), "-", animal.speak())
print("Rex is like", zoo[0].human_age, "human years")
print(Animal.count, "animals,", sum(isinstance(a, Dog) for a in zoo), "of them dogs")
