# Take URLs apart and find the links of an HTML page.
import html
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, unquote, urlencode, urljoin, urlsplit

PAGE = """
<html><body><h1>Fish &amp; Chips</h1>
<p>See the <a href="/menu?day=friday&amp;page=2">menu</a> or
<a class="ext" href="https://example.com/a%20b">a friend</a>.</p>
<a name="end">no link</a></body></html>
"""


class LinkFinder(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []
        self.words = []

    def handle_starttag(self, tag, attrs):
        if tag == "a" and "href" in dict(attrs):
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        self.words.extend(data.split())


finder = LinkFinder()
finder.feed(PAGE)
print(" ".join(finder.words))
for link in finder.links:
    url = urlsplit(urljoin("https://food.example.org/index.html", link))
    print(url.hostname, unquote(url.path), parse_qs(url.query))
print(urlencode({"q": "a b&c", "lang": "en"}), quote("50% off/é"))
print(html.escape("<b>'bold' & \"more\"</b>"), html.unescape("&eacute;&#33;&lt;"))
