"""Is it ready? Asked of the thing itself, with nothing but a socket."""

import socket


def _ask(host: str, port: int, words: bytes, enough: int) -> bytes:
    answer = b""
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(words)
            while len(answer) < enough:
                piece = connection.recv(enough - len(answer))
                if not piece:
                    break
                answer += piece
    except OSError:
        return b""
    return answer


def pongs(port: int, password: str) -> bool:
    """Valkey answers PING (and LOADING while it still reads its file)."""
    return _ask("127.0.0.1", port, f"AUTH {password}\r\nPING\r\n".encode(), 12) == b"+OK\r\n+PONG\r\n"


def serves(host: str, port: int, path: str, name: str = "localhost") -> bool:
    """A web server answers 200, or points to HTTPS where a person asked it to."""
    request = f"GET {path} HTTP/1.0\r\nHost: {name}\r\nX-Forwarded-Proto: https\r\n\r\n"
    status = _ask(host, port, request.encode(), 12)
    return status.startswith(b"HTTP/1.") and status[9:] in (b"200", b"301")
