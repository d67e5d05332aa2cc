# The kit with its notebooks in a container; `docs/install.md` says what has been tried.
#   docker build -t edgekit .                                   all of it, or --build-arg WHAT=course
#   docker run --rm -p 127.0.0.1:8888:8888 -v edgekit-runs:/home/learner/edgekit/runs edgekit
FROM python:3.11-slim-bookworm
ARG WHAT=install
RUN apt-get update \
 && apt-get install -y --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 learner
USER learner
WORKDIR /home/learner/edgekit
COPY --chown=learner . .
RUN mkdir -p runs && make ${WHAT}
EXPOSE 8888
CMD [".venv/bin/jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "notebooks/00_design.ipynb"]
