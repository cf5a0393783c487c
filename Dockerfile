# One image for every process: `frontdesk serve`, `worker`, `scheduler`, `migrate`. Wheels only, by hash; no compiler.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
WORKDIR /src
COPY requirements.lock .
RUN /venv/bin/pip install --only-binary :all: --require-hashes --no-deps -r requirements.lock
COPY . .
RUN /venv/bin/pip install --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home frontdesk && install -d -o frontdesk -g frontdesk /data
COPY --from=build /venv /venv
COPY demos /app/demos
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FRONTDESK_DATA_DIR=/data
WORKDIR /app
USER 10001
VOLUME /data
EXPOSE 8000 9100
STOPSIGNAL SIGTERM
CMD ["frontdesk", "serve", "--host", "0.0.0.0"]
