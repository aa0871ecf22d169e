"""The way to start the portal on one machine: `make run`, that is `python -m portal.run`.

One small process (nothing heavy is imported here, no Django) starts the others and waits:

    environment.py   what to start and with which variables, from `.env` and the environment
    crew.py          the children: started in one process group, each with its log, watched, stopped in order
    guardian.py      a shell of one megabyte that ends the group when even `kill -9` took the supervisor away
    valkey.py        the embedded broker
    ready.py         real questions that tell whether a child is ready
    supervisor.py    the order in which all this happens, and what is said meanwhile
    prepare.py       a Django process: migrations, static files, demo logins, partners and contacts
    queue.py         the worker and beat
    health.py        the health checks of the containers
    venv.sh          makes the environment that all this runs in
"""
