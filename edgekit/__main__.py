import sys

from edgekit.cli.commands import main

sys.exit(main())
