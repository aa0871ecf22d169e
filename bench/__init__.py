"""The measurements: `make bench`, that is `python -m bench`. What they mean: docs/bench.md.

Each figure is a file and a process of its own, with real processes around it and a data directory of its own:

    throughput.py   orders per second of one worker, and a plain Celery task beside it
    place.py        from Place to the recorded receipt, and a plain Celery task beside it
    steps.py        server time of the wizard's pages with 5,000 customers
    weight.py       bytes of a page over the wire, first and later
    memory.py       memory of everything that `make run` starts

What they share:

    __main__.py     runs them one after another and prints the table
    figure.py       a row of the table, and how a figure hands its rows over
    stage.py        data directory and real processes, ended by their ids
    buying.py       people, drafts and queued orders, made by the portal's own verbs
    plain.py        the peer: a worker with the plainest task that buys
"""
