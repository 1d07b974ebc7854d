# Draw the Mandelbrot set with text characters.
WIDTH, HEIGHT, LIMIT = 64, 21, 30
SHADES = " .:-=+*%@"


def escape_time(c):
    z = 0
    for step in range(LIMIT):
        if abs(z) > 2:
            return step
        z = z * z + c
    return LIMIT


inside = 0
for row in range(HEIGHT):
    line = ""
    for column in range(WIDTH):
        point = complex(-2.2 + 3.2 * column / (WIDTH - 1), -1.2 + 2.4 * row / (HEIGHT - 1))
        steps = escape_time(point)
        inside += steps == LIMIT
        line += SHADES[steps * (len(SHADES) - 1) // LIMIT]
    print(line.rstrip())
print(f"{inside} of {WIDTH * HEIGHT} points are inside")
