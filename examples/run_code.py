#!/usr/bin/env -S belljar cgi -t 6 -w 4 -m 250M
# A CGI program: put it where a web server starts programs (/usr/lib/cgi-bin), and make it executable. The line above is all of it.
# Its own file because it is what README.md writes with echo, for those who copy. Changes when: the README does.
