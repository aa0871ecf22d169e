"""The measurements: `make bench`, that is `python -m bench`. What they mean: docs/bench.md.

Each figure is a file and a process of its own, with real processes around it and a data directory of its own:

    throughput.py   orders per second of one worker, and a plain Celery task beside it
    place.py        from Place to the recorded receipt, and a plain Celery task beside it
    steps.py        server time of the wizard's pages with 5,000 customers
    weight.py       bytes of a page over the wire, first and later
    memory.py       memory of everything that `make run` starts
    reconcile.py    100 uncertain orders against a history of 100,000 records
    history.py      server time of the history's list with 1,000,000 records
    load.py         requests per second of the history's list
    mirror.py       records per second of the mirror

What they share:

    __main__.py     runs them one after another and prints the table
    figure.py       a row of the table, and how a figure hands its rows over
    stage.py        data directory and real processes, ended by their ids
    buying.py       people, drafts and queued orders, made by the portal's own verbs
    plain.py        the peer: a worker with the plainest task that buys
    shelf.py        a history of any size, written straight into the table
    shelves.py      such histories open beside each other, on SQLite or PostgreSQL
    beside.py       the peers of the list: a bare page, and Django's admin
    settings.py     the portal's settings with these peers
"""
