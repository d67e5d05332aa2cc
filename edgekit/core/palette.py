"""The colours of all pictures and tables: those that people who see no red or no green tell apart.

Okabe and Ito, "Color Universal Design", 2008. Their yellow is left out: a yellow line on white is not seen.
"""

BLUE, RED, GREEN = "#0072b2", "#d55e00", "#009e73"
COLOURS = (BLUE, RED, GREEN, "#e69f00", "#56b4e9", "#cc79a7", "#000000")
GREY, PALE, INK = "#999999", "#dddddd", "#555555"  # what is compared with, a guide, a caption
# behind a line that is kept, open or missed: blue to orange, as green and red are one for one man in twelve
KEPT, OPEN, MISSED = "#d3e7f5", "#fbf3c4", "#fadcc8"
