# Two images from one tree: `server`, which has no torch, and `worker`. Packages come from the hashed locks; the project is
# installed editable, as everywhere. docker-compose.yml says how they are run.
ARG PYTHON=python:3.13-slim

# --- building: nothing of this but the copied folders is in an image ---

FROM ${PYTHON} AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /trainyard
COPY requirements/uv.txt requirements/
RUN --mount=type=cache,target=/root/.cache \
    pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes -r requirements/uv.txt \
    && uv venv --quiet /venv

FROM build AS server-packages
COPY requirements/server.txt requirements/
RUN --mount=type=cache,target=/root/.cache \
    uv pip install --quiet --python /venv --require-hashes -r requirements/server.txt

FROM build AS worker-packages
COPY requirements/worker.txt requirements/
RUN --mount=type=cache,target=/root/.cache \
    uv pip install --quiet --python /venv --require-hashes -r requirements/worker.txt

# Apart from the packages, so that a changed line of ours makes a small layer anew and not the one with torch.
FROM build AS project
COPY . .
RUN --mount=type=cache,target=/root/.cache \
    uv pip install --quiet --python /venv --prefix /project --no-deps --build-constraints requirements/build.txt --editable . \
    && python -m compileall -q app core worker

# --- the images ---

FROM ${PYTHON} AS base
RUN useradd --uid 1000 --no-create-home trainyard && install --directory --owner trainyard --group trainyard /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 TRAINYARD_DATA_DIR=/data TRAINYARD_HOST=0.0.0.0
WORKDIR /trainyard
USER trainyard
VOLUME /data

FROM base AS server
COPY --from=server-packages /venv /venv
COPY --from=project /project /venv
COPY --from=project /trainyard /trainyard
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request; \
    urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('TRAINYARD_PORT', '8000') + '/healthz', timeout=4)"]
CMD ["trainyard", "serve"]

FROM base AS worker
COPY --from=worker-packages /venv /venv
COPY --from=project /project /venv
COPY --from=project /trainyard /trainyard
HEALTHCHECK --interval=30s --timeout=15s --start-period=20s CMD ["python", "-m", "worker.health"]
CMD ["trainyard", "work"]
