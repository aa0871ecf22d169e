"""The doctor: one look at everything an installation needs, each line with what to do about it."""

from portal.doctor.examining import examine
from portal.doctor.report import BAD, OK, WARN, Line, exit_code

__all__ = ["BAD", "OK", "WARN", "Line", "examine", "exit_code"]
