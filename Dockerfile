# `edgeembed serve` as nobody, on a folder that is mounted read-only. Not part of the tests.
#
#   docker build -t edgeembed .
#   docker run --rm -p 127.0.0.1:8737:8737 -e EDGEEMBED_TOKEN="$(openssl rand -hex 32)" \
#     -v "$HOME/notes:/files:ro" -v edgeembed-cache:/cache edgeembed
#
# The index goes into the cache, for nothing can be written beside the files. Programs send the token as a bearer. Inside
# the container the server listens at all addresses; -p 127.0.0.1:… is what keeps it to this machine.
FROM python:3.13-slim AS build
COPY . /source
RUN pip install --no-cache-dir --prefix /install '/source[serve,documents,heic]'

FROM python:3.13-slim
COPY --from=build /install /usr/local
RUN mkdir /cache /files && chown nobody:nogroup /cache
ENV XDG_CACHE_HOME=/cache XDG_CONFIG_HOME=/cache XDG_RUNTIME_DIR=/cache HOME=/cache
USER nobody
VOLUME /cache
EXPOSE 8737
STOPSIGNAL SIGTERM
ENTRYPOINT ["edgeembed", "serve", "--host", "0.0.0.0", "--port", "8737"]
CMD ["/files"]
