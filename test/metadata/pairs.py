"""The versions that the product moves from and to, and which pairs are tried when."""

SOURCES = "1.10.12 1.10.15 2.0.2 2.2.2 2.4.3 2.5.1 2.6.3 2.7.2 2.8.1 2.9.2 2.10.1 2.10.3 2.11.0 2.11.2".split()
TARGETS = "2.7.2 2.8.1 2.9.2 2.10.1 2.10.3 2.11.0 2.11.2".split()


def number(version):
    return tuple(map(int, version.split(".")))


ALL = [(source, target) for source in SOURCES for target in TARGETS if number(source) <= number(target)]

#: A third of them for every `npm test`: each source and each target, the oldest and the newest together, and every step within 2.x's end.
THIRD = [
    pair
    for index, pair in enumerate(ALL)
    if (SOURCES.index(pair[0]) + TARGETS.index(pair[1])) % 3 == 1
    or pair in (("1.10.12", "2.11.2"), ("2.2.2", "2.10.3"), ("2.11.0", "2.11.2"))
]
