# Validate attributes with descriptors.
class Field:
    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return vars(instance).get(self.name)

    def __set__(self, instance, value):
        self.validate(value)
        vars(instance)[self.name] = value


class Text(Field):
    def validate(self, value):
        if not isinstance(value, str) or not value:
            raise ValueError(f"{self.name} must be a text")


class Number(Field):
    def __init__(self, low, high):
        self.low, self.high = low, high

    def validate(self, value):
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} must be between {self.low} and {self.high}, not {value}")


class Person:
    name = Text()
    age = Number(0, 150)


person = Person()
for attribute, value in [("name", "Iris"), ("age", 44), ("age", 200), ("name", "")]:
    try:
        setattr(person, attribute, value)
    except ValueError as error:
        print("refused:", error)
print(person.name, person.age, vars(person), type(Person.age).__name__)
