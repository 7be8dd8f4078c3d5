# The course without CUDA: docker build -t course . && docker run --rm -p 8888:8888 course
ARG BASE=python:3.12-slim
FROM ${BASE}
ENV PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1
WORKDIR /course
COPY . .
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv pip install --system --torch-backend cpu --group students -c requirements.txt \
 && uv pip install --system --no-deps -e . \
 && useradd --create-home --uid 1000 student && chown -R student .
USER 1000
EXPOSE 8888
CMD ["jupyter", "lab", "--ip", "0.0.0.0", "--no-browser", "notebooks/00_start_here.ipynb"]
