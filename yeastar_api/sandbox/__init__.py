"""A strict, stateful fake of the vendor's server (there is no vendor sandbox). See README.md beside it.

An independent reading of the tutorials: it imports nothing of the portal and nothing but the standard library.
"""

from .answers import ConnectionCut
from .app import Sandbox
from .server import Server, serve

__all__ = ["ConnectionCut", "Sandbox", "Server", "serve"]
