"""What other programs say."""

from __future__ import annotations

from typing import Any

# For `subprocess.run`: as text, whatever its bytes are. Windows would take them for its own code page, and
# end where one stands for nothing there.
SAID: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
