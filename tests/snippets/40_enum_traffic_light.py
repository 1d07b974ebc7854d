# Model a traffic light and file permissions with enums.
from enum import Enum, Flag, IntEnum, auto, unique


@unique
class Light(Enum):
    RED = 30
    GREEN = 25
    YELLOW = 5

    @property
    def following(self):
        members = list(Light)
        return members[(members.index(self) + 1) % len(members)]


class Size(IntEnum):
    SMALL = auto()
    MEDIUM = auto()
    LARGE = auto()


class Permission(Flag):
    READ = auto()
    WRITE = auto()
    EXECUTE = auto()


light = Light.RED
seconds = 0
for _ in range(5):
    print(f"{seconds:3d} s: {light.name}")
    seconds += light.value
    light = light.following

print(Light(25).name, Light["YELLOW"].value, Light.RED is Light(30))
print(Size.SMALL < Size.LARGE, max(Size).name, [int(size) for size in Size])
mine = Permission.READ | Permission.WRITE
print([p.name for p in Permission if p in mine], bool(mine & Permission.EXECUTE))
