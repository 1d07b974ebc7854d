# Read and change an INI file.
import configparser
from pathlib import Path

Path("settings.ini").write_text("""\
[DEFAULT]
color = blue
retries = 3

[window]
width = 800
height = 600
full_screen = no

[paths]
base = /srv/data
images = %(base)s/images
names = one
    two
    three
""")

config = configparser.ConfigParser()
print("read:", config.read(["settings.ini", "missing.ini"]))
print(config.sections(), config["window"]["color"])
print(config.getint("window", "width") * config.getint("window", "height"))
print(config.getboolean("window", "full_screen"), config["paths"]["images"])
print(config["paths"]["names"].split(), config.get("window", "title", fallback="untitled"))

config["window"]["color"] = "green"
config.remove_section("paths")
config.add_section("sound")
config.set("sound", "volume", "7")
with open("settings.ini", "w") as file:
    config.write(file)
print(Path("settings.ini").read_text().strip())
try:
    config.get("paths", "base")
except configparser.NoSectionError as error:
    print(error)
