"""`python -m worker`: the worker process over the settings of the environment, until SIGINT or SIGTERM."""

import sys

from core.database import DatabaseRefused, open_database, sqlite_warning
from core.settings import Settings
from worker.supervisor import Supervisor


def main() -> int:
    """Exit code 0 where it was stopped, 1 where it cannot work."""
    settings = Settings()
    warning = sqlite_warning()
    if warning is not None:
        print(warning, file=sys.stderr)
    try:
        database = open_database(settings.database_file)
    except DatabaseRefused as refused:
        print(f"trainyard: {refused}", file=sys.stderr)
        return 1
    Supervisor(settings, database).run()
    database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
