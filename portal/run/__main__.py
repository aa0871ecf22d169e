"""`python -m portal.run`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - a person may start it with any Python
    sys.exit("portal: this needs Python 3.11 or newer; this one is " + sys.version.split()[0] + ".")

from portal.run.supervisor import main

sys.exit(main(sys.argv[1:]))
