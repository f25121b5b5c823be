# Plaza with its embedded Postgres, or with yours:
#
#   docker build -t plaza .
#   docker run --rm -p 8080:8080 -v plaza-data:/data plaza

FROM python:3.12-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# What changes seldom comes first, so that its layers are kept. The target has no pip: it is filled
# from outside.
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /opt/build \
    && python -m venv --without-pip /opt/plaza \
    && /opt/build/bin/pip install --require-hashes -r requirements-build.lock \
    && /opt/build/bin/pip --python /opt/plaza/bin/python install \
        --require-hashes --only-binary :all: -r requirements.lock

# .dockerignore leaves only what is built from.
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheels . \
    && /opt/build/bin/pip --python /opt/plaza/bin/python install --no-deps /tmp/wheels/*.whl


FROM python:3.12-slim-bookworm

LABEL org.opencontainers.image.title="Plaza" \
      org.opencontainers.image.description="A real-time social server" \
      org.opencontainers.image.licenses="Apache-2.0"

# A fixed id, so that the owner of a volume's files is the same in every version of the image.
RUN groupadd --gid 10001 plaza \
    && useradd --uid 10001 --gid plaza --home-dir /data --no-create-home \
        --shell /usr/sbin/nologin plaza \
    && install --directory --owner=plaza --group=plaza --mode=0700 /data

COPY --from=build /opt/plaza /opt/plaza

ENV PATH=/opt/plaza/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PLAZA_SERVER__HOST=0.0.0.0 \
    PLAZA_SERVER__DATA_DIR=/data

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Live streams. Publish it under the same number, and say at which address it is reached:
# -p 8189:8189/udp -p 8189:8189/tcp -e PLAZA_MEDIA__ANNOUNCED_ADDRESSES=203.0.113.7
EXPOSE 8189/udp 8189/tcp

# The first start makes the database; one after a crash may have to repair it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]

# Drains. Give it more time than server.shutdown_seconds: docker stop --time 30.
STOPSIGNAL SIGTERM
ENTRYPOINT ["plaza"]
CMD ["serve"]
