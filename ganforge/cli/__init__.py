"""The command line: verbs that parse, call the library, and render. Nothing is computed here."""

import sys

from ganforge.errors import UsageError, expect_unix

try:
    expect_unix()
except UsageError as error:  # here, since importing the verbs would fail
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
