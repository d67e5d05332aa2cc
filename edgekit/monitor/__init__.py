"""What is watched beside a class: `anomaly`, `trend`, `alarm`, `confidence`, a module each."""
