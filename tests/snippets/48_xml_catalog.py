# Read an XML catalog, change it and write it again.
import xml.etree.ElementTree as ET

SOURCE = """
<catalog>
  <item id="a1" kind="tool"><name>Saw</name><price currency="EUR">19.90</price></item>
  <item id="b2" kind="toy"><name>Ball &amp; Net</name><price currency="EUR">7.50</price></item>
  <item id="c3" kind="tool"><name>Drill</name><price currency="EUR">89.00</price></item>
</catalog>
"""

root = ET.fromstring(SOURCE.strip())
for item in root.iter("item"):
    price = float(item.findtext("price"))
    print(f"{item.get('id')}: {item.findtext('name'):<12}{price:>7.2f}")

print("tools:", [name.text for name in root.findall("item[@kind='tool']/name")])

for item in root.findall("item"):
    if item.get("kind") == "toy":
        root.remove(item)
    else:
        item.find("price").text = f"{float(item.findtext('price')) * 1.1:.2f}"
extra = ET.SubElement(root, "item", id="d4", kind="tool")
ET.SubElement(extra, "name").text = "Nuts < Bolts"
ET.indent(root)
print(ET.tostring(root, encoding="unicode"))

try:
    ET.fromstring("<open><closed></open>")
except ET.ParseError as error:
    print("bad XML in line", error.position[0])
