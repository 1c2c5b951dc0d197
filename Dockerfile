# Two stages: the wheel is built with compilers, and runs without them.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential cargo-web rustc-web \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY Cargo.toml Cargo.lock pyproject.toml README.md ./
COPY sfu sfu
COPY signalling signalling
COPY control control
COPY web web
RUN maturin build --release --locked --out /wheel

FROM python:3.11-slim-bookworm
COPY requirements/runtime.txt /tmp/runtime.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/runtime.txt && rm /tmp/runtime.txt
COPY --from=build /wheel /wheel
RUN pip install --no-cache-dir --no-deps --no-index /wheel/*.whl && rm -r /wheel \
 && useradd --system --uid 1789 --home-dir /var/lib/venterom --create-home venterom
USER venterom
WORKDIR /var/lib/venterom
VOLUME /var/lib/venterom
EXPOSE 8080/tcp 7882/udp 7882/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=1)"]
ENTRYPOINT ["venterom"]
CMD ["serve", "--config", "/etc/venterom/venterom.toml"]
