"""Taking what is filtered in the history away: as CSV, as an Excel file, as JSON lines."""
