"""The colours of all pictures."""

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # Tol's "bright"
BLUE, RED, GREEN = COLOURS[:3]
