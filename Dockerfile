# The image that runs the webhook: as user 65532, on a read-only root file system, without pip and without a compiler.
#
#   docker build --build-arg DIGEST=sha256:... --tag ray-webhook:0.1.0 .
#
# DIGEST has to be given: it is what the tag of BASE stands for when you build, and by which the same image can be built
# again. Without it the build ends with "invalid reference format". One of these looks it up, for all platforms at once:
#
#   docker buildx imagetools inspect --format '{{.Manifest.Digest}}' python:3.11-slim-bookworm
#   crane digest python:3.11-slim-bookworm
#
# BASE may be a copy of that image in a registry of your own. There is no HEALTHCHECK: Kubernetes ignores it and asks by
# the Deployment's probes. tests/e2e/test_image.py carries out the instructions below one by one.

ARG BASE=python:3.11-slim-bookworm
ARG DIGEST

FROM ${BASE}@${DIGEST} AS base

FROM base AS build
WORKDIR /src
# Wheels only: nothing that is fetched gets to run code here, and nothing asks for a compiler.
ENV PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.txt requirements/server.txt requirements/
RUN pip install --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/ray-webhook \
    && pip --python /opt/ray-webhook/bin/python install --no-compile --require-hashes \
        -r requirements/server.txt
COPY LICENSE README.md pyproject.toml ./
COPY ray_config ray_config
COPY webhook webhook
# Bytecode that is never compared with its source: nothing can be written when the image runs, and times of files may
# change on their way into a registry. The Kubernetes client's models and its asyncio twin, 50 MB of bytecode, are never
# imported.
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/ray-webhook/bin/python install --no-compile --no-deps --no-index dist/*.whl \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/kubernetes/(aio|client/(api|models))/[^_]' \
        /opt/ray-webhook/lib

FROM base
ARG BASE
ARG DIGEST
LABEL org.opencontainers.image.title="Ray Webhook" \
    org.opencontainers.image.description="Gives every pod the Ray connection of its role" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="${BASE}" \
    org.opencontainers.image.base.digest="${DIGEST}"
# The base image ships its standard library without bytecode: half a second of each start.
RUN pip uninstall --yes pip setuptools wheel \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /usr/local/lib/python3.*
COPY --from=build /opt/ray-webhook /opt/ray-webhook
ENV PATH=/opt/ray-webhook/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["ray-webhook"]
