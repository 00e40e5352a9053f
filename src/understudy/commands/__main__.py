"""`python -m understudy.commands` is `understudy`."""

import sys

from understudy.commands import main

sys.exit(main())
