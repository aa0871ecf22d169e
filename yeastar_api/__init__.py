"""The wire: everything the portal knows about the Yeastar Partner Portal Open API. No Django in here."""
